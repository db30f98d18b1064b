//! Keeps what this command writes out of Git: a directory that it creates ignores its contents, and a file elsewhere in a work
//! tree must be ignored already.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;

const FILE: &str = ".gitignore";
const EVERYTHING: &str = "*";
const MODE: u32 = 0o600;
/// Variables with which Git would look at another work tree.
const GIT_VARIABLES: [&str; 3] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"];

/// Writes a `.gitignore` that ignores everything in a new directory, itself included.
pub(crate) fn ignore_contents(directory: &Path) -> io::Result<()> {
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(MODE).open(directory.join(FILE))?;
    writeln!(file, "{EVERYTHING}")
}

/// Refuses files of one directory that are about to be written where Git would commit one of them. The directory must exist.
pub(crate) fn check(files: &[&Path]) -> Result<(), Failure> {
    let Some(file) = files.first() else { return Ok(()) };
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = directory.canonicalize().map_err(Failure::file("open", directory))?;
    let Some(work_tree) = directory.ancestors().find(|path| path.join(".git").exists()) else {
        return Ok(());
    };
    let names = files.iter().filter_map(|file| file.file_name());
    let paths: Vec<PathBuf> = names.map(|name| directory.join(name)).collect();
    if are_ignored(&paths, &directory).unwrap_or_else(|| ignores_everything(&directory)) {
        return Ok(());
    }
    let below = directory.strip_prefix(work_tree).unwrap_or(&directory);
    let pattern = match below.as_os_str().is_empty() {
        true => format!("/{}", file.file_name().unwrap_or_default().display()),
        false => format!("/{}/", below.display()),
    };
    Err(Failure::Precondition(format!(
        "{} would be committed: it, or a copy beside it, is not ignored in the Git work tree {}; add {pattern} to {}, or write outside of the work tree",
        file.display(),
        work_tree.display(),
        work_tree.join(FILE).display()
    )))
}

/// `None` if Git is not installed, or refuses this work tree.
fn are_ignored(paths: &[PathBuf], directory: &Path) -> Option<bool> {
    let mut git = Command::new("git");
    for name in GIT_VARIABLES {
        git.env_remove(name);
    }
    git.arg("-C").arg(directory).args(["check-ignore", "--"]).args(paths);
    let output = git.stdin(Stdio::null()).output().ok()?;
    // It prints each path that is ignored on a line; 1 means none.
    let ignored = output.stdout.iter().filter(|byte| **byte == b'\n').count();
    matches!(output.status.code(), Some(0 | 1)).then_some(ignored == paths.len())
}

fn ignores_everything(directory: &Path) -> bool {
    fs::read_to_string(directory.join(FILE))
        .is_ok_and(|text| text.lines().any(|line| line.trim() == EVERYTHING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_a_work_tree_must_be_ignored() {
        let around = tempfile::tempdir().unwrap();
        let tree = around.path().join("tree");
        fs::create_dir_all(tree.join("keys")).unwrap();
        let is_refused = |file: &str| check(&[&tree.join(file)]).is_err();
        assert!(!is_refused("keys/key"), "there is no work tree");
        let initialized = Command::new("git").arg("init").arg("--quiet").arg(&tree).status().unwrap();
        assert!(initialized.success());
        assert!(is_refused("keys/key") && is_refused("key"));
        fs::write(tree.join(FILE), "*y\n").unwrap();
        let both = [&*tree.join("keys/key"), &*tree.join("keys/.key.old-1")];
        let message = check(&both).unwrap_err().to_string();
        assert!(message.contains("add /keys/ to"), "the copy would be committed: {message}");
        fs::write(tree.join(FILE), "/keys/\n*.secret\n").unwrap();
        assert!(check(&both).is_ok());
        assert!(!is_refused("keys/key") && !is_refused("my.secret") && is_refused("key"));
        fs::remove_file(tree.join(FILE)).unwrap();
        ignore_contents(&tree.join("keys")).unwrap();
        assert!(!is_refused("keys/key"));
        // A broken repository: Git cannot say, and the directory itself can.
        fs::remove_file(tree.join(".git/HEAD")).unwrap();
        assert!(!is_refused("keys/key") && is_refused("key"));
        let message = check(&[&tree.join("key")]).unwrap_err().to_string();
        assert!(message.contains("key would be committed") && message.contains(FILE), "{message}");
    }
}
