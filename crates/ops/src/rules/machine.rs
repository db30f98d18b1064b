//! Rules for what surrounds the process: variables that belong to nobody's settings, limits, the checkout.

use std::path::Path;

use config::{Environment, Profile};
use rustix::process::Resource;

use super::in_production;
use crate::finding::{Finding, Severity};

/// Point the AWS client at an emulator.
const ENDPOINTS: [&str; 2] = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER"];
/// A key that never ends by itself.
const STATIC_KEY: &str = "AWS_SECRET_ACCESS_KEY";
/// What git must never take in.
const IGNORED: [&str; 3] = [".env", "*.key", "*.pem"];

/// What is wrong around the process.
pub(crate) fn findings(environment: &Environment, profile: Profile) -> Vec<Finding> {
    let checkout = checkout(Path::new("."));
    if profile == Profile::Development {
        return checkout;
    }
    let strict = in_production(profile);
    let endpoints = ENDPOINTS.into_iter().filter(|name| environment.get(name).is_some()).map(|name| {
        Finding::new(strict, "endpoint_override", name, "sends secrets to another place than AWS: unset it")
    });
    let is_temporary = environment.get("AWS_SESSION_TOKEN").is_some();
    let has_static_key = environment.get(STATIC_KEY).is_some() && !is_temporary;
    let static_key = has_static_key.then(|| {
        let message = "is a key without an end: use the role of the machine, or web identity";
        Finding::new(strict, "static_aws_key", STATIC_KEY, message)
    });
    endpoints.chain(static_key).chain(core_dumps()).chain(checkout).collect()
}

fn core_dumps() -> Option<Finding> {
    let may_dump = rustix::process::getrlimit(Resource::Core).current != Some(0);
    let message = "may be written (ulimit -c): a dump of a process holds its secrets";
    may_dump.then(|| Finding::new(Severity::Warning, "core_dumps", "core dumps", message))
}

/// In a checkout, git must ignore what holds secrets.
fn checkout(directory: &Path) -> Vec<Finding> {
    if !directory.join(".git").exists() {
        return Vec::new();
    }
    let ignored = std::fs::read_to_string(directory.join(".gitignore")).unwrap_or_default();
    let missing = IGNORED.iter().filter(|pattern| !ignored.lines().any(|line| line.trim() == **pattern));
    let find = |pattern: &&str| {
        Finding::new(Severity::Error, "gitignore", ".gitignore", format!("does not name {pattern}"))
    };
    missing.map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_ignores_what_holds_secrets_and_other_directories_need_not() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(checkout(directory.path()), []);
        std::fs::create_dir(directory.path().join(".git")).unwrap();
        assert_eq!(checkout(directory.path()).len(), 3);
        std::fs::write(directory.path().join(".gitignore"), "/target/\n.env\n*.key\n").unwrap();
        let found = checkout(directory.path());
        assert!(matches!(&found[..], [only] if only.message.contains("*.pem")), "{found:?}");
    }

    #[test]
    fn an_emulator_and_a_static_key_fail_production_alone() {
        let environment = Environment::from_iter([
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:5000"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
        ]);
        let of = |profile| {
            let found = findings(&environment, profile);
            let severe = |finding: &Finding| ["endpoint_override", "static_aws_key"].contains(&finding.rule);
            found.into_iter().filter(severe).map(|finding| finding.severity).collect::<Vec<_>>()
        };
        assert_eq!(of(Profile::Production), [Severity::Error; 2]);
        assert_eq!(of(Profile::Staging), [Severity::Warning; 2]);
        assert_eq!(of(Profile::Development), []);
    }
}
