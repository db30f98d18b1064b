//! Reads the file `.env` of the working directory, in development only. The process's own variables win and are not changed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use secrets::{Environment, Profile};

use crate::PROFILE_VARIABLE;

/// The file, as developers and Compose name it.
const FILE: &str = ".env";
/// Largest file, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// `.env` cannot be used. The message repeats no part of the file, which may contain secrets.
#[derive(Debug, thiserror::Error)]
pub enum DotenvError {
    /// The file cannot be opened or is not text.
    #[error("reading .env failed")]
    Read(#[source] io::Error),
    /// The file is too large.
    #[error(".env is larger than 256 KiB")]
    TooLarge,
    /// A line has another form.
    #[error(".env, line {line}: must be NAME=value, with quotes around a value that has spaces")]
    Line {
        /// The number of the line, from 1.
        line: usize,
    },
}

/// Adds the variables of `.env` that are not set, if the profile is development and stays so. Also returns what to log about the
/// file; `None` if it does not exist.
///
/// # Errors
/// In development, the file cannot be read.
pub fn with_dotenv(environment: Environment) -> Result<(Environment, Option<String>), DotenvError> {
    with_file(environment, Path::new(FILE))
}

fn with_file(environment: Environment, path: &Path) -> Result<(Environment, Option<String>), DotenvError> {
    if path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok((environment, None));
    }
    let profile = crate::profile(&environment);
    if profile.is_strict() {
        return Ok((environment, Some(format!(".env is not read in the profile {}", profile.as_str()))));
    }
    let variables = parse(path)?;
    let count = variables.len();
    let own: Environment = variables.into_iter().collect();
    let named = own.get(PROFILE_VARIABLE).map(Profile::parse);
    let merged = environment.clone().with_defaults(own);
    let profile = named.filter(|profile| profile.is_strict()).unwrap_or_else(|| crate::profile(&merged));
    Ok(match profile.is_strict() {
        true => {
            let name = profile.as_str();
            (
                environment,
                Some(format!(".env is not read: it is for the profile {name}, this one is development")),
            )
        }
        false => (merged, Some(format!(".env is read: {count} variables"))),
    })
}

fn parse(path: &Path) -> Result<Vec<(String, String)>, DotenvError> {
    let mut text = String::new();
    // Bounded while it is read, because a link to a device has no length.
    let mut file = File::open(path).map_err(DotenvError::Read)?.take(FILE_BYTES_MAX + 1);
    file.read_to_string(&mut text).map_err(DotenvError::Read)?;
    if file.limit() == 0 {
        return Err(DotenvError::TooLarge);
    }
    let lines_read = std::cell::Cell::new(0);
    let lines = Lines { rest: text.trim_start_matches('\u{feff}').as_bytes(), read: &lines_read };
    let parsed = dotenvy::from_read_iter(lines).collect::<Result<_, _>>();
    parsed.map_err(|error| match error {
        // The text that was not understood ends with the last line that was read.
        dotenvy::Error::LineParse(text, _) => {
            DotenvError::Line { line: (lines_read.get() + 1).saturating_sub(text.lines().count().max(1)) }
        }
        dotenvy::Error::Io(error) => DotenvError::Read(error),
        other => DotenvError::Read(io::Error::other(other.to_string())),
    })
}

/// Returns one line at a time, to know which line the parser has reached.
struct Lines<'t> {
    rest: &'t [u8],
    read: &'t std::cell::Cell<usize>,
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line = self.rest.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        let (part, rest) = self.rest.split_at(line.len().min(buffer.len()));
        buffer[..part.len()].copy_from_slice(part);
        if part.len() == line.len() && !line.is_empty() {
            self.read.set(self.read.get() + 1);
        }
        self.rest = rest;
        Ok(part.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a process with these variables takes from a file.
    fn read(variables: &[(&str, &str)], text: &str) -> Result<(Environment, String), DotenvError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE);
        std::fs::write(&path, text).unwrap();
        let (environment, message) = with_file(variables.iter().copied().collect(), &path)?;
        Ok((environment, message.unwrap()))
    }

    #[test]
    fn variables_that_are_set_win_and_quoted_values_work() {
        let text = "# of this machine\nA=file\nexport B=\"two words\"\nC='it is $5'\n\nD=file # why\nE=file\nA=last\n";
        let (environment, message) = read(&[("D", "own"), ("E", "")], text).unwrap();
        let values = ["A", "B", "C", "D", "E"].map(|name| environment.get(name));
        assert_eq!(values, [Some("last"), Some("two words"), Some("it is $5"), Some("own"), None]);
        assert_eq!(message, ".env is read: 6 variables");
    }

    #[test]
    fn only_development_reads_the_file_and_only_if_it_stays_development() {
        for (variables, text, expected) in [
            (&[][..], "A=b", ".env is read"),
            (&[("INVESTIQ_PROFILE", "development")], "A=b\nINVESTIQ_PROFILE=development", ".env is read"),
            (&[("INVESTIQ_PROFILE", "staging")], "A=b", "in the profile staging"),
            (&[("BIND_ADDRESS", "0.0.0.0:1")], "A=b\nnot a line", "in the profile production"),
            (&[], "A=b\nINVESTIQ_PROFILE=staging", "for the profile staging"),
            (
                &[("INVESTIQ_PROFILE", "development")],
                "A=b\nINVESTIQ_PROFILE=prod",
                "for the profile production",
            ),
            (&[], "A=b\nBIND_ADDRESS=0.0.0.0:3000", "for the profile production"),
        ] {
            let (environment, message) = read(variables, text).unwrap();
            assert!(message.contains(expected), "{text}: {message}");
            assert_eq!(environment.get("A").is_some(), expected == ".env is read", "{text}");
        }
    }

    #[test]
    fn an_error_names_the_line_and_not_the_value() {
        for (text, line) in [
            ("A=b\nB=s3cret words\n", 2),
            ("s3cret words", 1),
            ("A=b\r\n\r\n# c\r\n1=s3cret\r\n", 4),
            ("A=\"two\nlines\"\nB=\"s3cret\n\nC=d\n", 3),
            ("A=\"two\nlines\" s3cret\nB=c", 1),
            (&format!("A={}\nB=s3cret words", "x".repeat(100_000)), 2),
        ] {
            let error = read(&[], text).unwrap_err();
            assert!(matches!(error, DotenvError::Line { line: found } if found == line), "{line}: {error:?}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
        assert!(matches!(read(&[], &"#".repeat(300_000)), Err(DotenvError::TooLarge)));
    }

    #[test]
    fn a_file_that_does_not_exist_is_not_mentioned() {
        let (_, message) = with_file(Environment::default(), Path::new("/nowhere/.env")).unwrap();
        assert_eq!(message, None);
    }

    #[test]
    fn a_file_without_an_end_is_too_large() {
        let endless = with_file(Environment::default(), Path::new("/dev/zero"));
        assert!(matches!(endless, Err(DotenvError::TooLarge)), "{endless:?}");
    }
}
