//! `investiq`, the operator's command: what must not be in a program that the network can reach.
//!
//! It reads the settings and the secrets exactly as the server does, shows where they come from, and makes and changes
//! secrets. No value of a secret is ever an argument of it, and none is ever printed but a key that was just made, once,
//! on a terminal.
//!
//! | module | subject |
//! | --- | --- |
//! | `commands` | one file for each command |
//! | `command_line`, `named_values` | the arguments, and the exit codes as the help tells them |
//! | `console` | what a command is handed: environment, clock, streams |
//! | `exit`, `failure` | how a command ends |
//! | `document` | the JSON that scripts read |
//! | `finding`, `rules` | what a check found, and what it holds things to |
//! | `place`, `survey` | where secrets are looked for, and what was found there |
//! | `account`, `rotating` | AWS Secrets Manager, and rotations between two runs |
//! | `state`, `record` | plans, and the record of changes |
//! | `signing`, `samples`, `fresh_ids`, `dev_keys`, `identifier`, `pem` | deliveries as providers would send them |
//! | `database`, `selection` | the server's database, and filters for its events |
//! | `generation`, `typed`, `new_value`, `judge`, `local_file` | a new value: made or typed, judged, written |

mod account;
mod calendar;
mod command_line;
mod commands;
mod console;
mod database;
mod dev_keys;
mod document;
mod exit;
mod failure;
mod finding;
mod fresh_ids;
mod generation;
mod identifier;
mod judge;
mod local_file;
mod named_values;
mod new_value;
mod pem;
mod place;
mod record;
mod rotating;
mod rules;
mod samples;
mod selection;
mod signing;
mod state;
mod survey;
mod table;
mod typed;

use std::process::ExitCode;

use clap::Parser;
use rustix::process::DumpableBehavior;

use command_line::CommandLine;
use console::Console;
use exit::Exit;

/// Wipes what is freed, so that no copy of a secret is left in memory.
#[global_allocator]
static ALLOCATOR: ::secrets::ZeroOnFree = ::secrets::ZeroOnFree;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match CommandLine::try_parse() {
        Ok(arguments) => arguments,
        Err(told) => return usage(&told).into(),
    };
    let mut console = Console::of_process();
    // A dump of this process would hold every secret that it read.
    if rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).is_err() {
        console.say("warning: this process may leave a core dump, which would hold what it reads");
    }
    match commands::run(arguments, &mut console).await {
        Ok(exit) => exit.into(),
        Err(failure) => {
            console.tell_failure(&failure);
            failure.exit().into()
        }
    }
}

/// The help that was asked for, or what is wrong with the arguments.
fn usage(told: &clap::Error) -> Exit {
    let exit = if told.use_stderr() { Exit::Usage } else { Exit::Good };
    // A stream that nobody reads changes nothing about the outcome.
    drop(told.print());
    exit
}
