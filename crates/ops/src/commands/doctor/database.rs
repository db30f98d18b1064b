//! The database: reachable, with the migrations of the release, and with the audit chain of its key.
//!
//! The database of the Compose files is reached from its containers only, so that this check runs in the server's container.

use config::check::Finding;

use super::compose::{Project, SERVER};
use super::error;

pub(super) async fn finding(project: &Project) -> Option<Finding> {
    if !project.is_running(SERVER) {
        return None;
    }
    // Opens the database as the server does, but migrates nothing.
    let command = ["exec", "--no-TTY", SERVER, "/app/investiq", "audit", "checkpoint"];
    let cause = project.run(&command).await.err()?.to_string();
    let message = format!("cannot be used: {}", cause.trim_start_matches("investiq: "));
    Some(error("database", "database", message, "docker compose logs postgres api-server"))
}
