//! Reads a secret, drops it, and prints how often it is in its own memory before and after. The system's allocator.

#![expect(clippy::print_stdout, reason = "two numbers for the test that started it")]

mod search;

fn main() {
    search::run();
}
