//! `.env`, from which Compose reads the variables of its files. Variables are added; no value is changed.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::secret_file;

pub(crate) struct EnvFile {
    path: PathBuf,
    /// `None` if the file does not exist.
    text: Option<String>,
}

impl EnvFile {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = match fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !secret_file::exists(path) => None,
            Err(error) => {
                return Err(Failure::Precondition(format!("cannot read {}: {error}", path.display())));
            }
        };
        Ok(Self { path: path.to_path_buf(), text })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn exists(&self) -> bool {
        self.text.is_some()
    }

    /// The value of a variable that is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables()
            .filter(|(set, value)| *set == name && !value.is_empty())
            .last()
            .map(|(_, value)| value)
    }

    /// Every variable with its value, in the order of the file.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.text.as_deref().unwrap_or_default().lines().filter_map(assignment)
    }

    /// Sets variables that are not set yet; an empty one is set in its own line. The file is replaced as a whole and keeps its
    /// owner, who alone can read it.
    pub(crate) fn add(&self, variables: &[(String, String)]) -> Result<Outcome, Failure> {
        let outcome = self.outcome(variables);
        if outcome == Outcome::Kept {
            return Ok(outcome);
        }
        // The file that a link leads to is the one to be replaced.
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        let temporary = path.with_extension("new");
        let replace = || {
            // An interrupted run may have left it.
            drop(fs::remove_file(&temporary));
            let mut file = secret_file::create(&temporary)?;
            if let Ok(old) = fs::metadata(&path) {
                fchown(&file, Some(old.uid()), Some(old.gid()))?;
            }
            file.write_all(self.with(variables).as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &path)
        };
        let replaced = replace();
        if replaced.is_err() {
            drop(fs::remove_file(&temporary));
        }
        replaced.map_err(Failure::file("write", &path))?;
        Ok(outcome)
    }

    /// What `add` does.
    pub(crate) fn outcome(&self, variables: &[(String, String)]) -> Outcome {
        match secret_file::mode(&self.path) {
            _ if !self.exists() => Outcome::Created,
            Some(secret_file::PRIVATE_MODE) if variables.is_empty() => Outcome::Kept,
            _ => Outcome::Extended,
        }
    }

    fn with(&self, variables: &[(String, String)]) -> String {
        let line = |(name, value): &(String, String)| format!("{name}={value}\n");
        let is_empty = |name: &str| self.variables().any(|(set, value)| set == name && value.is_empty());
        let filled = |old: &str| {
            let empty = assignment(old).filter(|(_, value)| value.is_empty());
            let added = empty.and_then(|(name, _)| variables.iter().find(|(added, _)| added == name));
            added.map_or_else(|| format!("{old}\n"), line)
        };
        let lines = self.text.as_deref().unwrap_or_default().lines().map(filled);
        lines.chain(variables.iter().filter(|(name, _)| !is_empty(name)).map(line)).collect()
    }
}

/// Whether the text is a name as Compose replaces it in its files.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether the value needs no quotes in the file.
pub(crate) fn is_plain_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'`$#\\".contains(&byte))
}

fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
    let (name, value) = (name.trim_end(), value.trim());
    let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    // Outside quotes, a comment may follow.
    let plain = || value.split_once(" #").map_or(value, |(value, _)| value.trim_end());
    is_name(name).then(|| (name, quoted.unwrap_or_else(plain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env_file(text: &str) -> EnvFile {
        EnvFile { path: PathBuf::new(), text: Some(text.to_owned()) }
    }

    #[test]
    fn assignments_are_read_as_compose_reads_them() {
        let file =
            env_file("# c\nA=1\nexport B = '2 3'\nC=\"4\" \nD=5 # five\nE=\n\nA=6\nno assignment\n7=8\n");
        let expected = [("A", "1"), ("B", "2 3"), ("C", "4"), ("D", "5"), ("E", ""), ("A", "6")];
        assert_eq!(file.variables().collect::<Vec<_>>(), expected);
        assert_eq!((file.get("A"), file.get("E"), file.get("F")), (Some("6"), None, None));
    }

    #[test]
    fn a_value_is_added_and_never_changed() {
        let file = env_file("A=1\nB=\n# kept");
        let added = [("B".to_owned(), "2".to_owned()), ("C".to_owned(), "3".to_owned())];
        assert_eq!(file.with(&added), "A=1\nB=2\n# kept\nC=3\n");
        assert_eq!(file.with(&[]), "A=1\nB=\n# kept\n");
    }

    #[test]
    fn a_value_that_would_need_quotes_is_not_plain() {
        for (value, expected) in [
            ("registry.internal/api@sha256:0a", true),
            ("a b", false),
            ("", false),
            ("$HOME", false),
            ("a#b", false),
            ("a\nB=2", false),
        ] {
            assert_eq!(is_plain_value(value), expected, "{value:?}");
        }
    }
}
