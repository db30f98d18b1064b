//! What a check holds settings, secrets and the machine to, beyond what the server refuses by itself.
//!
//! The server starts on what is safe enough; a check before a release asks for what is right.

pub(crate) mod account;
pub(crate) mod connections;
pub(crate) mod machine;
pub(crate) mod resolved;
pub(crate) mod settings;

use config::Profile;

use crate::console::Console;
use crate::finding::{Finding, Severity};
use crate::survey::Survey;

/// Everything that can be said of secrets: as they were found, and of the account where some of them lie.
pub(crate) async fn of_secrets(survey: &Survey, profile: Profile, console: &Console) -> Vec<Finding> {
    let mut findings = resolved::findings(survey, profile);
    if let Some(manager) = survey.account() {
        findings.extend(account::findings(manager, survey, profile, console.now()).await);
    }
    findings
}

/// What fails a check of production alone.
fn in_production(profile: Profile) -> Severity {
    match profile {
        Profile::Production => Severity::Error,
        Profile::Staging | Profile::Development => Severity::Warning,
    }
}
