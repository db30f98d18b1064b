//! `investiq bans …`: networks whose requests without a valid API key are refused. Servers follow the list within two seconds.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use jiff::SignedDuration;
use serde::Serialize;
use store::{Ban, BanError};

use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::table::table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the bans in force, the longest first
    #[command(after_help = "Examples:\n  investiq bans list --json")]
    List {
        #[command(flatten)]
        output: OutputFormat,
    },
    /// Ban a network for a time
    Add(Add),
    /// Lift a ban, and forget it: the next one is short again
    #[command(after_help = "Examples:\n  investiq bans remove 192.0.2.1")]
    Remove {
        /// The network of the ban, as `list` shows it
        #[arg(value_parser = network)]
        network: IpNet,
        #[command(flatten)]
        output: OutputFormat,
    },
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq bans add 192.0.2.1 --for 1h --reason scanner\n  \
    investiq bans add 2001:db8:1::/48 --for 168h --reason guesser")]
pub(crate) struct Add {
    /// An address, or a network of at most an IPv4 /8 or an IPv6 /16
    #[arg(value_parser = network)]
    network: IpNet,
    /// For how long, such as 30m, 12h or 168h
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Duration,
    /// Why, for the audit chain
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct List {
    bans: Vec<Ban>,
}

pub(crate) async fn run(command: &Command, console: &mut Console) -> Result<Exit, Failure> {
    let database = Database::open(console).await?;
    let (store, now) = (&database.store, console.now());
    let output = match command {
        Command::List { output } => output,
        Command::Add(Add { network, duration, reason, output }) => {
            store.ban(*network, reason, Some(*duration), database.actor(), now).await?;
            output
        }
        Command::Remove { network, output } => {
            if !store.lift_ban(*network, database.actor(), now).await? {
                return Err(Failure::Precondition(format!(
                    "{network} is not banned: see `investiq bans list`"
                )));
            }
            output
        }
    };
    let bans = store.bans(now).await?;
    output.print(console, "investiq.bans.v1", &List { bans }, text)?;
    Ok(Exit::Success)
}

fn text(List { bans }: &List) -> String {
    let cells = |ban: &Ban| {
        let Ban { network, reason, times, banned_at, until, banned_by } = ban;
        let times = times.to_string();
        [
            network.to_string(),
            until.to_string(),
            times,
            reason.clone(),
            banned_at.to_string(),
            banned_by.clone(),
        ]
    };
    let headings = ["NETWORK", "UNTIL", "TIMES", "REASON", "BANNED", "BY"];
    table(headings, &bans.iter().map(cells).collect::<Vec<_>>())
}

/// An address is a network of one address; of IPv6 it is its /64, which one client has.
fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>().or_else(|error| match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => IpNet::new(IpAddr::V6(address), 64).map_err(|_| error),
        Ok(address) => Ok(address.into()),
        Err(_) => Err(error),
    });
    network
        .map(|network| network.trunc())
        .map_err(|_| "must be an address, or a network such as 192.0.2.0/24".into())
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = text.parse::<SignedDuration>().ok().filter(SignedDuration::is_positive);
    let duration = duration.and_then(|duration| Duration::try_from(duration).ok());
    duration.ok_or_else(|| "must be a duration such as 30m, 12h or 168h".into())
}

impl From<BanError> for Failure {
    fn from(error: BanError) -> Self {
        match error {
            BanError::Store(error) => error.into(),
            refusal => Self::Precondition(refusal.to_string()),
        }
    }
}
