//! Memory that JavaScript writes requests into and reads answers from.

use alloc::vec::Vec;
use core::alloc::Layout;
use core::slice;

/// Bytes before an answer: its length, little endian.
const PREFIX: usize = size_of::<u32>();

fn layout(len: usize) -> Option<Layout> {
    // Never of size 0, which the allocator does not allow.
    Layout::array::<u8>(len.max(1)).ok()
}

/// Memory of `len` bytes; null where there is none.
#[must_use]
pub fn alloc(len: usize) -> *mut u8 {
    let Some(layout) = layout(len) else {
        return core::ptr::null_mut();
    };
    // SAFETY: the layout is not of size 0.
    unsafe { alloc::alloc::alloc_zeroed(layout) }
}

/// Gives back memory of [`alloc`] or an answer of [`call`], the prefix counted.
///
/// # Safety
/// `at` came from one of the two with this `len`, and is not used afterwards.
pub unsafe fn free(at: *mut u8, len: usize) {
    if let Some(layout) = layout(len)
        && !at.is_null()
    {
        // SAFETY: as the caller promises, this is the layout that `at` was allocated with.
        unsafe { alloc::alloc::dealloc(at, layout) }
    }
}

/// What `answer` makes of the `len` bytes at `at`, which stay the caller's: its length in four bytes, little endian, and
/// the answer. The caller gives it back with [`free`]. Null where there is no memory for it.
///
/// # Safety
/// `at` is memory of [`alloc`] with this `len`.
pub unsafe fn call(at: *const u8, len: usize, answer: impl Fn(&[u8]) -> Vec<u8>) -> *mut u8 {
    // SAFETY: as the caller promises, and `alloc` leaves no byte undefined.
    let request = unsafe { slice::from_raw_parts(at, len) };
    let answer = answer(request);
    let Ok(prefix) = u32::try_from(answer.len()) else {
        return core::ptr::null_mut();
    };
    let out = alloc(PREFIX + answer.len());
    if !out.is_null() {
        // SAFETY: `out` is new memory of that many bytes.
        unsafe {
            out.copy_from_nonoverlapping(prefix.to_le_bytes().as_ptr(), PREFIX);
            out.add(PREFIX)
                .copy_from_nonoverlapping(answer.as_ptr(), answer.len());
        }
    }
    out
}
