//! The container engine and Compose: installed, reachable, new enough.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use config::check::Finding;

use super::error;
use super::program::{self, ProgramError};
use crate::deployment::DOCKER_GID;

/// The API of engine 20.10, the oldest that was tested.
const API_MIN: [u32; 2] = [1, 41];
/// The first version with `!reset` and `!override`.
const COMPOSE_MIN: [u32; 3] = [2, 24, 4];

const INSTALL: &str = "https://docs.docker.com/engine/install";

type Answer = Result<String, ProgramError>;

/// What the engine and Compose say about themselves.
#[derive(Debug)]
pub(super) struct Engine {
    /// Version and API version, separated by a blank.
    server: Answer,
    compose: Answer,
    /// The directory of images and volumes.
    root: Answer,
}

impl Engine {
    pub(super) async fn query() -> Self {
        Self {
            server: program::output(
                "docker",
                &["version", "--format", "{{.Server.Version}} {{.Server.APIVersion}}"],
            )
            .await,
            compose: program::output("docker", &["compose", "version", "--short"]).await,
            root: program::output("docker", &["info", "--format", "{{.DockerRootDir}}"]).await,
        }
    }

    pub(super) fn is_reachable(&self) -> bool {
        self.server.is_ok()
    }

    pub(super) fn has_compose(&self) -> bool {
        self.compose.is_ok()
    }

    /// The directory of images and volumes.
    pub(super) fn root(&self) -> Option<PathBuf> {
        self.root.as_ref().ok().map(PathBuf::from).filter(|root| root.is_absolute())
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        const PLUGIN: &str = "apt-get install docker-compose-plugin";
        let server = match &self.server {
            Err(ProgramError::NotInstalled) => {
                let message = "is not installed, so that Compose and the containers were not checked";
                return vec![error("engine", "docker", message, INSTALL)];
            }
            Err(cause) => Some(error(
                "engine",
                "docker",
                format!("cannot be reached: {cause}"),
                "systemctl start docker",
            )),
            Ok(versions) => {
                let (version, api) = versions.split_once(' ').unwrap_or((versions, ""));
                let message = format!("engine {version} has API {api}, and 1.41 (engine 20.10) is needed");
                (!is_at_least(api, &API_MIN)).then(|| error("engine_version", "docker", message, INSTALL))
            }
        };
        let compose = match &self.compose {
            Err(cause) => Some(error("compose", "docker compose", format!("cannot be run: {cause}"), PLUGIN)),
            Ok(version) => {
                let message = format!("version {version} is too old: 2.24.4 is needed");
                let is_old = !is_at_least(version, &COMPOSE_MIN);
                is_old.then(|| error("compose_version", "docker compose", message, PLUGIN))
            }
        };
        server.into_iter().chain(compose).collect()
    }
}

/// Traefik reaches the engine through a proxy that may use the socket with this group.
pub(super) fn socket_finding(socket: &Path, group: &str) -> Option<Finding> {
    let (shown, error) =
        (socket.display(), |message, remedy| Some(error("docker_gid", DOCKER_GID, message, remedy)));
    match std::fs::metadata(socket).map(|metadata| metadata.gid()) {
        Err(cause) => {
            let message = format!("cannot be compared with the group of {shown}: {cause}");
            error(message, "systemctl start docker".to_owned())
        }
        Ok(gid) if group == gid.to_string() => None,
        Ok(gid) => error(
            format!("is {group}, and the group of {shown} is {gid}"),
            format!("set {DOCKER_GID}={gid} in .env"),
        ),
    }
}

/// Compares versions such as `v2.24.4-desktop.1`; missing and invalid parts count as 0.
fn is_at_least(version: &str, minimum: &[u32]) -> bool {
    let parts = version.trim_start_matches('v').split(['.', '-', '+', '~']);
    let parts = parts.map(|part| part.parse::<u32>().unwrap_or_default()).chain(std::iter::repeat(0));
    parts.take(minimum.len()).collect::<Vec<_>>().as_slice() >= minimum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(server: Answer, compose: Answer) -> Vec<&'static str> {
        let engine = Engine { server, compose, root: Err(ProgramError::TimedOut) };
        engine.findings().iter().map(Finding::rule).collect()
    }

    #[test]
    fn an_engine_is_installed_reachable_and_new_enough() {
        let ok = |text: &str| Ok(text.to_owned());
        for (server, compose, expected) in [
            (ok("20.10.24+dfsg1 1.41"), ok("2.24.4"), &[][..]),
            (ok("29.1.0 1.52"), ok("v5.6.1"), &[]),
            (ok("19.03.15 1.40"), ok("2.24.3"), &["engine_version", "compose_version"]),
            (ok("20.10.0 1.41"), ok("1.29.2"), &["compose_version"]),
            (Err(ProgramError::Failed("no daemon".to_owned())), ok("2.30.0"), &["engine"]),
            (Err(ProgramError::NotInstalled), Err(ProgramError::NotInstalled), &["engine"]),
            (ok("28.0.0 1.48"), Err(ProgramError::Failed("unknown command".to_owned())), &["compose"]),
        ] {
            assert_eq!(rules(server.clone(), compose.clone()), expected, "{server:?} {compose:?}");
        }
    }
}
