//! `investiq webhooks …`: sends deliveries as providers do, and manages those that the server stored.

mod dead_letter;
mod host_keys;
mod keygen;
mod list;
mod replay;
mod retention;
mod samples;
mod send;
mod show;
mod test_signature;

use std::io::Read;
use std::path::Path;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// Larger than any body that a server can be configured to accept.
const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// The path that stands for standard input.
const STDIN: &str = "-";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Generate test keys of every provider
    Keygen(keygen::Arguments),
    /// Serve the test keys of Circle and Amazon SNS, which the server fetches
    HostKeys(host_keys::Arguments),
    /// List the sample events, or print one
    Samples(samples::Arguments),
    /// Sign a delivery as its provider would and send it, or one that the server must reject
    Send(Box<send::Arguments>),
    /// Test whether the server would accept a delivery in files, and show which step fails
    TestSignature(Box<test_signature::Arguments>),
    /// List stored events, newest first
    List(list::Arguments),
    /// Show a stored event and its jobs
    Show(show::Arguments),
    /// Apply stored events again
    Replay(replay::Arguments),
    /// Manage events that were given up
    #[command(subcommand)]
    DeadLetter(dead_letter::Command),
    /// Remove bodies and headers whose retention period has ended
    Retention(retention::Arguments),
}

pub(crate) async fn run(command: Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Keygen(arguments) => keygen::run(&arguments, console),
        Command::HostKeys(arguments) => host_keys::run(&arguments, console).await,
        Command::Samples(arguments) => samples::run(&arguments, console),
        Command::Send(arguments) => send::run(&arguments, console).await,
        Command::TestSignature(arguments) => test_signature::run(&arguments, console).await,
        Command::List(arguments) => list::run(&arguments, console).await,
        Command::Show(arguments) => show::run(&arguments, console).await,
        Command::Replay(arguments) => replay::run(&arguments, console).await,
        Command::DeadLetter(command) => dead_letter::run(&command, console).await,
        Command::Retention(arguments) => retention::run(&arguments, console).await,
    }
}

/// Reads a file, or standard input if the path is `-`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed =
        |error: std::io::Error| Failure::Precondition(format!("cannot read {}: {error}", path.display()));
    let source: Box<dyn Read> = match path.to_str() == Some(STDIN) {
        true => Box::new(std::io::stdin().lock()),
        false => Box::new(std::fs::File::open(path).map_err(failed)?),
    };
    let mut bytes = Vec::new();
    source.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
