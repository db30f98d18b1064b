//! A secret that cannot be used stops the start of a container, and the error says which file, and for which user.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tests::engine::Engine;

use crate::{Run, Test};

pub(crate) const TESTS: &[Test] =
    &[("secret_files::a_secret_that_cannot_be_used_stops_the_start", Run::Engine(unusable_secrets))];

const SECRETS: [(&str, &str); 3] = [
    ("api_keys", "prod-admin-Qx7Rm2Wd9Kp4Vt6Zb3Nc8Lf1Hs5Jg0Ty:admin"),
    ("audit_key", "+K5ZMjQynwolms9MUptlqDHTQzXy4xnJ3qNqBlR161Y="),
    ("database_url", "sqlite:data/investiq.db"),
];
const START_TIMEOUT: Duration = Duration::from_secs(30);

type Fault = fn(&Path);

fn unusable_secrets(engine: &Engine) {
    let control = start(engine, |_| {}, &[]);
    assert!(control.contains("listening"), "{control}");
    let unreadable: Fault = |file| std::fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    let closed: Fault =
        |file| std::fs::set_permissions(file.parent().unwrap(), Permissions::from_mode(0o700)).unwrap();
    let missing: Fault = |file| std::fs::remove_file(file).unwrap();
    let empty: Fault = |file| std::fs::write(file, "").unwrap();
    let twice =
        ["API_KEYS=prod-viewer-Ua6Ye1Xc8Mn3Bt7Qw2Rz9Pk4Dv5Lh0Sf", "API_KEYS_FILE=/run/secrets/api_keys"];
    for (fault, variables, expected) in [
        (unreadable, &[][..], &["/run/secrets/api_keys", "uid 65532"][..]),
        (closed, &[], &["1 error(s)", "directory /run/secrets", "uid 65532", "chmod 0755"]),
        (missing, &[], &["api_keys: is not set", "API_KEYS_FILE, then /run/secrets/api_keys"]),
        (empty, &[], &["/run/secrets/api_keys", "is empty"]),
        (|_| {}, &twice, &["environment variable API_KEYS", "/run/secrets/api_keys", "set twice"]),
    ] {
        let log = start(engine, fault, variables);
        assert!(
            !log.contains("listening") && expected.iter().all(|text| log.contains(text)),
            "{expected:?}: {log}"
        );
    }
}

/// The log of a container in the profile of production, until it listens or exits.
fn start(engine: &Engine, fault: Fault, variables: &[&str]) -> String {
    let secrets = tempfile::tempdir().unwrap();
    std::fs::set_permissions(secrets.path(), Permissions::from_mode(0o755)).unwrap();
    for (name, value) in SECRETS {
        std::fs::write(secrets.path().join(name), value).unwrap();
    }
    fault(&secrets.path().join("api_keys"));
    let mount = format!("{}:/run/secrets:ro", secrets.path().display());
    let run = [
        "run",
        "--detach",
        "--read-only",
        "--cap-drop",
        "ALL",
        "--tmpfs",
        "/app/data:uid=65532",
        "--volume",
        &mount,
    ];
    let own = ["INVESTIQ_PROFILE=production", "BIND_ADDRESS=0.0.0.0:3000"];
    let variables: Vec<&str> =
        own.iter().chain(variables).flat_map(|assignment| ["--env", *assignment]).collect();
    let image = engine.image("API_IMAGE");
    let id = engine.docker(&[&run[..], &variables, &[&image]].concat());
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        let is_running =
            engine.docker(&["inspect", "--format", "{{.State.Running}}", id.trim()]).trim() == "true";
        let output = Command::new("docker").args(["logs", id.trim()]).output().unwrap();
        let log = [output.stdout, output.stderr]
            .map(|stream| String::from_utf8_lossy(&stream).into_owned())
            .concat();
        if !is_running || log.contains("listening") {
            engine.docker(&["rm", "--force", id.trim()]);
            return log;
        }
        assert!(Instant::now() < deadline, "{log}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
