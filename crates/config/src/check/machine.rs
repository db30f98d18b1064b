//! Rules for the machine: variables of the AWS client, resource limits, the checkout.

use std::path::Path;

use rustix::process::Resource;
use secrets::{Environment, Profile};

use super::{Finding, Severity};

/// Variables that point the AWS client at an emulator.
const ENDPOINTS: [&str; 2] = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER"];
/// The variable of a key that does not expire, unless there is a session token.
const STATIC_KEY: &str = "AWS_SECRET_ACCESS_KEY";
/// Patterns that .gitignore must contain.
const IGNORED: [&str; 3] = [".env", "*.key", "*.pem"];

/// Checks the variables of the AWS client, the core dump limit, and .gitignore in the current directory.
#[must_use]
pub fn machine_findings(environment: &Environment, profile: Profile) -> Vec<Finding> {
    let checkout = checkout(Path::new("."));
    if profile == Profile::Development {
        return checkout;
    }
    let warning = |rule, name, message| Finding::new(Severity::Warning, rule, name, message);
    let endpoints = ENDPOINTS.into_iter().filter(|name| environment.get(name).is_some());
    let endpoints = endpoints.map(|name| {
        warning("endpoint_override", name, "sends secrets to an endpoint that is not AWS; unset it")
    });
    let is_temporary = environment.get("AWS_SESSION_TOKEN").is_some();
    let has_static_key = environment.get(STATIC_KEY).is_some() && !is_temporary;
    let static_key = has_static_key.then(|| {
        warning("static_aws_key", STATIC_KEY, "does not expire; use the role of the machine or web identity")
    });
    endpoints.chain(static_key).chain(core_dumps()).chain(checkout).collect()
}

fn core_dumps() -> Option<Finding> {
    let may_dump = rustix::process::getrlimit(Resource::Core).current != Some(0);
    let message = "are enabled (ulimit -c); a dump of the process contains its secrets";
    may_dump.then(|| Finding::new(Severity::Warning, "core_dumps", "core dumps", message))
}

fn checkout(directory: &Path) -> Vec<Finding> {
    if !directory.join(".git").exists() {
        return Vec::new();
    }
    let ignored = std::fs::read_to_string(directory.join(".gitignore")).unwrap_or_default();
    let missing = IGNORED.iter().filter(|pattern| !ignored.lines().any(|line| line.trim() == **pattern));
    let find = |pattern: &&str| {
        Finding::new(Severity::Warning, "gitignore", ".gitignore", format!("does not contain {pattern}"))
    };
    missing.map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_must_ignore_files_with_secrets_and_other_directories_need_not() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(checkout(directory.path()), []);
        std::fs::create_dir(directory.path().join(".git")).unwrap();
        assert_eq!(checkout(directory.path()).len(), 3);
        std::fs::write(directory.path().join(".gitignore"), "/target/\n.env\n*.key\n").unwrap();
        let findings = checkout(directory.path());
        assert!(matches!(&findings[..], [only] if only.message.contains("*.pem")), "{findings:?}");
    }

    #[test]
    fn an_emulator_and_a_static_key_are_found_outside_development() {
        let environment = Environment::from_iter([
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:5000"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
        ]);
        let found = |profile| {
            let findings = machine_findings(&environment, profile);
            let is_of_aws = |rule: &&str| ["endpoint_override", "static_aws_key"].contains(rule);
            findings.into_iter().map(|finding| finding.rule).filter(is_of_aws).count()
        };
        assert_eq!(Profile::ALL.map(found), [0, 2, 2]);
    }
}
