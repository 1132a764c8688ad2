//! How bytes get in and out. Exported in the browser only, and by names of their own: elsewhere an exported `free`
//! takes the place of the C library's.

use std::alloc::Layout;

use crate::request::answer;

/// Bytes before an answer: its length, little endian.
const PREFIX: usize = size_of::<u32>();

fn layout(len: usize) -> Option<Layout> {
    // Never of size 0, which the allocator does not allow.
    Layout::array::<u8>(len.max(1)).ok()
}

/// Memory for a request of `len` bytes; null where there is none.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn core_alloc(len: usize) -> *mut u8 {
    let Some(layout) = layout(len) else {
        return std::ptr::null_mut();
    };
    // SAFETY: the layout is not of size 0.
    unsafe { std::alloc::alloc_zeroed(layout) }
}

/// Gives back memory of [`core_alloc`] or an answer of [`core_call`], the prefix counted.
///
/// # Safety
/// `at` came from one of the two with this `len`, and is not used afterwards.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn core_free(at: *mut u8, len: usize) {
    if let Some(layout) = layout(len)
        && !at.is_null()
    {
        // SAFETY: as the caller promises, this is the layout that `at` was allocated with.
        unsafe { std::alloc::dealloc(at, layout) }
    }
}

/// Answers the request of `len` bytes at `at`, which stays the caller's. The answer begins with its length in four
/// bytes, little endian; the caller gives it back with [`core_free`]. Null where there is no memory for it.
///
/// # Safety
/// `at` is memory of [`core_alloc`] with this `len`.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn core_call(at: *const u8, len: usize) -> *mut u8 {
    // SAFETY: as the caller promises, and `core_alloc` leaves no byte undefined.
    let request = unsafe { std::slice::from_raw_parts(at, len) };
    let answer = answer(request);
    let Ok(prefix) = u32::try_from(answer.len()) else {
        return std::ptr::null_mut();
    };
    let out = core_alloc(PREFIX + answer.len());
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
