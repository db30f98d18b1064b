//! The cost of reading a cached secret, compared with other caches, and of finding fourteen for the first time, in one run.
//! Compare the numbers with each other, not with another machine's.
//!
//! ```sh
//! tools/bench_secrets
//! ```

mod account;
mod cold;
mod contenders;
mod read;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    read::run()?;
    println!();
    cold::run()
}
