//! What a check holds settings, secrets and the machine to, beyond what the server refuses by itself.
//!
//! The server starts on what is safe enough; a check before a release asks for what is right.

pub(crate) mod connections;
pub(crate) mod machine;
pub(crate) mod resolved;
pub(crate) mod settings;

use api_server::config::Profile;

use crate::finding::Severity;

/// What fails a check of production alone.
fn in_production(profile: Profile) -> Severity {
    match profile {
        Profile::Production => Severity::Error,
        Profile::Staging | Profile::Development => Severity::Warning,
    }
}
