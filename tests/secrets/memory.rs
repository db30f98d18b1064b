//! Whether a dropped secret is still in the memory of its process: with the wiping allocator, and without it to show that
//! the search works.
//!
//! The optimiser moves values and omits writes, so check a release build, too; it takes minutes to build.
//!
//! ```sh
//! cargo test --release -p tests --test secrets memory
//! ```

use std::process::Command;

use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, REGION, SECRET_ACCESS_KEY};

/// Long enough not to occur by chance. The holder gets its complement, so that the canary is in its memory only as a part
/// of the secret.
const CANARY: &[u8] = b"c4n4ry-Yk3vT9pQ2mX8wL5zR7hN1";

/// Canaries in the secret, which is as long as a private key: a freed block that is partly reused still shows the rest. 65
/// times 28 bytes end within a 64-byte block, which a hash function copies into its buffer.
const REPEATS: usize = 65;

/// Canaries in the holder's memory while it holds the secret, and after it dropped it.
fn copies(holder: &str) -> (usize, usize) {
    let fake = FakeSecretsManager::start();
    let secret = std::str::from_utf8(CANARY).unwrap().repeat(REPEATS);
    fake.seed("investiq/test/polygon-api-key", &secret);
    let complement = hex::encode(CANARY.iter().map(|byte| !byte).collect::<Vec<u8>>());
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
    let (before, after) = (counts.next().unwrap(), counts.next().unwrap());
    eprintln!("{holder}: {before} canaries before the drop, {after} after");
    (before, after)
}

#[test]
fn no_copy_is_left_with_the_wiping_allocator() {
    let (before, after) = copies(env!("CARGO_BIN_EXE_secret-holder-wiping"));
    assert!(before >= REPEATS, "the search finds the secret");
    assert_eq!(after, 0);
}

#[test]
fn copies_are_left_without_it() {
    let (before, after) = copies(env!("CARGO_BIN_EXE_secret-holder"));
    assert!(before >= REPEATS && after > 0, "before {before}, after {after}");
}
