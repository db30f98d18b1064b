//! Runs other programs: `docker` and `timedatectl`. None runs without a timeout.

use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

const TIMEOUT: Duration = Duration::from_secs(20);
/// Longest part of an error message that is repeated.
const MESSAGE_CHARS_MAX: usize = 400;

/// A program did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProgramError {
    #[error("it is not installed")]
    NotInstalled,
    #[error("it did not end within {} s", TIMEOUT.as_secs())]
    TimedOut,
    /// What it wrote to standard error, in one line.
    #[error("{0}")]
    Failed(String),
}

/// The standard output of a program that succeeds.
pub(super) async fn output(program: &str, arguments: &[&str]) -> Result<String, ProgramError> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(TIMEOUT, command.output()).await {
        Err(_) => return Err(ProgramError::TimedOut),
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => return Err(ProgramError::NotInstalled),
        Ok(Err(error)) => return Err(ProgramError::Failed(error.to_string())),
        Ok(Ok(output)) => output,
    };
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let message = String::from_utf8_lossy(&output.stderr);
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    Err(ProgramError::Failed(words.chars().take(MESSAGE_CHARS_MAX).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn output_failure_and_absence_differ() {
        assert_eq!(output("echo", &["a", "b"]).await.as_deref(), Ok("a b"));
        let failed = output("sh", &["-c", "echo 'one\n two' >&2; exit 3"]).await;
        assert_eq!(failed, Err(ProgramError::Failed("one two".to_owned())));
        assert_eq!(output("no-such-program", &[]).await, Err(ProgramError::NotInstalled));
    }
}
