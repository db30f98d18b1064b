//! Whether a secret that was let go is still in the memory of the process that held it: read from the process's own
//! memory, with the allocator that wipes and, to show that the search finds something, without.
//!
//! The optimiser moves values and leaves out writes, so look at a release, too: it takes minutes to build.
//!
//! ```sh
//! cargo test --release -p tests --test secrets_memory
//! ```

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

use std::process::Command;

use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, REGION, SECRET_ACCESS_KEY};

/// Long enough that it occurs nowhere by chance. The holder is given its complement, and so never holds it in another
/// way than by reading the secret.
const CANARY: &[u8] = b"c4n4ry-Yk3vT9pQ2mX8wL5zR7hN1";

/// The secret is the canary so many times over, as long as a private key: a freed block that is used again in part still
/// shows its rest. 65 of 28 bytes end in the middle of a block of 64, which is what a hash copies to hold it back.
const REPEATS: usize = 65;

/// Canaries in the memory of a process while it holds the secret, and after it let go.
fn copies(holder: &str) -> (usize, usize) {
    let fake = FakeSecretsManager::start();
    let secret = std::str::from_utf8(CANARY).unwrap().repeat(REPEATS);
    fake.seed("investiq/test/polygon-api-key", &secret);
    let complement: String = CANARY.iter().map(|byte| format!("{:02x}", !byte)).collect();
    let output = Command::new(holder)
        .arg(complement)
        .env_clear()
        .env("SECRET_PREFIX", "investiq/test")
        .env("AWS_REGION", REGION)
        .env("AWS_ENDPOINT_URL", fake.endpoint_url())
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let mut counts = text.split_whitespace().map(|count| count.parse().unwrap());
    let (held, left) = (counts.next().unwrap(), counts.next().unwrap());
    eprintln!("{holder}: {held} canaries while it is held, {left} after");
    (held, left)
}

#[test]
fn with_the_allocator_no_copy_is_left() {
    let (held, left) = copies(env!("CARGO_BIN_EXE_secret-holder-wiping"));
    assert!(held >= REPEATS, "it was there to be found");
    assert_eq!(left, 0);
}

#[test]
fn without_it_copies_are_left() {
    let (held, left) = copies(env!("CARGO_BIN_EXE_secret-holder"));
    assert!(held >= REPEATS && left > 0, "held {held}, left {left}");
}
