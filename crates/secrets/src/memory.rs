//! Leaves no copies of secrets in memory: freed memory is wiped, and a crash writes no core dump.
//!
//! [`SecretValue`](crate::SecretValue) wipes itself, but the buffers of an HTTP client do not. Only the allocator sees
//! all copies.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// The system allocator, which wipes each block before it is freed. Set it in a binary:
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: secrets::ZeroOnFree = secrets::ZeroOnFree;
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ZeroOnFree;

#[expect(
    unsafe_code,
    reason = "an allocator cannot be written without; each block is wiped within its own layout"
)]
// SAFETY: every call is passed to `System` unchanged; a block is written to only before it is freed. Growing uses the
// trait's own `realloc`, which allocates, copies and frees, so that a block which moved is wiped, too.
unsafe impl GlobalAlloc for ZeroOnFree {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller frees a block of this layout, so all of its bytes may be written.
        unsafe {
            wipe(block, layout);
            System.dealloc(block, layout);
        }
    }
}

/// # Safety
/// All bytes of the layout may be written.
#[expect(unsafe_code, reason = "it writes to memory that the caller guarantees")]
unsafe fn wipe(block: *mut u8, layout: Layout) {
    // SAFETY: as the caller promises.
    unsafe { block.write_bytes(0, layout.size()) };
    // Without a barrier the compiler may remove a write that nothing reads.
    zeroize::optimization_barrier(&block);
}

/// Disables core dumps, to a file as well as to a program such as systemd-coredump.
///
/// The files in `/proc/self` are owned by root afterwards. The process can still list its own descriptors, but no other
/// process of the same user can read its memory.
///
/// # Errors
/// When the operating system refuses.
pub fn forbid_core_dumps() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    // The limit does not apply to a program that receives core dumps.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tests/secrets/memory` checks that `dealloc` does it, and that a process keeps no other copy.
    #[test]
    #[expect(unsafe_code, reason = "it calls the allocator")]
    fn every_byte_of_a_block_is_wiped() {
        for size in [1, 7, 64, 1_023, 65_536] {
            let layout = Layout::from_size_align(size, 1).unwrap();
            // SAFETY: the block is used within its layout, and read after all of it was written.
            unsafe {
                let block = ZeroOnFree.alloc(layout);
                block.write_bytes(0xa5, size);
                wipe(block, layout);
                assert!(std::slice::from_raw_parts(block, size).iter().all(|byte| *byte == 0), "{size}");
                ZeroOnFree.dealloc(block, layout);
            }
        }
    }
}
