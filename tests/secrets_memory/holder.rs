//! Reads a secret, lets it go, and says how often it is in its own memory at both times. The system's allocator.

#![expect(clippy::print_stdout, reason = "two numbers for the test that started it")]

mod search;

fn main() {
    search::run();
}
