//! As `holder.rs`, with the allocator that wipes what is freed.

#![expect(clippy::print_stdout, reason = "two numbers for the test that started it")]

mod search;

#[global_allocator]
static ALLOCATOR: secrets::ZeroOnFree = secrets::ZeroOnFree;

fn main() {
    search::run();
}
