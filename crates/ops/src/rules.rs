//! Rules for secrets that are stricter than those of the server, for a check before a release.

pub(crate) mod connections;

mod aws_account;
mod resolved;

use config::Profile;
use config::check::Finding;

use crate::console::Console;
use crate::secret_scan::SecretScan;

/// Warnings about what the server accepts.
pub(crate) async fn advice(scan: &SecretScan, profile: Profile, console: &Console) -> Vec<Finding> {
    let mut findings = resolved::findings(scan, profile);
    if let Some(manager) = scan.manager() {
        findings.extend(aws_account::findings(manager, scan, console.now()).await);
    }
    findings
}
