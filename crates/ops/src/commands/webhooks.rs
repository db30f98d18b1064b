//! `investiq webhooks …`: deliveries of providers, from the sender's side and from the keeper's.

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

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make keys for a server of one's own, to send as any provider
    Keygen(keygen::Arguments),
    /// Answer a server of one's own as Circle and SNS do when it fetches keys
    HostKeys(host_keys::Arguments),
    /// List events as providers send them, or print one
    Samples(samples::Arguments),
    /// Sign a delivery as its provider would and send it, or one that must be refused
    Send(Box<send::Arguments>),
    /// Say of a delivery in files whether the server would take it, and which step fails
    TestSignature(Box<test_signature::Arguments>),
    /// List kept deliveries, newest first
    List(list::Arguments),
    /// Show one kept delivery, and what was done about it
    Show(show::Arguments),
    /// Apply kept deliveries again
    Replay(replay::Arguments),
    /// Deliveries that were given up
    #[command(subcommand)]
    DeadLetter(dead_letter::Command),
    /// Empty bodies that have been kept long enough; hashes stay
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
