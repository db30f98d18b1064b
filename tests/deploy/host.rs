//! A host with the files of the repository, prepared by `investiq init`, on which Pebble is the certificate authority.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tests::engine::{Compose, Engine};
use tests::{binary, workspace_root};

pub(crate) const DOMAIN: &str = "api.investiq.test";
const BASE: &str = "docker-compose.yml";
const PEBBLE: &str = "tests/deploy/compose.pebble.yml";

/// As Let's Encrypt issues them today.
const CERTIFICATE_SECS: u64 = 90 * 86_400;
/// Longest wait for a certificate, on a busy machine.
const CERTIFICATE_TIMEOUT: Duration = Duration::from_secs(60);

/// A deployment. It is removed when dropped.
pub(crate) struct Host {
    // Before its directory, so that it is removed first.
    pub(crate) compose: Compose,
    directory: TempDir,
}

/// What curl received.
#[derive(Debug)]
pub(crate) struct Response {
    /// 0 without a response.
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
}

/// Copies what a fresh clone would contain.
pub(crate) fn clone_repository(to: &Path) {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = Command::new("git").args(arguments).current_dir(workspace_root()).output().unwrap();
    assert!(listed.status.success(), "git ls-files");
    for path in String::from_utf8(listed.stdout).unwrap().split_terminator('\0').map(Path::new) {
        let (source, target) = (workspace_root().join(path), to.join(path));
        if source.is_file() {
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(source, target).unwrap();
        }
    }
}

