//! Runs the real `investiq` binary in a directory of its own, with an environment of its own.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// A text that no command may ever print. It is strong enough to be accepted as any secret of one line.
pub(crate) const CANARY: &str = "c4n4ry-Zx7kQp2vWn9tLm4rBc8yHs3dJf6gTa";

const DAY_S: u64 = 24 * 60 * 60;

/// A directory and an environment in which `investiq` runs.
pub(crate) struct Place {
    directory: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        // On a disk: in memory, where /tmp may lie, other rules hold for who can read a file.
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self { directory, environment: BTreeMap::new() }
    }

    /// Sets a variable.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a secret's file of this mode into `secrets/`, which its owner alone can enter.
    pub(crate) fn plant(&self, name: &str, value: &str, mode: u32) {
        let directory = self.path("secrets");
        if !directory.exists() {
            std::fs::create_dir(&directory).unwrap();
            set_mode(&directory, 0o700);
        }
        let path = directory.join(name);
        std::fs::write(&path, value).unwrap();
        set_mode(&path, mode);
    }

    /// Makes a file that was just planted look as if that had been so many days ago.
    pub(crate) fn age(&self, name: &str, days: u64) {
        let file = std::fs::File::open(self.path("secrets").join(name)).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - Duration::from_secs(days * DAY_S)).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `investiq` with arguments that no blank is part of.
    pub(crate) fn run(&self, arguments: &str) -> Ran {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        Ran::of(self.command(&arguments).output().expect("investiq is built: `cargo build -p ops`"))
    }

    /// The same, with this on standard input.
    pub(crate) fn run_with(&self, arguments: &str, input: &str) -> Ran {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let mut child = self.command(&arguments).stdin(Stdio::piped()).spawn().unwrap();
        // A command that refuses early does not read it.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        Ran::of(child.wait_with_output().unwrap())
    }
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("investiq writes UTF-8");
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The answer, as the one JSON object that it is.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The rules that a check found broken, as `rule subject`, errors alone.
    pub(crate) fn errors(&self) -> Vec<String> {
        let json = self.json();
        let findings = json["findings"].as_array().unwrap().iter();
        let errors = findings.filter(|finding| finding["severity"] == "error");
        let text = |finding: &Value, member: &str| finding[member].as_str().unwrap().to_owned();
        errors.map(|finding| format!("{} {}", text(finding, "rule"), text(finding, "subject"))).collect()
    }
}

/// Where the tests of this profile were built, the binaries are.
pub(crate) fn binary() -> PathBuf {
    let test_binary = std::env::current_exe().unwrap();
    test_binary.ancestors().nth(2).expect("tests run from target/<profile>/deps").join("investiq")
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

pub(crate) fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
