//! The files below `secrets/`: those of the server in `live/`, and those of the other containers beside it.
//!
//! Outside development, `secrets/` is its owner's alone. The directories in it are mounted into containers whose users are not
//! its owner, so that they and their files are readable.

use std::path::{Path, PathBuf};

use config::Profile;
use config::api_keys::{KeyMode, Role};
use domain::Provider;
use reqwest::Url;
use rustix::process::geteuid;
use secrets::{Catalogue, Class, SecretSpec, SecretValue};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Deployment, REDIS_ADDRESSES, is_mounted_in_development};
use crate::api_key_list;
use crate::console::Console;
use crate::failure::Failure;
use crate::generator::{self, ApiKey, Generator};
use crate::outcome::Outcome;
use crate::secret_file::{self, DIRECTORY_MODE, Existing, MOUNTED_MODE, SecretDirectory};

/// The user of the containers of the server and of Traefik.
pub(crate) const CONTAINER_UID: u32 = 65_532;
/// Certificates and their keys, which Traefik writes.
pub(crate) const ACME: &str = "acme";

/// The rights of others to list a directory and to open its files.
const ENTER: u32 = 0o005;
const MOUNTED: [&str; 6] = ["live", "postgres", "redis", "prometheus", "alertmanager", "grafana"];

const DATABASE_URL: &str = "live/database_url";
const KEYS: &str = "live/api_keys";
const BOOTSTRAP_TOKEN: &str = "admin_bootstrap_token";
const POSTGRES_PASSWORD: &str = "postgres/password";
const PROMETHEUS_KEY: &str = "prometheus/api_key";
/// The public URL that Prometheus has probed.
const PUBLIC_URL: &str = "prometheus/public.yml";
const GRAFANA_PASSWORD: &str = "grafana/admin_password";
const REDIS_PASSWORD: &str = "redis/password";
const REDIS_USERS: &str = "redis/users.acl";
/// The same password, for the server.
const SERVER_REDIS_PASSWORD: &str = "live/redis_password";
/// Each a file, and another one that is made of it.
const DERIVED: [(&str, &str); 4] = [
    (POSTGRES_PASSWORD, DATABASE_URL),
    (REDIS_PASSWORD, REDIS_USERS),
    (REDIS_PASSWORD, SERVER_REDIS_PASSWORD),
    (PROMETHEUS_KEY, KEYS),
];

/// The database of the Compose files.
const POSTGRES: &str = "postgres://investiq@postgres/investiq";
/// The user of health checks and metrics may only ping and read figures, so that its password is no secret.
const REDIS_HEALTH: &str = "user default off\nuser health on >health -@all +ping +info\n";

#[derive(Debug, Serialize)]
pub(crate) struct FileOutcome {
    pub(crate) path: String,
    pub(crate) outcome: Outcome,
}

#[derive(Default)]
pub(crate) struct Created {
    pub(crate) files: Vec<FileOutcome>,
    /// Secrets that others issue, each with the command that sets it.
    pub(crate) to_be_set: Vec<String>,
    pub(crate) admin_key: Option<ApiKey>,
}

pub(crate) struct SecretLayout<'a> {
    deployment: &'a Deployment,
    root: PathBuf,
    dry_run: bool,
    is_other_redis: bool,
    domain: Option<String>,
}

/// Opens a directory of the server's secrets: its owner's alone, unless a container mounts it as it is.
pub(crate) fn open(path: &Path, console: &mut Console) -> Result<SecretDirectory, Failure> {
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let is_mounted = match secret_file::mode(path) {
        Some(MOUNTED_MODE) if secret_file::is_within_private(path) => true,
        mode => mode.is_some_and(|mode| mode & ENTER == ENTER) && is_mounted_in_development(path),
    };
    let directory = SecretDirectory::open(path, if is_mounted { MOUNTED_MODE } else { DIRECTORY_MODE })?;
    if directory.was_open {
        console.eprint("others had rights in the directory that they do not need; these were removed");
    }
    Ok(directory)
}

impl<'a> SecretLayout<'a> {
    pub(crate) fn new(deployment: &'a Deployment) -> Self {
        let is_other_redis = REDIS_ADDRESSES.iter().any(|name| deployment.env_file.get(name).is_some());
        let (root, domain) = (deployment.directory.join("secrets"), None);
        Self { deployment, root, dry_run: false, is_other_redis, domain }
    }

