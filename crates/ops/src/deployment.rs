//! The directory from which Compose runs the server: its Compose files, `.env` and `secrets/`. It starts no process.

pub(crate) mod env_file;
pub(crate) mod secret_layout;

use std::path::{Path, PathBuf};

use config::{Environment, Profile};

use crate::failure::Failure;
use env_file::EnvFile;

/// The variable with which Compose finds its files without arguments.
pub(crate) const COMPOSE_FILE: &str = "COMPOSE_FILE";
pub(crate) const DOMAIN: &str = "DOMAIN";
/// Set if the server's secrets are in AWS Secrets Manager.
pub(crate) const SECRET_PREFIX: &str = "SECRET_PREFIX";
/// The group of the socket of Docker.
pub(crate) const DOCKER_GID: &str = "DOCKER_GID";
/// One is set if the server uses another Redis than that of the Compose files.
pub(crate) const REDIS_ADDRESSES: [&str; 3] = ["REDIS_URL", "REDIS_HOST", "REDIS_CLUSTER_ADDRS"];
/// The image of the server.
pub(crate) const API_IMAGE: &str = "API_IMAGE";

const DOCKER_SOCKET: &str = "/var/run/docker.sock";
const BASE: &str = "docker-compose.yml";

pub(crate) struct Deployment {
    pub(crate) directory: PathBuf,
    pub(crate) profile: Profile,
    pub(crate) env_file: EnvFile,
    /// Relative to the directory; later ones override earlier ones.
    pub(crate) compose_files: Vec<String>,
}

impl Deployment {
    /// `profile` is what an argument says; otherwise it is the profile of the Compose files that `.env` names. The inner
    /// `None` means that neither says it.
    pub(crate) fn open(directory: &Path, profile: Option<Profile>) -> Result<Option<Self>, Failure> {
        let env_file = EnvFile::read(&directory.join(".env"))?;
        let named = env_file.get(COMPOSE_FILE).map(|names| names.split(':').map(str::to_owned).collect());
        let configured = named.as_deref().map(profile_of);
        let profile = match (profile, configured) {
            (Some(argument), Some(configured)) if argument != configured => {
                let (argument, configured) = (argument.as_str(), configured.as_str());
                return Err(Failure::Precondition(format!(
                    "{COMPOSE_FILE} in {} is for {configured}, not for {argument}; use another directory, or change it",
                    env_file.path().display()
                )));
            }
            (Some(profile), _) | (None, Some(profile)) => profile,
            (None, None) => return Ok(None),
        };
        let compose_files = named.unwrap_or_else(|| compose_files(profile));
        Ok(Some(Self { directory: directory.to_path_buf(), profile, env_file, compose_files }))
    }

    /// The directory of the server's secrets.
    pub(crate) fn secrets(&self) -> PathBuf {
        let secrets = self.directory.join("secrets");
        if self.profile.is_strict() { secrets.join("live") } else { secrets }
    }

    /// What the Compose files use if a variable is not set: `${NAME:-default}`.
    pub(crate) fn default_of(&self, name: &str) -> Result<Option<String>, Failure> {
        for file in self.compose_files.iter().rev() {
            let text = self.read(file)?;
            let default =
                text.split_once(&format!("${{{name}:-")).and_then(|(_, rest)| rest.split('}').next());
            if let Some(default) = default {
                return Ok(Some(default.to_owned()));
            }
        }
        Ok(None)
    }

    fn read(&self, name: &str) -> Result<String, Failure> {
        let path = self.directory.join(name);
        std::fs::read_to_string(&path).map_err(|error| {
            let hint = "name the directory of the Compose files with --directory";
            Failure::Precondition(format!("cannot read {}: {error}; {hint}", path.display()))
        })
    }
}

/// Whether a directory is one that docker-compose.yml mounts in development: the user of the container has to enter it.
pub(crate) fn is_mounted_in_development(secrets: &Path) -> bool {
    let Some(directory) = secrets.parent().filter(|_| secrets.ends_with("secrets")) else { return false };
    let is_strict =
        |deployment: Option<Deployment>| deployment.is_some_and(|known| known.profile.is_strict());
    // A `.env` that cannot be read may be that of another profile.
    directory.join(BASE).is_file() && Deployment::open(directory, None).is_ok_and(|known| !is_strict(known))
}

/// The socket of Docker; `None` if it is reached in another way.
pub(crate) fn docker_socket(environment: &Environment) -> Option<PathBuf> {
    match environment.get("DOCKER_HOST") {
        None => Some(PathBuf::from(DOCKER_SOCKET)),
        Some(host) => host.strip_prefix("unix://").map(PathBuf::from),
    }
}

/// The Compose files of a profile.
pub(crate) fn compose_files(profile: Profile) -> Vec<String> {
    let own = profile.is_strict().then(|| format!("docker-compose.{}.yml", profile.as_str()));
    std::iter::once(BASE.to_owned()).chain(own).collect()
}

/// The strictest profile whose file is listed.
fn profile_of(files: &[String]) -> Profile {
    let is_listed = |profile: &Profile| {
        let own = compose_files(*profile);
        own.last().is_some_and(|own| files.iter().any(|file| Path::new(file).ends_with(own)))
    };
    Profile::ALL.into_iter().rev().find(is_listed).unwrap_or(Profile::Development)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_that_of_the_compose_files() {
        for (files, expected) in [
            (&["docker-compose.yml"][..], Profile::Development),
            (&["docker-compose.yml", "docker-compose.staging.yml", "own.yml"], Profile::Staging),
            (&["docker-compose.yml", "./docker-compose.production.yml"], Profile::Production),
        ] {
            let files: Vec<String> = files.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(profile_of(&files), expected, "{files:?}");
        }
    }
}
