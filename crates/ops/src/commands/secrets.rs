//! `investiq secrets …`: creates, stores, finds, checks and rotates secrets. None of these commands prints a value.

mod abort;
mod audit;
mod check;
mod delete;
mod emergency;
mod explain;
mod init;
mod list;
mod report;
mod restore;
mod resume;
mod retire;
mod rollback;
mod rotate;
mod set;
mod setup_aws;
mod status;

use ::secrets::{Catalogue, SecretSpec};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Generate secrets as files in a directory
    Init(init::Arguments),
    /// List every secret with its variable, file and AWS id
    List(list::Arguments),
    /// Show where a secret comes from, its age and what it shadows
    Explain(explain::Arguments),
    /// Check every secret under the rules of a profile
    Check(check::Arguments),
    /// Show the age of each secret and when it is due
    Report(report::Arguments),
    /// Set a secret to a value from a prompt, standard input or a file
    Set(set::Arguments),
    /// Create every secret in AWS Secrets Manager
    SetupAws(setup_aws::Arguments),
    /// Start to rotate a secret: store the new value, which is accepted but not used yet
    Rotate(rotate::Arguments),
    /// Continue a rotation from its current step
    Resume(resume::Arguments),
    /// Finish a rotation: stop accepting the previous value
    Retire(retire::Arguments),
    /// Show rotations in progress and their next steps
    Status(status::Arguments),
    /// Abort a rotation before its value is used
    Abort(abort::Arguments),
    /// Return to the previous value
    Rollback(rollback::Arguments),
    /// Replace a leaked secret immediately
    Emergency(emergency::Arguments),
    /// Delete a secret in AWS; it can be restored for 7 to 30 days
    Delete(delete::Arguments),
    /// Restore a deleted secret
    Restore(restore::Arguments),
    /// Verify the log of changes in AWS
    Audit(audit::Arguments),
}

pub(crate) async fn run(command: Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Init(arguments) => init::run(&arguments, console),
        Command::List(arguments) => list::run(&arguments, console),
        Command::Explain(arguments) => explain::run(&arguments, console).await,
        Command::Check(arguments) => check::run(&arguments, console).await,
        Command::Report(arguments) => report::run(&arguments, console).await,
        Command::Set(arguments) => set::run(&arguments, console).await,
        Command::SetupAws(arguments) => setup_aws::run(&arguments, console).await,
        Command::Rotate(arguments) => rotate::run(&arguments, console).await,
        Command::Resume(arguments) => resume::run(&arguments, console).await,
        Command::Retire(arguments) => retire::run(&arguments, console).await,
        Command::Status(arguments) => status::run(&arguments, console).await,
        Command::Abort(arguments) => abort::run(&arguments, console).await,
        Command::Rollback(arguments) => rollback::run(&arguments, console).await,
        Command::Emergency(arguments) => emergency::run(&arguments, console).await,
        Command::Delete(arguments) => delete::run(&arguments, console).await,
        Command::Restore(arguments) => restore::run(&arguments, console).await,
        Command::Audit(arguments) => audit::run(&arguments, console),
    }
}

/// The specification of a secret, by its name, file, variable or id in AWS.
fn find_spec(name: &str) -> Result<SecretSpec, Failure> {
    // What was given instead is not shown: it may be a value.
    Catalogue::product().find(name).cloned().ok_or(Failure::UnknownSecret)
}
