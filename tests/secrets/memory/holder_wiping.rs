//! Like `holder.rs`, with the wiping allocator.

#![expect(clippy::print_stdout, reason = "two numbers for the test that started it")]

mod search;

#[global_allocator]
static ALLOCATOR: secrets::ZeroOnFree = secrets::ZeroOnFree;

fn main() {
    search::run();
}