    /// The secrets of other containers than the server's.
    pub(crate) fn service_files(&self) -> [PathBuf; 4] {
        [POSTGRES_PASSWORD, REDIS_USERS, PROMETHEUS_KEY, GRAFANA_PASSWORD].map(|path| self.root.join(path))
    }

    pub(crate) fn dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }

    /// Whether the server uses, or will use, another Redis than that of the Compose files.
    pub(crate) fn other_redis(self, is_other_redis: bool) -> Self {
        Self { is_other_redis, ..self }
    }

    /// The public host name.
    pub(crate) fn domain(self, domain: Option<&str>) -> Self {
        Self { domain: domain.map(str::to_owned), ..self }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Creates what does not exist. With `is_in_aws`, the server's own secrets are in AWS Secrets Manager.
    ///
    /// # Errors
    /// A file is missing that another one was made of; nothing was created.
    pub(crate) fn create(&self, providers: &[Provider], is_in_aws: bool) -> Result<Created, Failure> {
        let mut created = Created::default();
        if self.deployment.profile.is_strict() {
            self.check_sources()?;
            self.create_directories()?;
            self.create_for_services(&mut created)?;
        }
        if !is_in_aws {
            self.create_for_server(providers, &mut created)?;
        }
        Ok(created)
    }

    /// A new password would not be the one that the file made of the old one has.
    fn check_sources(&self) -> Result<(), Failure> {
        let exists = |path: &str| self.path(path).is_ok_and(|path| secret_file::exists(&path));
        let is_orphan = |(source, derived): &&(&str, &str)| {
            !exists(source) && exists(derived) && !self.is_of_another_service(derived)
        };
        let orphans: Vec<String> = DERIVED
            .iter()
            .filter(is_orphan)
            .map(|(source, derived)| format!("{derived} exists without {source}, of which it is made"))
            .collect();
        match orphans.is_empty() {
            true => Ok(()),
            false => Err(Failure::Precondition(format!(
                "in {}: {}; restore the missing file, or move the other one away",
                self.root.display(),
                orphans.join("; ")
            ))),
        }
    }

    /// Whether a file is for another server than the Postgres or the Redis of the Compose files.
    fn is_of_another_service(&self, derived: &str) -> bool {
        match derived {
            DATABASE_URL => self.is_other_database(),
            SERVER_REDIS_PASSWORD => self.is_other_redis,
            _ => false,
        }
    }

    /// Whether the database URL names another server than the Postgres of the Compose files.
    fn is_other_database(&self) -> bool {
        let host = |url: &str| Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        self.read(DATABASE_URL).is_ok_and(|url| host(&url) != host(POSTGRES))
    }

    fn create_directories(&self) -> Result<(), Failure> {
        if self.dry_run {
            return Ok(());
        }
        drop(SecretDirectory::open(&self.root, DIRECTORY_MODE)?);
        for name in MOUNTED {
            drop(SecretDirectory::open(&self.root.join(name), MOUNTED_MODE)?);
        }
        let acme = self.root.join(ACME);
        let acme = SecretDirectory::open(&acme, DIRECTORY_MODE)?;
        // Otherwise the command that root has to run is among what is left to do.
        if geteuid().is_root() { acme.give_to(CONTAINER_UID) } else { Ok(()) }
    }

    fn create_for_services(&self, created: &mut Created) -> Result<(), Failure> {
        self.file(created, POSTGRES_PASSWORD, generator::token)?;
        self.file(created, GRAFANA_PASSWORD, generator::token)?;
        self.file(created, PROMETHEUS_KEY, || {
            let entry = generator::api_key(self.key_mode(), Role::Admin)?.entry;
            let key = entry.expose_text().and_then(|entry| entry.split(':').next());
            Ok(SecretValue::from_string(key.unwrap_or_default().to_owned()))
        })?;
        if let Some(domain) = &self.domain {
            self.public_url(created, &format!("- targets: [\"https://{domain}/livez\"]\n"))?;
        }
        self.file(created, REDIS_PASSWORD, generator::token)?;
        self.file(created, REDIS_USERS, || {
            Ok(SecretValue::from_string(redis_users(&self.read(REDIS_PASSWORD)?)))
        })
    }

    /// No secret: it follows the domain.
    fn public_url(&self, created: &mut Created, targets: &str) -> Result<(), Failure> {
        let path = self.root.join(PUBLIC_URL);
        let is_other = std::fs::read_to_string(&path).is_ok_and(|text| text != targets);
        if !is_other {
            return self.file(created, PUBLIC_URL, || Ok(SecretValue::from_string(targets.to_owned())));
        }
        if let (Some(directory), Some(name), false) = (path.parent(), path.file_name(), self.dry_run) {
            let directory = SecretDirectory::open(directory, MOUNTED_MODE)?;
            directory.write(&name.to_string_lossy(), targets.as_bytes(), Existing::Replace)?;
        }
        created.files.push(FileOutcome { path: path.display().to_string(), outcome: Outcome::Replaced });
        Ok(())
    }

    fn create_for_server(&self, providers: &[Provider], created: &mut Created) -> Result<(), Failure> {
        let directory = self.deployment.secrets();
        let is_strict = self.deployment.profile.is_strict();
        if !is_strict && !self.dry_run && !directory.exists() {
            drop(SecretDirectory::open(&directory, MOUNTED_MODE)?);
        }
        let catalogue = Catalogue::product();
        // In development, the server needs neither API keys nor a database URL.
        let is_used = |spec: &&SecretSpec| {
            // A deployment has an API key from the start.
            spec.name.as_str() != BOOTSTRAP_TOKEN
                && is_of_providers(spec, providers)
                && (is_strict || spec.class == Class::WebhookSecret)
        };
        for spec in catalogue.iter().filter(is_used) {
            let name = spec.name.as_str();
            let path = if is_strict { format!("live/{name}") } else { name.to_owned() };
            match Generator::for_secret(spec) {
                _ if path == DATABASE_URL => self.file(created, &path, || self.database_url())?,
                _ if path == SERVER_REDIS_PASSWORD && !self.is_of_another_service(&path) => {
                    self.file(created, &path, || Ok(SecretValue::from_string(self.read(REDIS_PASSWORD)?)))?;
                }
                Some(Generator::ApiKey) => self.create_api_keys(created)?,
                Some(generator) => self.file(created, &path, || generator.generate(spec, self.key_mode()))?,
                None if secret_file::exists(&self.path(&path)?) => {}
                None => created
                    .to_be_set
                    .push(format!("{name}: investiq secrets set {name} --directory {}", directory.display())),
            }
        }
        Ok(())
    }

    /// The key of the operator, which is shown once, and that of Prometheus.
    fn create_api_keys(&self, created: &mut Created) -> Result<(), Failure> {
        let mut admin_key = None;
        self.file(created, KEYS, || {
            let key = generator::api_key(self.key_mode(), Role::Admin)?;
            let prometheus = self.read(PROMETHEUS_KEY)?;
            let text =
                format!("{}\n{}:{}", key.entry.expose_text().unwrap_or_default(), prometheus, Role::Admin);
            admin_key = Some(key);
            Ok(SecretValue::from_string(text))
        })?;
        created.admin_key = admin_key;
        Ok(())
    }

    fn database_url(&self) -> Result<SecretValue, Failure> {
        let password = self.read(POSTGRES_PASSWORD)?;
        let mut url = Url::parse(POSTGRES).expect("the constant is a URL");
        url.set_password(Some(&password)).expect("a URL with a host can have a password");
        Ok(SecretValue::from_string(url.into()))
    }

    fn key_mode(&self) -> KeyMode {
        match self.deployment.profile {
            Profile::Production => KeyMode::Live,
            Profile::Staging => KeyMode::Paper,
            Profile::Development => KeyMode::Test,
        }
    }

    /// The file at a path below the root. A secret of the server may have a file with another of its names.
    fn path(&self, path: &str) -> Result<PathBuf, Failure> {
        let path = self.root.join(path);
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match (path.parent(), Catalogue::product().get(name)) {
            (Some(directory), Some(spec)) if directory == self.deployment.secrets() => {
                Ok(directory.join(secret_file::name_in(directory, spec)?))
            }
            _ => Ok(path),
        }
    }

    /// Creates a file unless it exists.
    fn file(
        &self,
        created: &mut Created,
        path: &str,
        value: impl FnOnce() -> Result<SecretValue, Failure>,
    ) -> Result<(), Failure> {
        let full = self.path(path)?;
        let outcome = match (full.parent(), full.file_name().and_then(|name| name.to_str())) {
            _ if secret_file::exists(&full) => Outcome::Kept,
            (Some(directory), Some(name)) if !self.dry_run => {
                let directory = SecretDirectory::open(directory, MOUNTED_MODE)?;
                directory.write(name, value()?.expose(), Existing::Keep)?
            }
            _ => Outcome::Created,
        };
        created.files.push(FileOutcome { path: full.display().to_string(), outcome });
        Ok(())
    }

    /// The text of a file without its line end.
    fn read(&self, path: &str) -> Result<String, Failure> {
        let path = self.path(path)?;
        let text = std::fs::read_to_string(&path).map_err(Failure::file("read", path))?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Files that do not have the value of the file of which they are made, each after that file.
    pub(crate) fn contradictions(&self) -> Vec<(PathBuf, PathBuf)> {
        let password = |url: &str| Url::parse(url).ok()?.password().map(str::to_owned);
        let agree = |source: &str, derived: &str| {
            let (made_of, text) = (self.read(source).ok()?, self.read(derived).ok()?);
            Some(match derived {
                _ if self.is_of_another_service(derived) => true,
                DATABASE_URL => password(&text) == password(self.database_url().ok()?.expose_text()?),
                REDIS_USERS => text.contains(&sha256(&made_of)),
                SERVER_REDIS_PASSWORD => text == made_of,
                // A list that cannot be parsed is reported as such.
                _ => api_key_list::parse(&text)
                    .ok()?
                    .find(made_of.as_bytes())
                    .is_some_and(|key| key.role == Role::Admin),
            })
        };
        let differ = |(source, derived): &&(&str, &str)| agree(source, derived) == Some(false);
        let paths = |(source, derived): &(&str, &str)| (self.root.join(source), self.root.join(derived));
        DERIVED.iter().filter(differ).map(paths).collect()
    }
}

/// Whether a secret belongs to one of these providers, or to none at all.
fn is_of_providers(spec: &SecretSpec, providers: &[Provider]) -> bool {
    let is_of = |provider: &Provider| spec.name.as_str().starts_with(provider.as_str());
    !Provider::ALL.iter().any(is_of) || providers.iter().any(is_of)
}

fn redis_users(password: &str) -> String {
    format!("{REDIS_HEALTH}user investiq on #{} ~* &* +@all -@admin -@dangerous\n", sha256(password))
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_a_directory_that_a_container_mounts_stays_open() {
        let around = tempfile::tempdir().unwrap();
        let path = around.path().join("secrets");
        let set_mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        fs::create_dir(&path).unwrap();
        let staging = Some("COMPOSE_FILE=docker-compose.yml:docker-compose.staging.yml\n");
        for (outer, inner, compose, env, expected) in [
            (0o700, 0o755, false, None, 0o755),
            (0o700, 0o775, false, None, 0o700),
            (0o755, 0o755, false, None, 0o700),
            // Development.
            (0o755, 0o755, true, None, 0o755),
            (0o755, 0o775, true, None, 0o755),
            (0o755, 0o700, true, None, 0o700),
            (0o755, 0o755, true, Some("RUST_LOG=debug\n"), 0o755),
            (0o755, 0o755, true, staging, 0o700),
        ] {
            let (base, dotenv) = (around.path().join("docker-compose.yml"), around.path().join(".env"));
            drop((fs::remove_file(&base), fs::remove_file(&dotenv)));
            compose.then(|| fs::write(base, "").unwrap());
            env.inspect(|text| fs::write(dotenv, text).unwrap());
            set_mode(around.path(), outer);
            set_mode(&path, inner);
            drop(open(&path, &mut Console::from_process()).unwrap());
            assert_eq!(secret_file::mode(&path), Some(expected), "{outer:o} {inner:o} {compose} {env:?}");
        }
    }
}