impl Host {
    /// A prepared host on which nothing runs yet. `file` is the Compose file of the profile, `more` are others over it.
    pub(crate) fn new(engine: &Engine, profile: &str, more: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        clone_repository(directory.path());
        let socket_group = command("stat", &["-c", "%g", "/var/run/docker.sock"], directory.path());
        let assignments = [
            format!("API_IMAGE={}", engine.image("API_IMAGE")),
            format!("DOCKER_GID={}", socket_group.trim()),
        ];
        let mut arguments = vec!["init", "--profile", profile, "--domain", DOMAIN, "--directory", "."];
        arguments.extend(assignments.iter().flat_map(|assignment| ["--set", assignment]));
        command(binary("investiq").to_str().unwrap(), &arguments, directory.path());

        let own = format!("docker-compose.{profile}.yml");
        let host = Self {
            compose: project(engine, directory.path(), &[&[BASE, own.as_str()], more].concat()),
            directory,
        };
        host.prepare_pebble(CERTIFICATE_SECS);
        host.use_static_file("traefik.yml");
        host
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// API_IMAGE in `.env`.
    pub(crate) fn image(&self) -> String {
        let text = std::fs::read_to_string(self.file(".env")).unwrap();
        text.lines().find_map(|line| line.strip_prefix("API_IMAGE=")).unwrap().to_owned()
    }

    pub(crate) fn set_image(&self, image: &str) {
        let text = std::fs::read_to_string(self.file(".env")).unwrap();
        std::fs::write(
            self.file(".env"),
            text.replace(&format!("API_IMAGE={}\n", self.image()), &format!("API_IMAGE={image}\n")),
        )
        .unwrap();
    }

    pub(crate) fn add_variable(&self, assignment: &str) {
        let mut file = std::fs::File::options().append(true).open(self.file(".env")).unwrap();
        writeln!(file, "{assignment}").unwrap();
    }

    pub(crate) fn prepare_pebble(&self, certificate_secs: u64) {
        let directory = self.file("pebble");
        std::fs::create_dir_all(&directory).unwrap();
        let request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=pebble \
                       -addext subjectAltName=DNS:pebble -keyout key.pem -out certificate.pem";
        command("openssl", &request.split_whitespace().collect::<Vec<_>>(), &directory);
        let config = serde_json::json!({"pebble": {
            "listenAddress": "0.0.0.0:14000", "managementListenAddress": "0.0.0.0:15000",
            "certificate": "/pebble/certificate.pem", "privateKey": "/pebble/key.pem",
            "httpPort": 80, "tlsPort": 443, "certificateValidityPeriod": certificate_secs,
        }});
        std::fs::write(directory.join("config.json"), config.to_string()).unwrap();
    }

    /// Traefik's static configuration, with Pebble in place of Let's Encrypt.
    pub(crate) fn use_static_file(&self, name: &str) {
        let text = std::fs::read_to_string(self.file("monitoring").join(name)).unwrap();
        let (before, after) = text.split_once("le: { acme: { ").unwrap();
        let authority = "le: { acme: { caServer: \"https://pebble:14000/dir\", caCertificates: [/pebble/certificate.pem], ";
        std::fs::write(self.file("pebble/traefik.yml"), [before, authority, after].concat()).unwrap();
    }

    /// Starts everything and waits for the certificate. Returns how long each took.
    pub(crate) fn up(&self, engine: &Engine) -> (Duration, Duration) {
        let begun = Instant::now();
        self.compose.run(&["up", "--detach", "--wait", "--remove-orphans"]);
        let healthy = begun.elapsed();
        self.fetch_root(engine);
        while self.request("/livez", &[]).status != 200 {
            let log = || self.compose.run(&["logs", "--no-color", "traefik"]);
            assert!(begun.elapsed() < CERTIFICATE_TIMEOUT + healthy, "no certificate:\n{}", log());
            std::thread::sleep(Duration::from_millis(200));
        }
        (healthy, begun.elapsed() - healthy)
    }

    /// The certificate with which Pebble signs.
    fn fetch_root(&self, engine: &Engine) {
        let address = self.address_of(engine, "pebble", "egress");
        let resolve = format!("pebble:15000:{address}");
        let arguments =
            ["--silent", "--show-error", "--retry", "20", "--retry-connrefused", "--retry-delay", "1"];
        let own =
            ["--cacert", "pebble/certificate.pem", "--resolve", &resolve, "https://pebble:15000/roots/0"];
        let root = command("curl", &[&arguments[..], &own].concat(), self.path());
        std::fs::write(self.file("pebble/root.pem"), root).unwrap();
    }

    /// The address of a service's first container in a network.
    pub(crate) fn address_of(&self, engine: &Engine, service: &str, network: &str) -> String {
        let container = self.container(service);
        let networks =
            engine.docker(&["inspect", "--format", "{{json .NetworkSettings.Networks}}", &container]);
        let networks: serde_json::Value = serde_json::from_str(&networks).unwrap();
        let suffix = format!("_{network}");
        let own = networks.as_object().unwrap().iter().find(|(name, _)| name.ends_with(&suffix)).unwrap();
        own.1["IPAddress"].as_str().unwrap().to_owned()
    }

    /// The id of a service's first container.
    pub(crate) fn container(&self, service: &str) -> String {
        self.containers(service).into_iter().next().unwrap()
    }

    pub(crate) fn containers(&self, service: &str) -> Vec<String> {
        self.compose.run(&["ps", "--all", "--quiet", service]).lines().map(str::to_owned).collect()
    }

    /// The first API key, of the role admin.
    pub(crate) fn admin_key(&self) -> String {
        std::fs::read_to_string(self.file("secrets/prometheus/api_key")).unwrap()
    }

    /// A request by HTTPS from outside, with more arguments of curl.
    pub(crate) fn request(&self, path: &str, arguments: &[&str]) -> Response {
        self.request_url(&format!("https://{DOMAIN}{path}"), arguments)
    }

    pub(crate) fn request_url(&self, url: &str, arguments: &[&str]) -> Response {
        let output = self.curl(&[&["--include"], arguments, &[url]].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let head = text.split("\r\n\r\n").next().unwrap();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Response { status, head: head.to_lowercase() }
    }

    /// The statuses of many requests, which a range in the URL makes.
    pub(crate) fn statuses(&self, url: &str, arguments: &[&str]) -> Vec<u16> {
        let output = self
            .curl(&[&["--output", "/dev/null", "--write-out", "%{http_code}\n"], arguments, &[url]].concat());
        String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| line.parse().ok()).collect()
    }

    fn curl(&self, arguments: &[&str]) -> Output {
        Command::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--path-as-is",
                "--max-time",
                "20",
                "--cacert",
                "pebble/root.pem",
            ])
            .args(resolve())
            .args(arguments)
            .current_dir(self.path())
            .output()
            .unwrap()
    }

    /// Runs `tools/verify-deployment` with the administrator's key.
    pub(crate) fn verify(&self) -> Output {
        let url = format!("https://{DOMAIN}");
        let arguments = [url.as_str(), "--ca", "pebble/root.pem", "--key-file", "secrets/prometheus/api_key"];
        let program = self.file("tools/verify-deployment");
        Command::new(program).args(arguments).args(resolve()).current_dir(self.path()).output().unwrap()
    }
}

/// The name of the project in docker-compose.yml, which is part of the names of containers, networks and volumes.
pub(crate) const PROJECT: &str = "investiq";

fn project(engine: &Engine, directory: &Path, files: &[&str]) -> Compose {
    let files: Vec<PathBuf> = files.iter().chain(&[PEBBLE]).map(|file| directory.join(file)).collect();
    let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    engine.compose(PROJECT, &files).directory(directory)
}

pub(crate) fn resolve() -> Vec<String> {
    [443, 80].iter().flat_map(|port| ["--resolve".to_owned(), format!("{DOMAIN}:{port}:127.0.0.1")]).collect()
}

/// Runs a program that must succeed, and returns what it prints.
pub(crate) fn command(program: &str, arguments: &[&str], directory: &Path) -> String {
    let output = Command::new(program).args(arguments).current_dir(directory).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}
