//! `investiq init`: prepares a host to run the server with Compose: `.env` and the secrets that we issue.
//!
//! Files and values that exist are kept, so that it can be run again. It starts nothing and connects to nothing.

mod variables;

use std::path::PathBuf;

use config::Profile;
use domain::Provider;
use rustix::process::geteuid;
use serde::Serialize;

use crate::api_key_list::API_KEYS;
use crate::console::Console;
use crate::deployment::secret_layout::{ACME, CONTAINER_UID, FileOutcome, SecretLayout};
use crate::deployment::{DOMAIN, Deployment, REDIS_ADDRESSES, SECRET_PREFIX};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generator::ApiKey;
use crate::named_values;
use crate::outcome::Outcome;
use crate::output::OutputFormat;
use variables::{Answers, Assignment};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq init --profile development\n  investiq init --profile production --domain api.example.com --providers alpaca,bridge"
)]
pub(crate) struct Arguments {
    /// Profile of the deployment
    #[arg(long, value_parser = named_values::profile())]
    profile: Option<Profile>,
    /// Host name of the server, such as api.example.com
    #[arg(long, value_name = "NAME")]
    domain: Option<String>,
    /// Providers whose deliveries are received, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = named_values::provider())]
    providers: Option<Vec<Provider>>,
    /// Another variable of the Compose files, such as API_IMAGE=registry.example.com/investiq@sha256:…; can be repeated
    #[arg(long = "set", value_name = "NAME=TEXT")]
    variables: Vec<Assignment>,
    /// Directory of the Compose files
    #[arg(long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Initialization {
    directory: String,
    profile: &'static str,
    dry_run: bool,
    /// Whether anything was, or would be, created.
    changed: bool,
    files: Vec<FileOutcome>,
    /// Secrets that others issue, each with the command that sets it.
    to_be_set: Vec<String>,
    left_to_do: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let Arguments { directory, dry_run, .. } = arguments;
    let mut answers = Answers::new(arguments, console);
    let deployment = answers.deployment(directory)?;
    let added = answers.variables(&deployment)?;
    let providers = answers.providers(&deployment);
    let variable = |name: &str| {
        let added = added.iter().find(|(added, _)| added == name).map(|(_, value)| value.as_str());
        added.or_else(|| deployment.env_file.get(name))
    };
    let (domain, is_in_aws) = (variable(DOMAIN), variable(SECRET_PREFIX).is_some());
    let is_other_redis = REDIS_ADDRESSES.iter().any(|name| variable(name).is_some());
    let layout = SecretLayout::new(&deployment).dry_run(*dry_run).other_redis(is_other_redis).domain(domain);
    let secrets = layout.create(&providers, is_in_aws)?;
    let mut files = secrets.files;
    // In development nothing is required, so that the file may be unnecessary.
    if deployment.env_file.exists() || !added.is_empty() {
        let outcome =
            if *dry_run { deployment.env_file.outcome(&added) } else { deployment.env_file.add(&added)? };
        files.insert(0, FileOutcome { path: deployment.env_file.path().display().to_string(), outcome });
    }
    let result = Initialization {
        directory: directory.display().to_string(),
        profile: deployment.profile.as_str(),
        dry_run: *dry_run,
        changed: files.iter().any(|file| file.outcome != Outcome::Kept),
        to_be_set: secrets.to_be_set,
        left_to_do: left_to_do(&deployment, domain, is_in_aws, &providers),
        files,
    };
    arguments.output.print(console, "investiq.init.v1", &result, text)?;
    if let Some(key) = secrets.admin_key {
        show(&key, &deployment, arguments, console)?;
    }
    Ok(Exit::Success)
}

/// Shows the first API key once, on a terminal.
fn show(
    key: &ApiKey,
    deployment: &Deployment,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<(), Failure> {
    let path = deployment.secrets().join(API_KEYS);
    if !console.is_terminal() || arguments.output.is_json() {
        console.eprint(&format!("the first API key is in {}", path.display()));
        return Ok(());
    }
    console.print(&format!("\n{}\n", key.entry.expose_text().unwrap_or_default()))?;
    console.eprint(&format!(
        "the first API key, with the role admin (its label in the log: {}); it is shown only this once",
        key.label
    ));
    Ok(())
}

/// What this command cannot do, in order, with the commands.
fn left_to_do(
    deployment: &Deployment,
    domain: Option<&str>,
    is_in_aws: bool,
    providers: &[Provider],
) -> Vec<String> {
    let directory = deployment.directory.display();
    let secrets = deployment.directory.join("secrets");
    let secrets = secrets.display();
    let mut steps = Vec::new();
    if let Some(domain) = domain.filter(|_| deployment.profile.is_strict()) {
        steps.push(format!("DNS: create an A record of {domain} with the public IPv4 address of this host, and no AAAA record"));
        steps.push("firewall: allow TCP ports 80 and 443 from everywhere: ufw allow 80,443/tcp".to_owned());
    }
    if deployment.profile.is_strict() && !geteuid().is_root() {
        steps.push(format!(
            "owners: sudo chown --recursive 0:0 {secrets} && sudo chown {CONTAINER_UID}:{CONTAINER_UID} {secrets}/{ACME}"
        ));
    }
    if is_in_aws {
        steps.push("secrets in AWS: investiq secrets setup-aws".to_owned());
        steps.push(format!(
            "database: printf 'postgres://investiq:%s@postgres/investiq' \"$(cat {secrets}/postgres/password)\" | investiq secrets set database_url --to aws --stdin"
        ));
        steps.push(format!(
            "monitoring: add the key in {secrets}/prometheus/api_key, with the role admin, to the secret api_keys: docs/secrets-rotation.md"
        ));
    }
    if !providers.is_empty() {
        steps.push("providers: register the webhook endpoints: docs/webhooks.md".to_owned());
    }
    let sudo = if deployment.profile.is_strict() && !geteuid().is_root() { "sudo " } else { "" };
    steps.push(format!("check this host: {sudo}investiq doctor --directory {directory}"));
    steps.push(format!("start: docker compose --project-directory {directory} up --detach --wait"));
    steps
}

fn text(result: &Initialization) -> String {
    let Initialization { files, to_be_set, left_to_do, changed, .. } = result;
    let files =
        files.iter().map(|FileOutcome { path, outcome }| format!("{:<9} {path}\n", outcome.to_string()));
    let missing = to_be_set.iter().map(|command| format!("to be set {command}\n"));
    let unchanged = (!changed).then(|| "nothing was changed\n".to_owned());
    let left = (1..).zip(left_to_do).map(|(number, step)| format!("{number}. {step}\n"));
    files.chain(missing).chain(unchanged).chain(["\nLeft to do:\n".to_owned()]).chain(left).collect()
}
