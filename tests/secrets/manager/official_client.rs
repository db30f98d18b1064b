//! The official client against the fake: signatures, tokens, dates, errors and retries.

use std::process::Command;

use serde_json::{Value, json};
use tests::secrets_manager::{
    ACCESS_KEY_ID, FakeSecretsManager, Fault, Operation, REGION, SECRET_ACCESS_KEY,
};
use tests::workspace_root;

/// The output of the script, run against `fake`.
fn run_client(fake: &FakeSecretsManager) -> Value {
    let root = workspace_root();
    let output = Command::new(root.join("target/venv/bin/python"))
        .arg(root.join("tests/secrets/manager/official_client.py"))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("ENDPOINT", fake.endpoint_url())
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_official_client_understands_the_fake() {
    let fake = FakeSecretsManager::start();
    // The client retries a throttled call by itself.
    fake.next(Operation::GetSecretValue, [Fault::Throttle]);
    let expected = json!({
        "text": "second",
        "created": 1_767_225_600.0,
        "current": true,
        "previous": ["AWSPREVIOUS"],
        "tags": [{ "Key": "owner", "Value": "payments" }],
        "binary": "00ff",
        "missing": "ResourceNotFoundException",
        "listed": ["app/key"],
        "window_days": 7,
        "absent": ["ResourceNotFoundException", 400],
        "ending": ["InvalidRequestException", 400],
        "stale": ["InvalidParameterException", 400],
    });
    assert_eq!(run_client(&fake), expected);
    // One throttled and repeated, then one for each of the two refusals.
    assert_eq!(fake.calls(Operation::GetSecretValue), 4);
    fake.assert_one_current("app/key");
}
