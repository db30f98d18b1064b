//! `investiq secrets …`: makes, places, finds, checks and changes secrets. None of them ever prints a value.

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
    /// Make what can be made, as files of a directory of your own
    Init(init::Arguments),
    /// Name every secret, with its variable, file and AWS id
    List(list::Arguments),
    /// Say where a secret comes from, how old it is and what it hides
    Explain(explain::Arguments),
    /// Check every secret by the rules of a profile
    Check(check::Arguments),
    /// Show the age of each secret and when it is due
    Report(report::Arguments),
    /// Set one secret to a value that is typed, or read from a file
    Set(set::Arguments),
    /// Put every secret into AWS Secrets Manager: made here, or typed
    SetupAws(setup_aws::Arguments),
    /// Begin to replace a secret: the new value is stored and accepted, not yet used
    Rotate(rotate::Arguments),
    /// Take a rotation on from where it stands
    Resume(resume::Arguments),
    /// Forget the value before, and end a rotation
    Retire(retire::Arguments),
    /// Say which rotations are under way, and what comes next
    Status(status::Arguments),
    /// Undo a rotation whose value has not taken over
    Abort(abort::Arguments),
    /// Let the value before take over again
    Rollback(rollback::Arguments),
    /// Replace a value that is known to others, at once
    Emergency(emergency::Arguments),
    /// Delete a secret of AWS, restorable for 7 to 30 days
    Delete(delete::Arguments),
    /// Call a deletion off
    Restore(restore::Arguments),
    /// Verify the record of changes
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

/// What is declared of a secret; either spelling of its name will do.
fn declared(name: &str) -> Result<SecretSpec, Failure> {
    let undeclared = || Failure::Undeclared(name.to_owned());
    let parsed: ::secrets::SecretName = name.parse().map_err(|_| undeclared())?;
    Catalogue::product().get(parsed.as_str()).cloned().ok_or_else(undeclared)
}
