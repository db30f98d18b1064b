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
        // SAFETY: the caller gives back a block of this layout, so `layout.size()` bytes of it may be written. The
        // barrier takes what was written for read, so that the compiler does not leave the write out.
        unsafe {
            block.write_bytes(0, layout.size());
            zeroize::optimization_barrier(&block);
            System.dealloc(block, layout);
        }
    }
}

/// Makes sure that a crash writes no core, neither to a file nor to a program such as systemd's.
///
/// The files of `/proc/self` belong to root afterwards: a process that is not root's cannot list its own descriptors.
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

    /// What `dealloc` hands to the system is seen by freeing through it and looking at the same block again: the
    /// system's allocator gives a small block that was just freed to the next who asks for its size.
    #[test]
    #[expect(unsafe_code, reason = "it looks at memory that was just allocated and not yet written")]
    fn a_block_that_comes_back_is_wiped() {
        let layout = Layout::from_size_align(1_024, 8).unwrap();
        // SAFETY: every block is used within its layout; what is read of the second was initialised through the first, or
        // the test ends there.
        unsafe {
            let first = ZeroOnFree.alloc(layout);
            first.write_bytes(0xa5, layout.size());
            ZeroOnFree.dealloc(first, layout);
            let second = System.alloc(layout);
            if second == first {
                // The allocator keeps its own list in the first 16 bytes.
                let rest = std::slice::from_raw_parts(second.add(16), layout.size() - 16);
                assert!(rest.iter().all(|byte| *byte == 0));
            }
            System.dealloc(second, layout);
        }
    }
}
