//! `investiq`, the operator's command. What it does is kept out of the program that the network can reach.
//!
//! It loads settings and finds secrets with the functions that the server uses. The value of a secret is never an argument,
//! and never printed, except that a new API key is shown once on a terminal.
//!
//! | module | subject |
//! | --- | --- |
//! | `commands` | the command line; one file for each command |
//! | `named_values`, `output`, `outcome`, `table`, `calendar` | shared arguments, and how results are printed |
//! | `console` | environment, clock and streams |
//! | `exit`, `failure` | how a command ends |
//! | `secret_lookup`, `secret_scan`, `rules` | where secrets are looked up, what is found there, and what is wrong with it |
//! | `api_key_list`, `validate` | checks of a value before it is stored |
//! | `value_input`, `new_value`, `generator`, `older_keys`, `secret_file`, `git_ignore` | how a new value is read or generated, and written to a file |
//! | `aws_account`, `rotation_status` | AWS Secrets Manager and its rotations |
//! | `state_directory`, `change_log` | rotation plans and the log of changes in AWS |
//! | `signing`, `samples`, `fresh_ids`, `dev_keys`, `random_id`, `pem` | deliveries signed as providers sign them |
//! | `deployment`, `host` | the directory from which Compose runs the server, and the machine |
//! | `database`, `event_filter` | the server's database, and conditions on its events |

mod api_key_list;
mod aws_account;
mod calendar;
mod change_log;
mod commands;
mod console;
mod database;
mod deployment;
mod dev_keys;
mod event_filter;
mod exit;
mod failure;
mod fresh_ids;
mod generator;
mod git_ignore;
mod host;
mod named_values;
mod new_value;
mod older_keys;
mod outcome;
mod output;
mod pem;
mod random_id;
mod rotation_status;
mod rules;
mod samples;
mod secret_file;
mod secret_lookup;
mod secret_scan;
mod signing;
mod state_directory;
mod table;
mod validate;
mod value_input;

use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use rustix::process::DumpableBehavior;

use commands::CommandLine;
use console::Console;
use exit::Exit;

/// Zeroes freed memory, so that no copy of a secret stays in it.
#[global_allocator]
static ALLOCATOR: ::secrets::ZeroOnFree = ::secrets::ZeroOnFree;

fn main() -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Exit::Failed.into();
    };
    let code = runtime.block_on(run());
    // A thread that still waits for a file system, after its timeout, does not keep the process alive.
    runtime.shutdown_background();
    code
}

async fn run() -> ExitCode {
    let arguments = match CommandLine::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return help_or_usage(error).into(),
    };
    let mut console = Console::from_process();
    // A core dump would contain every secret that this process read.
    if rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).is_err() {
        console.eprint("warning: cannot disable core dumps; a dump of this process would contain secrets");
    }
    let exit = Box::pin(commands::run(arguments, &mut console)).await.unwrap_or_else(|failure| {
        console.eprint(&format!("investiq: {failure}"));
        failure.exit()
    });
    console.close().await;
    exit.into()
}

/// Prints the requested help, or what is wrong with the arguments. An unexpected argument is shown only if it has the form of an
/// option: it may be the value of a secret.
fn help_or_usage(mut error: clap::Error) -> Exit {
    if let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) {
        let is_option = argument.starts_with("--")
            && argument.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        if error.kind() == ErrorKind::UnknownArgument && !is_option {
            let hint = "the value of a secret is never an argument: type it at the prompt, or use --stdin or --from-file";
            error.insert(ContextKind::InvalidArg, ContextValue::String("(not shown)".to_owned()));
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
        }
    }
    // A closed stream does not change the outcome.
    drop(error.print());
    if error.use_stderr() { Exit::Usage } else { Exit::Success }
}
