//! `investiq secrets retire NAME`: removes the previous value of a secret: the version that a rotation in AWS replaced, which
//! finishes the rotation, and files that were replaced in a directory.

use secrets::SecretSpec;
use secrets::rotation::PreviousUse;

use super::find_spec;
use crate::aws_account::{self, AwsArguments};
use crate::console::Console;
use crate::deployment::secret_layout;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::older_keys::check_removal;
use crate::output::OutputFormat;
use crate::rotation_status::{RotationStatus, resume};
use crate::{secret_file, secret_lookup};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq secrets retire polygon_api_key --unused")]
pub(crate) struct Arguments {
    /// Name of the secret
    name: String,
    /// Confirm that the previous value is unused: in AWS, investiq_secret_previous_used_total no longer increases
    #[arg(long, required = true)]
    unused: bool,
    #[command(flatten)]
    aws: AwsArguments,
    #[command(flatten)]
    output: OutputFormat,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = find_spec(&arguments.name)?;
    let removed = retire_files(arguments, &spec, console)?;
    let summary = match removed {
        0 => {
            retire_in_aws(arguments, &spec, console).await?;
            "the previous value is retired".to_owned()
        }
        count => format!("{count} previous value(s) removed from the directory"),
    };
    RotationStatus::without_plan(&spec, summary).print(console, arguments.output)?;
    Ok(Exit::Success)
}

fn retire_files(arguments: &Arguments, spec: &SecretSpec, console: &mut Console) -> Result<usize, Failure> {
    let path = secret_lookup::directory(arguments.aws.lookup.directory.as_deref(), console);
    if !path.is_dir() {
        return Ok(0);
    }
    let directory = secret_layout::open(&path, console)?;
    let replaced = directory.kept(spec)?;
    if !replaced.is_empty() {
        check_removal(spec, &path.join(secret_file::name_in(&path, spec)?), &replaced)?;
        directory.remove(&replaced)?;
    }
    Ok(replaced.len())
}

async fn retire_in_aws(arguments: &Arguments, spec: &SecretSpec, console: &Console) -> Result<(), Failure> {
    if aws_account::settings(console)?.is_none() {
        let message = "no previous value is kept in the directory, and SECRET_PREFIX is not set for AWS";
        return Err(Failure::Precondition(format!("{}: {message}", spec.name)));
    }
    let account = arguments.aws.open(console).await?;
    Ok(resume(&account, spec, console)?.retire(PreviousUse::None).await?)
}
