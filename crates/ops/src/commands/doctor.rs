//! `investiq doctor`: checks the machine and the files of a deployment, before and after it is started. It changes nothing.
//!
//! Each check has a timeout, and each finding says what to do about it.

mod certificate;
mod clock;
mod compose;
mod database;
mod dns;
mod engine;
mod files;
mod machine;
mod program;
mod settings;

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use config::Profile;
use config::check::{Finding, Report, Severity};
use outbound::BaseUrl;

use crate::console::Console;
use crate::deployment::{DOMAIN, Deployment};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::named_values;
use crate::output::ReportFormat;
use compose::{Model, PROXY, Project};
use engine::Engine;

const STEPS: usize = 6;
/// For a check that neither runs a program nor connects to one host.
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq doctor\n  investiq doctor --offline --json")]
pub(crate) struct Arguments {
    /// Profile of the deployment [default: that of COMPOSE_FILE in .env, else development]
    #[arg(long, value_parser = named_values::profile())]
    profile: Option<Profile>,
    /// Directory of the Compose files
    #[arg(long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Do not connect to other hosts: skips DNS, the certificate, the time of another host, and AWS
    #[arg(long)]
    offline: bool,
    /// Host whose time is compared with this machine's
    #[arg(long, value_name = "URL", default_value = "https://acme-v02.api.letsencrypt.org")]
    time_url: BaseUrl,
    #[command(flatten)]
    format: ReportFormat,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let directory = arguments.directory.canonicalize().map_err(|error| {
        Failure::Precondition(format!("cannot open {}: {error}", arguments.directory.display()))
    })?;
    let deployment = match Deployment::open(&directory, arguments.profile)? {
        Some(deployment) => Some(deployment),
        None => Deployment::open(&directory, Some(Profile::Development))?,
    };
    let Some(deployment) = deployment else { return Err(Failure::Usage("--profile is missing".to_owned())) };
    let deployment = Arc::new(deployment);
    let findings = check(arguments, Arc::clone(&deployment), console).await?;
    arguments.format.print(&Report::new(deployment.profile, findings), console)
}

async fn check(
    arguments: &Arguments,
    deployment: Arc<Deployment>,
    console: &mut Console,
) -> Result<Vec<Finding>, Failure> {
    console.progress(1, STEPS, "engine and Compose files");
    let engine = Engine::query().await;
    let project = Arc::new(Project::query(&deployment, &engine).await);
    let mut findings = [engine.findings(), project.findings()].concat();
    let model = project.model.as_ref().ok();

    console.progress(2, STEPS, "files");
    let (own, shared) = (Arc::clone(&deployment), Arc::clone(&project));
    findings.extend(bounded("files", move || files::findings(&own, shared.model.as_ref().ok())).await);

    console.progress(3, STEPS, "machine and clock");
    let directories = [Some(deployment.directory.clone()), engine.root()];
    let shared = Arc::clone(&project);
    findings.extend(bounded("machine", move || machine::findings(&shared, directories)).await);
    findings.extend(clock::synchronization().await);
    if deployment.profile.is_strict() && !arguments.offline {
        let proxy = ::config::load_all(console.environment()).0.proxy;
        findings.extend(clock::skew(&arguments.time_url, &proxy, || console.now()).await);
    }

    console.progress(4, STEPS, "domain and certificate");
    // Compose, too, prefers its environment to `.env`.
    let domain = console.environment().get(DOMAIN).or_else(|| deployment.env_file.get(DOMAIN));
    if let Some(domain) = domain.filter(|_| deployment.profile.is_strict() && !arguments.offline) {
        findings.extend(dns::findings(domain, model.is_some_and(Model::publishes_ipv6)).await);
        // Before the first start there is no certificate.
        if let Some(port) = model.and_then(Model::tls_port).filter(|_| project.is_running(PROXY)) {
            findings.extend(certificate::finding(domain, port, console.now()).await);
        }
    }

    console.progress(5, STEPS, "settings and secrets");
    if let Some(model) = model {
        let checks = settings::findings(&deployment, model, arguments.offline, console);
        findings.extend(
            tokio::time::timeout(TIMEOUT, checks).await.unwrap_or_else(|_| Ok(timed_out("settings")))?,
        );
    }

    console.progress(6, STEPS, "database");
    findings.extend(database::finding(&project).await);
    Ok(findings)
}

/// Runs a check that reads files, on a thread of its own: a file system may not respond.
async fn bounded(
    subject: &'static str,
    check: impl FnOnce() -> Vec<Finding> + Send + 'static,
) -> Vec<Finding> {
    match tokio::time::timeout(TIMEOUT, tokio::task::spawn_blocking(check)).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(_)) | Err(_) => timed_out(subject),
    }
}

fn timed_out(subject: &'static str) -> Vec<Finding> {
    let message = format!("could not be checked within {} s", TIMEOUT.as_secs());
    vec![error("timeout", subject, message, "df --human-readable; dmesg | tail")]
}

fn error(
    rule: &'static str,
    subject: impl Display,
    message: impl Into<String>,
    remedy: impl Into<String>,
) -> Finding {
    Finding::new(Severity::Error, rule, subject.to_string(), message).with_remedy(remedy)
}

fn warning(
    rule: &'static str,
    subject: impl Display,
    message: impl Into<String>,
    remedy: impl Into<String>,
) -> Finding {
    Finding::new(Severity::Warning, rule, subject.to_string(), message).with_remedy(remedy)
}
