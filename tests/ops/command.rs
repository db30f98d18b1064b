//! Runs the real `investiq` binary in a directory of its own, with an environment of its own.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// No command may ever print it. It is strong enough for any secret of one line.
pub(crate) const CANARY: &str = "c4n4ry-Zx7kQp2vWn9tLm4rBc8yHs3dJf6gTa";

const DAY_S: u64 = 24 * 60 * 60;

/// A directory and an environment in which `investiq` runs.
pub(crate) struct Workspace {
    directory: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

#[derive(Debug)]
pub(crate) struct CommandResult {
    pub(crate) exit_code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        // On a disk: /tmp may be in memory, where other file permission rules apply.
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        // As on a host: within a private directory, others may read secrets.
        set_mode(directory.path(), 0o755);
        // A machine may have a directory of its own in `/run/secrets`.
        Self { directory, environment: BTreeMap::new() }.set("SECRETS_DIR", "secrets")
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a secret file with this mode into `secrets/`, a directory of mode 0700.
    pub(crate) fn write_secret(&self, name: &str, value: &str, mode: u32) {
        let directory = self.path("secrets");
        if !directory.exists() {
            std::fs::create_dir(&directory).unwrap();
            set_mode(&directory, 0o700);
        }
        let path = directory.join(name);
        std::fs::write(&path, value).unwrap();
        set_mode(&path, mode);
    }

    /// Sets the modification time of a new secret file back by so many days.
    pub(crate) fn backdate(&self, name: &str, days: u64) {
        let file = std::fs::File::open(self.path("secrets").join(name)).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - Duration::from_secs(days * DAY_S)).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.program(&tests::binary("investiq"), arguments)
    }

    /// Another program, in the same directory and environment.
    pub(crate) fn program(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
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

    /// Runs `investiq` with arguments separated by blanks.
    pub(crate) fn run(&self, arguments: &str) -> CommandResult {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        CommandResult::from_output(
            self.command(&arguments).output().expect("investiq is built: `cargo build -p ops`"),
        )
    }

    /// Like `run`, with this standard input.
    pub(crate) fn run_with_input(&self, arguments: &str, input: &str) -> CommandResult {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let mut child = self.command(&arguments).stdin(Stdio::piped()).spawn().unwrap();
        // A command that fails early does not read it.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        CommandResult::from_output(child.wait_with_output().unwrap())
    }
}

impl CommandResult {
    pub(crate) fn from_output(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("investiq writes UTF-8");
        let exit_code = output.status.code().unwrap_or(-1);
        Self { exit_code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The findings of a check that are errors, as `rule subject`.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.findings("error")
    }

    /// As [`errors`](Self::errors), but those that are warnings.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.findings("warning")
    }

    fn findings(&self, severity: &str) -> Vec<String> {
        let json = self.json();
        let findings = json["findings"].as_array().unwrap().iter();
        let findings = findings.filter(|finding| finding["severity"] == severity);
        let text = |finding: &Value, member: &str| finding[member].as_str().unwrap().to_owned();
        findings.map(|finding| format!("{} {}", text(finding, "rule"), text(finding, "subject"))).collect()
    }
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

pub(crate) fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
