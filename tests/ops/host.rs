//! A machine on which Compose runs the server: the real Compose files in a directory of their own, the real Compose, and
//! stand-ins for the container engine and the clock, which answer with what a test writes into files.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{CommandResult, Workspace, mode, set_mode};

/// A host name that no placeholder looks like.
pub(crate) const DOMAIN: &str = "api.acme-invest.net";
pub(crate) const API_IMAGE: &str = "registry.acme-invest.net/investiq@sha256:5e2b";

/// `docker`: Compose is the real one, and reads `config` only. The container of the server is this machine.
const DOCKER: &str = r#"#!/bin/sh
here=${0%/*}
case "$*" in
  "version "*) /bin/cat "$here/version" ;;
  "info "*) /bin/cat "$here/root" ;;
  "compose version "*) /bin/cat "$here/compose-version" ;;
  *" exec "*) while [ "$1" != /app/investiq ]; do shift; done; shift; . "$here/container"; exec "$INVESTIQ" "$@" ;;
  *" ps "*) /bin/cat "$here/ps" ;;
  *) shift; exec "$here/docker-compose" "$@" ;;
esac
"#;
const TIMEDATECTL: &str = "#!/bin/sh\n/bin/cat \"${0%/*}/clock\"\n";

pub(crate) struct Host {
    pub(crate) workspace: Workspace,
}

impl Host {
    /// A machine without faults, before the first `init`.
    pub(crate) fn new() -> Self {
        let workspace = Workspace::new();
        let (root, bin) = (tests::workspace_root(), workspace.path("bin"));
        std::fs::create_dir(&bin).unwrap();
        for (name, text) in [("docker", DOCKER), ("timedatectl", TIMEDATECTL)] {
            std::fs::write(bin.join(name), text).unwrap();
            set_mode(&bin.join(name), 0o755);
        }
        let compose = root.join("target/venv/bin/docker-compose");
        assert!(compose.exists(), "`tests/run` installs {}", compose.display());
        for program in [compose, "/usr/bin/git".into()] {
            std::os::unix::fs::symlink(&program, bin.join(program.file_name().unwrap())).unwrap();
        }
        for file in std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()) {
            let name = file.file_name().unwrap().to_str().unwrap();
            if name.starts_with("docker-compose") {
                std::fs::copy(&file, workspace.path(name)).unwrap();
            }
        }
        for directory in ["configs", "monitoring"] {
            copy(&root.join(directory), &workspace.path(directory));
        }
        // Of the group of this process, as the socket is of Docker's.
        std::fs::write(workspace.path("docker.sock"), "").unwrap();
        let socket = workspace.path("docker.sock").to_string_lossy().into_owned();
        let workspace = workspace
            .set("PATH", bin.to_str().unwrap())
            .set("INVESTIQ", tests::binary("investiq").to_str().unwrap())
            .set("DOCKER_SOCKET", &socket)
            .set("DOCKER_HOST", &format!("unix://{socket}"));
        let host = Self { workspace };
        host.answer("version", "28.0.0 1.48");
        host.answer("compose-version", "2.40.0");
        host.answer("root", host.path("").to_str().unwrap());
        host.answer("clock", "yes");
        host.answer("ps", "");
        host
    }

    /// A machine after `init` with this profile.
    pub(crate) fn initialized(profile: &str) -> Self {
        let host = Self::new();
        let result = host.init(profile);
        assert_eq!(result.exit_code, 0, "{result:?}");
        host
    }

    /// A machine that is ready to start the server.
    pub(crate) fn ready(profile: &str) -> Self {
        let host = Self::initialized(profile);
        // Only root can give the directory to the user of the container, which `init` says.
        if std::fs::metadata(host.path(".env")).unwrap().uid() != 0 {
            set_mode(&host.path("secrets/acme"), 0o755);
        }
        host
    }

    pub(crate) fn init(&self, profile: &str) -> CommandResult {
        self.workspace.run(&format!("init --profile {profile} --domain {DOMAIN} --set API_IMAGE={API_IMAGE}"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.workspace.path(name)
    }

    /// What a stand-in answers; see [`DOCKER`].
    pub(crate) fn answer(&self, name: &str, text: &str) {
        std::fs::write(self.path("bin").join(name), text).unwrap();
    }

    /// Replaces a file, which keeps its mode; a new one has that of a secret.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        let mode = if path.exists() { mode(&path) } else { 0o444 };
        drop(std::fs::remove_file(&path));
        std::fs::write(&path, text).unwrap();
        set_mode(&path, mode);
    }

    pub(crate) fn edit(&self, name: &str, edit: impl FnOnce(String) -> String) {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        self.write(name, &edit(text));
    }

    /// Adds a Compose file to those of `.env`.
    pub(crate) fn add_compose_file(&self, text: &str) {
        std::fs::write(self.path("own.yml"), text).unwrap();
        self.edit(".env", |env| env.replacen(".yml\n", ".yml:own.yml\n", 1));
    }

    /// The deployment as Compose reads it, all profiles included.
    pub(crate) fn model(&self) -> Value {
        let arguments = ["--profile", "*", "config", "--format", "json"];
        let output = self.workspace.program(&self.path("bin/docker-compose"), &arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The findings of `doctor`, as `rule subject`; each of them says what to do.
    pub(crate) fn doctor(&self, arguments: &str) -> (i32, BTreeSet<String>) {
        let result = self.workspace.run(&format!("doctor --json {arguments}"));
        let json = result.json();
        let directory = format!("{}/", self.path("").canonicalize().unwrap().display());
        let text = |finding: &Value, member: &str| finding[member].as_str().unwrap_or_default().to_owned();
        let findings = json["findings"].as_array().unwrap().iter().map(|finding| {
            assert!(!text(finding, "remedy").is_empty(), "{finding}");
            format!("{} {}", text(finding, "rule"), text(finding, "subject").replace(&directory, ""))
        });
        (result.exit_code, findings.collect())
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}
