//! What a module without the standard library has to bring: memory, and an end for what must not happen.
//!
//! The standard library would make the smallest module more than a fifth larger, by the texts of panics that nobody reads.

/// The allocator that the standard library has in the browser, too, and a panic that is a trap, which ends the call.
#[macro_export]
macro_rules! bare {
    () => {
        #[global_allocator]
        static ALLOCATOR: $crate::bare::GlobalDlmalloc = $crate::bare::GlobalDlmalloc;

        #[panic_handler]
        fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
            core::arch::wasm32::unreachable()
        }
    };
}

pub use dlmalloc::GlobalDlmalloc;
