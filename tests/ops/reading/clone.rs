//! A fresh clone: the tracked files in a Git repository of their own, and a home directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tests::workspace_root;

use crate::command::set_mode;

/// What `cargo build` would leave: the programs that the tests were built beside.
const PROGRAMS: [&str; 2] = ["api-server", "investiq"];

/// Values that vendors issue, as files that only their owner can read in the home directory.
const VENDOR_VALUES: [(&str, &str); 4] = [
    ("polygon-key", "vendor-made-Kq70w7dHk3mZq9xT1bR"),
    ("new-polygon-key", "vendor-made-Zp4wRk7nXt9vMq1zGc6"),
    ("alpaca-id", "PKQ7X2M9V4T8ZB3C5D1F"),
    ("alpaca-secret", "u8Hn2vTx3qWm6zLr1pKc9yBs5dJgQe7a"),
];

pub(super) struct FreshClone {
    directory: tempfile::TempDir,
}

impl FreshClone {
    pub(super) fn create() -> Self {
        // On a disk: /tmp may be in memory, where other file permission rules apply.
        let clone = Self { directory: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap() };
        for path in tracked_files() {
            let (from, to) = (workspace_root().join(&path), clone.root().join(&path));
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(&from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        }
        git(&clone.root(), &["init", "--quiet"]);
        // As `git clone --shared`: objects that this work tree has are not copied.
        let objects =
            git(&workspace_root(), &["rev-parse", "--path-format=absolute", "--git-path", "objects"]);
        std::fs::write(clone.root().join(".git/objects/info/alternates"), objects).unwrap();
        git(&clone.root(), &["add", "--all"]);
        let author = ["-c", "user.name=reader", "-c", "user.email=reader@example.com"];
        git(&clone.root(), &[&author[..], &["commit", "--quiet", "--message", "clone"]].concat());
        clone.write_home();
        clone.write_cargo();
        clone
    }

    pub(super) fn root(&self) -> PathBuf {
        self.directory.path().join("investiq")
    }

    pub(super) fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where a shell finds programs: those of the build, as README.md says, and those of the machine.
    pub(super) fn search_path(&self) -> String {
        let (built, cargo) = (self.root().join("target/quick"), self.path("cargo"));
        format!("{}:{}:/usr/local/bin:/usr/bin:/bin", built.display(), cargo.display())
    }

    fn write_home(&self) {
        std::fs::create_dir(self.home()).unwrap();
        // Without it, `curl` takes an error response for a success, and no one would notice.
        std::fs::write(self.home().join(".curlrc"), "fail\nsilent\nshow-error\n").unwrap();
        for (name, value) in VENDOR_VALUES {
            std::fs::write(self.home().join(name), value).unwrap();
            set_mode(&self.home().join(name), 0o600);
        }
    }

    /// A `cargo` that leaves the programs where a build would leave them.
    fn write_cargo(&self) {
        let directory = self.path("cargo");
        std::fs::create_dir(&directory).unwrap();
        let programs = PROGRAMS.map(|name| tests::binary(name).display().to_string()).join(" ");
        let script = format!("#!/bin/sh\nmkdir -p target/quick && ln -f {programs} target/quick/\n");
        std::fs::write(directory.join("cargo"), script).unwrap();
        set_mode(&directory.join("cargo"), 0o755);
    }
}

/// The files of the work tree that Git tracks, or would.
pub(super) fn tracked_files() -> Vec<PathBuf> {
    let listed = git(&workspace_root(), &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let paths = listed.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from);
    paths.filter(|path| workspace_root().join(path).is_file()).collect()
}

/// What `git` prints.
fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).current_dir(directory).stdin(Stdio::null()).output();
    let output = output.expect("git is there, as for a reader who cloned the repository");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
