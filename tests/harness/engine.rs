//! The container engine of `tests/deploy/engine`, which runs in network, mount and process namespaces of its own. A test
//! binary enters them before its first test; ports that containers publish are then on its own 127.0.0.1.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::workspace_root;

/// Set by `tests/deploy/engine` where there is no engine: why.
const MISSING: &str = "ENGINE_MISSING";
/// Set by `tests/deploy/engine` beside the engine: its socket.
const SOCKET: &str = "DOCKER_HOST";
/// Set before the process enters the namespaces, so that it does so once.
const ENTERED: &str = "ENGINE_ENTERED";

/// A running engine with the stand-in images, and the variables that make the Compose files use them.
#[derive(Clone, Debug)]
pub struct Engine {
    _private: (),
}

impl Engine {
    /// Starts the engine and runs this program again beside it: the first call does not return, the second one does.
    ///
    /// # Errors
    /// Why no engine can start here.
    pub fn enter() -> Result<Self, String> {
        if variable(ENTERED).is_none() {
            let program = std::env::current_exe().expect("a test knows its own path");
            let error = Command::new(workspace_root().join("tests/deploy/engine"))
                .arg("test")
                .arg(program)
                .args(std::env::args_os().skip(1))
                .env(ENTERED, "1")
                .exec();
            panic!("tests/deploy/engine: {error}");
        }
        match (variable(SOCKET), variable(MISSING)) {
            (_, Some(reason)) => Err(reason),
            (Some(_), None) => Ok(Self { _private: () }),
            (None, None) => panic!("tests/deploy/engine sets {SOCKET} or {MISSING}"),
        }
    }

    /// The image that the Compose files name by a variable such as `API_IMAGE`.
    pub fn image(&self, variable: &str) -> String {
        self::variable(variable).unwrap_or_else(|| panic!("no Compose file has {variable} with a default"))
    }

    /// Runs `docker` and returns what it prints.
    pub fn docker(&self, arguments: &[&str]) -> String {
        let output = Command::new("docker").args(arguments).output().expect("docker starts");
        printed(&format!("docker {}", arguments.join(" ")), &output)
    }

    /// A Compose project of these files, of the repository or elsewhere, that is removed when dropped.
    pub fn compose(&self, name: &str, files: &[&str]) -> Compose {
        let directory = workspace_root();
        Compose {
            name: name.to_owned(),
            files: files.iter().map(|file| directory.join(file)).collect(),
            directory,
            environment: BTreeMap::new(),
        }
    }
}

/// A Compose project. Its services are gone when it is dropped, with their networks and volumes.
#[derive(Debug)]
pub struct Compose {
    name: String,
    files: Vec<PathBuf>,
    directory: PathBuf,
    environment: BTreeMap<String, String>,
}

impl Compose {
    /// Relative paths in the files start here, and `.env` is read from here.
    #[must_use]
    pub fn directory(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.directory);
        self
    }

    #[must_use]
    pub fn set(mut self, variable: &str, value: impl Into<String>) -> Self {
        self.environment.insert(variable.to_owned(), value.into());
        self
    }

    /// Runs a command of Compose, such as `["up", "-d", "--wait"]`, and returns what it prints.
    pub fn run(&self, arguments: &[&str]) -> String {
        printed(&format!("docker compose {}", arguments.join(" ")), &self.output(arguments))
    }

    /// Runs a command of Compose that may fail.
    pub fn output(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("docker");
        command.arg("compose").arg("--project-name").arg(&self.name);
        command.arg("--project-directory").arg(&self.directory);
        for file in &self.files {
            command.arg("--file").arg(file);
        }
        let command = command.args(arguments).envs(&self.environment).current_dir(&self.directory);
        command.output().expect("docker starts")
    }
}

impl Drop for Compose {
    fn drop(&mut self) {
        drop(self.output(&["--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "1"]));
    }
}

fn printed(command: &str, output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {}\n{errors}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the variables of tests/deploy/engine are not settings of the product"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
