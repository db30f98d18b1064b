//! What a read of a secret costs beside other ways of keeping one at hand, and what it costs to find fourteen for the
//! first time: both in one run, on one machine. Compare the numbers with each other and not with another machine's.
//!
//! ```sh
//! tests/bench_secrets
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
