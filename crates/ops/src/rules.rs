//! Rules for secrets: those of the server, and stricter ones for a check before a release.

pub(crate) mod connections;

mod aws_account;
mod resolved;

use config::Profile;
use config::check::Finding;

use crate::console::Console;
use crate::secret_scan::SecretScan;

pub(crate) async fn findings(scan: &SecretScan, profile: Profile, console: &Console) -> Vec<Finding> {
    let mut findings = resolved::findings(scan, profile);
    if let Some(manager) = scan.manager() {
        findings.extend(aws_account::findings(manager, scan, profile, console.now()).await);
    }
    findings
}
