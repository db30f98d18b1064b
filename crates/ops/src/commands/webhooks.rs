//! `investiq webhooks …`: deliveries of providers, from the sender's side and from the keeper's.

mod host_keys;
mod keygen;
mod samples;
mod send;

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
}

pub(crate) async fn run(command: Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Keygen(arguments) => keygen::run(&arguments, console),
        Command::HostKeys(arguments) => host_keys::run(&arguments, console).await,
        Command::Samples(arguments) => samples::run(&arguments, console),
        Command::Send(arguments) => send::run(&arguments, console).await,
    }
}
