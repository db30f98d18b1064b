//! `investiq secrets rotate NAME`: starts to rotate a secret in AWS Secrets Manager.
//!
//! The new value is stored beside the current one and announced: every process accepts it and none uses it yet, until
//! `resume`. A secret in a file or a variable is changed in its place instead.

use std::time::Duration;

use jiff::SignedDuration;
use secrets::rotation::{self, NewValue, OverlapPolicy, Rotation};
use secrets::{Class, Error, SecretSpec, SourceKind};

use super::find_spec;
use crate::aws_account::{AwsAccount, AwsArguments};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generator::Generator;
use crate::new_value::NewValueArguments;
use crate::output::OutputFormat;
use crate::rotation_status::{self, RotationStatus};
use crate::secret_scan::SecretScan;

const TOKEN_LIFE_DEFAULT_S: u64 = 3600;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq secrets rotate audit_key\n  investiq secrets rotate polygon_api_key --from-file new-key\n  investiq secrets rotate --due"
)]
#[group(id = "which", args = ["name", "due"], required = true, multiple = false)]
pub(crate) struct Arguments {
    /// Name of the secret
    name: Option<String>,
    /// Rotate every overdue secret in AWS that can be generated
    #[arg(long, conflicts_with_all = ["from_file", "stdin"])]
    due: bool,
    #[command(flatten)]
    value: NewValueArguments,
    /// Longest life of tokens signed with the secret, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = TOKEN_LIFE_DEFAULT_S)]
    token_life_s: u64,
    /// How long the previous value stays accepted, such as 90m or 24h [default: depends on the secret; 24h for API keys and
    /// signing keys]
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "due")]
    overlap: Option<Duration>,
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    aws: AwsArguments,
    #[command(flatten)]
    output: OutputFormat,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = arguments.name.as_deref().map(find_spec).transpose()?;
    let lookup = arguments.aws.lookup.resolve(console)?;
    let scan = SecretScan::run(&lookup).await?;
    match spec {
        Some(spec) => {
            check_source(&scan, &spec)?;
            let account = arguments.aws.open(console).await?;
            account.verify(&spec.name).await?;
            start(arguments, &account, &scan, &spec, console).await?.print(console, arguments.output)?;
        }
        None => {
            let account = arguments.aws.open(console).await?;
            let statuses = start_due(arguments, &account, &scan, console).await?;
            rotation_status::print_all(statuses, console, arguments.output)?;
        }
    }
    Ok(Exit::Success)
}

/// Starts one rotation, until the new value is announced.
async fn start(
    arguments: &Arguments,
    account: &AwsAccount,
    scan: &SecretScan,
    spec: &SecretSpec,
    console: &mut Console,
) -> Result<RotationStatus, Failure> {
    let policy = overlap_policy(arguments, spec);
    policy.check(spec)?;
    if arguments.dry_run {
        return Ok(RotationStatus::without_plan(spec, "a rotation would be started"));
    }
    let value = arguments.value.value(account, spec, console).await?;
    if spec.class == Class::AccessList {
        warn_of_removed_keys(&value, &policy, scan, console);
    }
    let (manager, plan) = (&account.manager, account.state.plan(&spec.name));
    let mut rotation = Rotation::begin(manager, spec, console.clock(), plan, &policy).await?;
    console.progress(1, 2, &format!("{} planned", spec.name));
    rotation.create(&value).await?;
    console.progress(2, 2, &format!("{} stored and announced", spec.name));
    Ok(RotationStatus::planned(spec, &rotation.status()))
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Result<SignedDuration, _> = text.parse();
    let duration = parsed.ok().and_then(|duration| Duration::try_from(duration).ok());
    duration.ok_or_else(|| "must be a duration such as 90m, 24h or 0s".to_owned())
}

fn overlap_policy(arguments: &Arguments, spec: &SecretSpec) -> OverlapPolicy {
    let declared = OverlapPolicy::new(spec, Duration::from_secs(arguments.token_life_s));
    OverlapPolicy { overlap: arguments.overlap.unwrap_or(declared.overlap), ..declared }
}

fn warn_of_removed_keys(value: &NewValue, policy: &OverlapPolicy, scan: &SecretScan, console: &mut Console) {
    let NewValue::Given(value) = value else { return };
    let count = value.expose_text().map_or(0, |text| scan.count_removed_keys(text));
    if count > 0 {
        let minutes = policy.overlap.as_secs() / 60;
        console.eprint(&format!(
            "warning: {count} of the keys in use are not in the new list; they are accepted until {minutes} minutes after it is in use"
        ));
    }
}

/// Starts a rotation of each secret that is due. One that is in progress is left as it is.
async fn start_due(
    arguments: &Arguments,
    account: &AwsAccount,
    scan: &SecretScan,
    console: &mut Console,
) -> Result<Vec<RotationStatus>, Failure> {
    let mut statuses = Vec::new();
    for spec in due(scan) {
        statuses.push(match start(arguments, account, scan, &spec, console).await {
            Err(Failure::Secret(error @ (Error::RotationInProgress { .. } | Error::Plan { .. }))) => {
                RotationStatus::without_plan(&spec, error.to_string())
            }
            result => result?,
        });
    }
    Ok(statuses)
}

/// Overdue secrets in AWS that can be generated.
fn due(scan: &SecretScan) -> Vec<SecretSpec> {
    let overdue = scan.report.secrets.iter().filter(|entry| {
        entry
            .version
            .as_ref()
            .is_some_and(|version| version.is_overdue && version.origin.kind() == SourceKind::Aws)
    });
    let specs = overdue.filter_map(|entry| find_spec(entry.name.as_str()).ok());
    specs.filter(|spec| Generator::for_secret(spec) == Some(Generator::Key)).collect()
}

/// A new value in AWS has no effect on a server that finds the secret in an earlier source.
fn check_source(scan: &SecretScan, spec: &SecretSpec) -> Result<(), Failure> {
    let found = scan.report.get(spec.name.as_str()).and_then(|entry| entry.version.as_ref());
    let elsewhere = found.filter(|version| version.origin.kind() != SourceKind::Aws);
    match elsewhere.and_then(|version| rotation::check_writable(&version.origin).err()) {
        Some(error) => Err(Failure::Precondition(format!("{error}. {}", instructions(spec)))),
        None => Ok(()),
    }
}

fn instructions(spec: &SecretSpec) -> String {
    let name = &spec.name;
    let command = match Generator::for_secret(spec) {
        Some(_) => format!("investiq secrets init --replace {name}"),
        None => format!("investiq secrets set {name} --replace"),
    };
    format!("To replace the file, run `{command}`; the server loads the new value within a minute")
}
