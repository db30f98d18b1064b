//! Fits every model to the bundled sample and writes `crates/analysis/models/*.json`.
//!
//! ```sh
//! cargo run -p analysis --example fit_models
//! ```
//!
//! The result is the same on every machine; `tests/engines/models.rs` repeats it and compares.

#![expect(clippy::unwrap_used, reason = "a broken fixture should stop the run where it is read")]

use std::error::Error;
use std::path::Path;

#[path = "../tests/engines/sample.rs"]
mod sample;

#[path = "../tests/engines/fitting.rs"]
mod fitting;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    for (name, content) in fitting::files()? {
        std::fs::write(folder.join(name), content)?;
    }
    Ok(())
}
