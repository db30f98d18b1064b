//! Leaves no copies of secrets behind in memory: freed memory is wiped, and a crash writes no core.
//!
//! A value of ours wipes itself. The copies in the buffers of an HTTP client do not: nobody but the allocator sees all
//! of them.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// The system's allocator, wiping each block before it is given back. Set it in a binary:
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
// SAFETY: every call goes to `System` unchanged; a block is written to only while it is still the caller's. Growing uses
// the trait's own `realloc`, which allocates, copies and frees, so that a block which moved is wiped, too.
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
        // SAFETY: the caller gives back a block of this layout, so all of its bytes may be written.
        unsafe {
            wipe(block, layout);
            System.dealloc(block, layout);
        }
    }
}

/// Overwrites a block.
///
/// # Safety
/// All bytes of the layout may be written.
#[expect(unsafe_code, reason = "it writes to memory that its caller answers for")]
unsafe fn wipe(block: *mut u8, layout: Layout) {
    // SAFETY: as the caller promises.
    unsafe { block.write_bytes(0, layout.size()) };
    // It takes what was written for read, so that the compiler does not leave the write out.
    zeroize::optimization_barrier(&block);
}

/// Makes sure that a crash writes no core, neither to a file nor to a program such as systemd's.
///
/// The files of `/proc/self` belong to root afterwards. A process that is not root's can still list its own descriptors and
/// read its own numbers, because the kernel lets a process into its own directory there; nobody else's process of the same
/// user can read its memory.
///
/// # Errors
/// When the system refuses.
pub fn forbid_core_dumps() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    // A program that takes cores is not held by the limit.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That `dealloc` does it, and that no other copy is left, is what `tests/secrets_memory` searches a process for.
    #[test]
    #[expect(unsafe_code, reason = "it allocates as an allocator's caller does")]
    fn every_byte_of_a_block_is_wiped() {
        for size in [1, 7, 64, 1_023, 65_536] {
            let layout = Layout::from_size_align(size, 1).unwrap();
            // SAFETY: the block is used within its layout, and is read after it was written whole.
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
