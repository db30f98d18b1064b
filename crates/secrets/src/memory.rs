//! Leaves no copies of secrets in memory: freed memory is wiped, and a crash writes no core dump.
//!
//! [`SecretValue`](crate::SecretValue) wipes itself, but the buffers of an HTTP client do not. Only the allocator sees
//! all copies.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::CStr;
use std::{io, ptr};

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use tikv_jemallocator::Jemalloc;

/// An allocator that wipes each block before it is freed. Set it in a binary:
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
// SAFETY: every call is passed to `Jemalloc` unchanged; a block is written to only before it is freed. Growing uses the
// trait's own `realloc`, which allocates, copies and frees, so that a block which moved is wiped, too.
unsafe impl GlobalAlloc for ZeroOnFree {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { Jemalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { Jemalloc.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller frees a block of this layout, so all of its bytes may be written.
        unsafe {
            wipe(block, layout);
            Jemalloc.dealloc(block, layout);
        }
    }
}

/// Memory that the system gives page by page.
const PAGE_BYTES: usize = 4096;

/// # Safety
/// All bytes of the layout may be written.
#[expect(unsafe_code, reason = "it writes to memory that the caller guarantees")]
unsafe fn wipe(block: *mut u8, layout: Layout) {
    // SAFETY: as the caller promises.
    unsafe {
        if layout.size() < PAGE_BYTES {
            block.write_bytes(0, layout.size());
        } else {
            wipe_pages(block, layout.size());
        }
    }
    // Without a barrier the compiler may remove a write that nothing reads.
    zeroize::optimization_barrier(&block);
}

/// Leaves parts of a page's size that are zero unwritten: of a buffer that was never filled, the system gave only the pages that were
/// used, and writing would make it give the others.
///
/// # Safety
/// `size` bytes may be written.
#[expect(unsafe_code, reason = "it reads and writes memory that the caller guarantees")]
// A copy in each place that frees memory would make the program a third larger.
#[inline(never)]
unsafe fn wipe_pages(block: *mut u8, size: usize) {
    // The compiler must take a pointer that came out of a black box as one to initialized bytes.
    let block = std::hint::black_box(block);
    // SAFETY: as the caller promises.
    let bytes = unsafe { std::slice::from_raw_parts_mut(block, size) };
    for page in bytes.chunks_mut(PAGE_BYTES) {
        let is_zero = page.chunks(256).all(|part| part.iter().fold(0, |all, byte| all | byte) == 0);
        if !is_zero {
            page.fill(0);
        }
    }
}

/// The memory of an allocator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocatedMemory {
    /// Bytes that the program has allocated and not freed.
    pub allocated_bytes: usize,
    /// Bytes that the allocator has from the system: allocated ones, and freed ones that it keeps for later.
    pub resident_bytes: usize,
}

impl ZeroOnFree {
    /// The memory that it manages now; `None` if the allocator cannot say.
    #[must_use]
    pub fn memory() -> Option<AllocatedMemory> {
        advance_epoch()?;
        let (allocated_bytes, resident_bytes) = (figure(c"stats.allocated")?, figure(c"stats.resident")?);
        Some(AllocatedMemory { allocated_bytes, resident_bytes })
    }
}

/// The allocator's figures are those of the last epoch: this begins the next one.
#[expect(unsafe_code, reason = "it calls the allocator's C interface")]
fn advance_epoch() -> Option<()> {
    let mut epoch = 1_u64;
    // SAFETY: the name ends with a zero byte, and `epoch` expects a number of 8 bytes, which it reads.
    let code = unsafe {
        let (none, value) = (ptr::null_mut(), (&raw mut epoch).cast());
        tikv_jemalloc_sys::mallctl(c"epoch".as_ptr(), none, none.cast(), value, size_of::<u64>())
    };
    (code == 0).then_some(())
}

/// A figure of the type `size_t`.
#[expect(unsafe_code, reason = "it calls the allocator's C interface")]
fn figure(name: &CStr) -> Option<usize> {
    let (mut figure, mut size) = (0_usize, size_of::<usize>());
    // SAFETY: the name ends with a zero byte. At most `size` bytes are written to `figure`; all other sizes are refused.
    let code = unsafe {
        let value = (&raw mut figure).cast();
        tikv_jemalloc_sys::mallctl(name.as_ptr(), value, &raw mut size, ptr::null_mut(), 0)
    };
    (code == 0).then_some(figure)
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

    #[test]
    #[expect(unsafe_code, reason = "it calls the allocator")]
    fn allocated_memory_is_counted_until_it_is_freed() {
        const SIZE: usize = 1 << 20;
        let layout = Layout::from_size_align(SIZE, 1).unwrap();
        let allocated = || ZeroOnFree::memory().unwrap().allocated_bytes;
        let before = allocated();
        // SAFETY: the block is freed once, with its layout.
        let (during, after) = unsafe {
            let block = ZeroOnFree.alloc(layout);
            let during = allocated();
            ZeroOnFree.dealloc(block, layout);
            (during, allocated())
        };
        // Only the tests of this module use this allocator, and the other one needs less.
        let (grown, left) = (during.saturating_sub(before), after.saturating_sub(before));
        assert!(grown >= SIZE && left < SIZE, "{before} {during} {after}");
        assert!(ZeroOnFree::memory().unwrap().resident_bytes > 0);
    }

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
