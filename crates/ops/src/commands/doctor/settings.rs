//! The server's settings and secrets, checked as `config check --resolve` checks them, with the variables of its container.

use std::path::Path;

use config::check::{self, Finding, Severity};
use config::{DIRECTORY_VARIABLE, Environment, PROFILE_VARIABLE};
use secrets::Catalogue;

use super::compose::{Model, SERVER, Service};
use super::files;
use crate::console::Console;
use crate::deployment::{Deployment, SECRET_PREFIX};
use crate::failure::Failure;
use crate::generator::Generator;
use crate::rules;
use crate::secret_lookup::SecretLookup;
use crate::secret_scan::SecretScan;

/// Rules about where a value is, not what it is.
const PLACES: [&str; 5] = ["ambiguous", "drift", "empty", "environment", "shadowed"];

/// If `is_offline`, secrets in AWS Secrets Manager are not looked up.
pub(super) async fn findings(
    deployment: &Deployment,
    model: &Model,
    is_offline: bool,
    console: &Console,
) -> Result<Vec<Finding>, Failure> {
    let secrets = model.secrets().map_or_else(|| deployment.secrets(), Path::to_path_buf);
    let environment = environment(deployment, model, &secrets);
    let environment = if is_offline { environment.with(SECRET_PREFIX, "") } else { environment };
    let mut findings = check::findings(&environment);
    // Reported by the check of the files.
    let is_denied = files::denied(deployment).is_some();
    if let Some(config) = config::load(&environment).ok().filter(|_| !is_denied) {
        let console = console.with_environment(environment.clone());
        let lookup = SecretLookup { environment, config };
        let scan = SecretScan::run(&lookup).await?;
        findings.extend(scan.faults.iter().cloned());
        findings.extend(rules::advice(&scan, lookup.config.profile, &console).await);
    }
    // In development others may read the files, because the user of the container is one of them.
    let is_mode = |finding: &Finding| finding.rule() == "invalid" && finding.severity() == Severity::Warning;
    findings.retain(|finding| deployment.profile.is_strict() || !is_mode(finding));
    let env_file = deployment.env_file.path();
    Ok(findings.into_iter().map(|finding| with_remedy(finding, &secrets, env_file)).collect())
}

/// The variables of the server's container, with the paths of this machine.
fn environment(deployment: &Deployment, model: &Model, secrets: &Path) -> Environment {
    let variables = model.service(SERVER).into_iter().flat_map(Service::variables);
    // Compose doubles dollar signs in its output.
    let variables = variables.map(|(name, value)| (name, value.replace("$$", "$")));
    let configs = deployment.directory.join("configs");
    let configs = configs.is_dir().then(|| (DIRECTORY_VARIABLE, configs.display().to_string()));
    let environment: Environment = variables.chain(configs).collect();
    let environment = environment.with(PROFILE_VARIABLE, deployment.profile.as_str());
    environment.with("SECRETS_DIR", &secrets.display().to_string())
}

fn with_remedy(finding: Finding, secrets: &Path, env_file: &Path) -> Finding {
    let (rule, subject, secrets) = (finding.rule(), finding.subject().to_owned(), secrets.display());
    let spec = Catalogue::product().get(&subject).cloned();
    let remedy = match (rule, spec) {
        (rule, Some(_)) if PLACES.contains(&rule) => {
            format!("investiq secrets explain {subject} --directory {secrets}")
        }
        ("overdue", Some(_)) => "see docs/secrets-rotation.md".to_owned(),
        ("missing", Some(spec)) if Generator::for_secret(&spec).is_some() => "investiq init".to_owned(),
        (_, Some(_)) => format!("investiq secrets set {subject} --directory {secrets} --replace"),
        // The directory and the names of its files.
        (_, None) if subject == "secrets" => "investiq secrets list".to_owned(),
        ("core_dumps", None) => "ulimit -c 0".to_owned(),
        (_, None) => format!("change it in {}: docs/API.md", env_file.display()),
    };
    finding.with_remedy(remedy)
}
