//! Rules for every container, over the merged Compose files with all profiles. They need no engine.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tests::workspace_root;

use crate::{Run, Test};

pub(crate) const TESTS: &[Test] = &[
    ("policy::every_container_is_hardened_in_every_environment", Run::Alone(every_container_is_hardened)),
    ("policy::an_unhardened_stack_breaks_every_rule", Run::Alone(an_unhardened_stack_breaks_every_rule)),
    (
        "policy::docker_gives_the_subnet_of_the_edge_to_no_other_network",
        Run::Alone(the_edge_has_its_own_subnet),
    ),
    ("policy::a_required_variable_that_is_unset_is_named", Run::Alone(an_unset_variable_is_named)),
    ("policy::only_the_providers_of_traefik_differ", Run::Alone(only_the_providers_of_traefik_differ)),
    ("policy::the_files_are_valid_yaml_and_valid_compose", Run::Alone(the_files_are_valid)),
    ("policy::the_files_and_what_they_merge_to_pass_dclint", Run::Npm(dclint)),
];

const BASE: &str = "docker-compose.yml";
const STAGING: &str = "docker-compose.staging.yml";
const PRODUCTION: &str = "docker-compose.production.yml";
const FILE_PROVIDER: &str = "docker-compose.file-provider.yml";

/// Every combination that is documented.
const COMBINATIONS: [(&[&str], Environment); 4] = [
    (&[BASE], Environment::Development),
    (&[BASE, STAGING], Environment::Public),
    (&[BASE, PRODUCTION], Environment::Public),
    (&[BASE, PRODUCTION, FILE_PROVIDER], Environment::Public),
];

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Containers that reach the Internet by design.
const WITH_EGRESS: [&str; 4] = ["alertmanager", "api-server", "blackbox-exporter", "traefik"];
/// What a container may have the socket of Docker for: it is all that it lets others do.
const SOCKET_PROXIES: [&str; 2] = ["log-proxy", "socket-proxy"];
/// What may be written on the host: certificates.
const WRITABLE: &str = "/acme";

#[derive(Clone, Copy, PartialEq)]
enum Environment {
    Development,
    Public,
}

/// A broken rule: its name, and the container that breaks it.
type Finding = (&'static str, String);

fn every_container_is_hardened() {
    for (files, environment) in COMBINATIONS {
        assert_eq!(findings(&merged(files), environment), [], "{files:?}");
    }
}

fn an_unhardened_stack_breaks_every_rule() {
    let found = findings(&merged(&["tests/deploy/policy/unhardened.yml"]), Environment::Public);
    assert!(found.len() >= 30, "{found:?}");
    let broken: BTreeSet<&str> = found.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(broken, RULES.iter().map(|(rule, _)| *rule).collect());
}

/// A rule, and whether a service keeps it.
type Rule = (&'static str, fn(&Service<'_>) -> bool);

struct Service<'a> {
    name: &'a str,
    declared: &'a Value,
    stack: &'a Value,
    environment: Environment,
}

const RULES: [Rule; 22] = [
    ("an image has a digest, or is built here", |service| {
        let is_built =
            service.environment == Environment::Development && service.declared["build"].is_object();
        is_built || service.text("image").contains("@sha256:")
    }),
    ("an image has a tag that is not latest", |service| {
        let image = service.text("image").split('@').next().unwrap_or_default();
        image.rsplit('/').next().and_then(|name| name.split_once(':')).is_some_and(|(_, tag)| tag != "latest")
    }),
    ("the user is a number that is not root's", |service| {
        let ids: Vec<Option<u32>> = service.text("user").split(':').map(|id| id.parse().ok()).collect();
        matches!(ids[..], [Some(1..), Some(_)])
    }),
    ("the root file system is read-only", |service| service.declared["read_only"] == true),
    ("no capability is kept", |service| service.list("cap_drop") == ["ALL"]),
    ("no capability is added", |service| service.list("cap_add").is_empty()),
    ("no privilege is gained", |service| {
        service.list("security_opt").contains(&"no-new-privileges:true".to_owned())
    }),
    ("the container is not privileged", |service| service.declared["privileged"] != true),
    ("namespaces are the container's own", |service| {
        ["network_mode", "pid", "ipc", "userns_mode"].iter().all(|key| service.declared[key].is_null())
    }),
    ("a process reaps and forwards signals", |service| service.declared["init"] == true),
    ("memory and processes are limited, and processors in public", |service| {
        let limits = &service.declared["deploy"]["resources"]["limits"];
        let has_cpus = service.environment == Environment::Development || !limits["cpus"].is_null();
        !limits["memory"].is_null() && !limits["pids"].is_null() && has_cpus
    }),
    ("there is a health check", |service| {
        let check = &service.declared["healthcheck"];
        check["test"].as_array().is_some_and(|test| !test.is_empty()) && check["disable"] != true
    }),
    ("the log is rotated and tagged", |service| {
        let options = &service.declared["logging"]["options"];
        (options["max-size"] == "50m" && options["max-file"] == "5") && options["tag"].is_string()
    }),
    ("the time to stop is stated", |service| service.declared["stop_grace_period"].is_string()),
    ("it comes back after a crash", |service| service.text("restart") == "unless-stopped"),
    ("/tmp is in memory, bounded and not executable", |service| {
        let mounts = service.list("tmpfs");
        let is_bounded = |mount: &String| {
            ["size=", "noexec", "nosuid", "nodev"].iter().all(|option| mount.contains(option))
        };
        mounts.iter().any(|mount| mount.starts_with("/tmp:")) && mounts.iter().all(is_bounded)
    }),
    ("only a socket proxy has the socket", |service| {
        SOCKET_PROXIES.contains(&service.name)
            || !service.mounts().any(|mount| mount["target"] == "/var/run/docker.sock")
    }),
    ("a socket proxy has a network with one other container", |service| {
        let all: Vec<&Value> = service.stack["services"].as_object().unwrap().values().collect();
        let users = |name: &String| all.iter().filter(|other| other["networks"].get(name).is_some()).count();
        let networks = service.declared["networks"].as_object();
        let is_private = networks.is_some_and(|networks| networks.keys().all(|name| users(name) == 2));
        !SOCKET_PROXIES.contains(&service.name) || is_private
    }),
    ("what is mounted from the host is read-only", |service| {
        let is_read_only = |mount: &Value| mount["read_only"] == true || mount["target"] == WRITABLE;
        service.mounts().filter(|mount| mount["type"] == "bind").all(is_read_only)
    }),
    ("secrets are in files", |service| {
        let is_secret = |name: &String| {
            ["_KEY", "_KEYS", "_SECRET", "_TOKEN", "PASSWORD"].iter().any(|ending| name.ends_with(ending))
        };
        !service.declared["environment"].as_object().is_some_and(|variables| variables.keys().any(is_secret))
    }),
    ("only Traefik is public, on 80 and 443; in development nothing is", |service| {
        let ports = service.declared["ports"].as_array().into_iter().flatten();
        let mut ports = ports.map(|port| (&port["host_ip"], port["published"].as_str().unwrap_or_default()));
        match service.environment {
            Environment::Development => ports.all(|(address, _)| address == "127.0.0.1"),
            Environment::Public => {
                ports.all(|(_, port)| service.name == "traefik" && ["80", "443"].contains(&port))
            }
        }
    }),
    ("only those that need it reach the Internet, and copies of a container can run", |service| {
        let networks = service.declared["networks"].as_object();
        let is_internal = |name: &String| service.stack["networks"][name]["internal"] == true;
        let is_isolated = networks.is_some_and(|networks| networks.keys().all(is_internal));
        let may_leave =
            service.environment == Environment::Development || WITH_EGRESS.contains(&service.name);
        (may_leave || is_isolated) && service.declared["container_name"].is_null()
    }),
];

impl Service<'_> {
    fn text(&self, key: &str) -> &str {
        self.declared[key].as_str().unwrap_or_default()
    }

    fn list(&self, key: &str) -> Vec<String> {
        let items = self.declared[key].as_array().into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn mounts(&self) -> impl Iterator<Item = &Value> {
        self.declared["volumes"].as_array().into_iter().flatten()
    }
}

fn findings(stack: &Value, environment: Environment) -> Vec<Finding> {
    let services = stack["services"].as_object().unwrap();
    let services = services.iter().map(|(name, declared)| Service { name, declared, stack, environment });
    let of_service = |service: Service<'_>| {
        RULES
            .iter()
            .filter(|(_, is_kept)| !is_kept(&service))
            .map(|(rule, _)| (*rule, service.name.to_owned()))
            .collect::<Vec<_>>()
    };
    services.flat_map(of_service).collect()
}

/// Docker's default address pools are 172.17.0.0/16 to 172.31.0.0/16 and 192.168.0.0/16. It proceeds through them, so that a network of
/// another project, or of an earlier start, would sooner or later have the fixed subnet.
fn the_edge_has_its_own_subnet() {
    for (files, environment) in COMBINATIONS {
        let stack = merged(files);
        let subnet = stack["networks"]["edge"]["ipam"]["config"][0]["subnet"].as_str();
        assert_eq!(subnet.is_some(), environment == Environment::Public, "{files:?}");
        assert!(subnet.is_none_or(|subnet| subnet.starts_with("10.")), "{files:?}: {subnet:?}");
    }
}

/// `${NAME:?message}` in the files.
fn required_variables() -> BTreeSet<String> {
    let text: String = [BASE, PRODUCTION, STAGING, FILE_PROVIDER].iter().map(|file| read(file)).collect();
    let references = text.split("${").skip(1).filter_map(|rest| rest.split_once(":?"));
    references
        .map(|(name, _)| name)
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
        .map(str::to_owned)
        .collect()
}

fn an_unset_variable_is_named() {
    let required = required_variables();
    assert!(!required.is_empty());
    for (files, environment) in COMBINATIONS {
        for unset in &required {
            let output = compose_config(files, |name| name != unset);
            let errors = String::from_utf8_lossy(&output.stderr);
            match environment {
                Environment::Development => assert!(output.status.success(), "{files:?}: {errors}"),
                Environment::Public => {
                    let is_named = errors
                        .contains(&format!("required variable {unset} is missing a value: set {unset} to"));
                    assert!(!output.status.success() && is_named, "{files:?} without {unset}: {errors}");
                }
            }
        }
    }
}

/// The two static configurations of Traefik, up to their first comment and their providers.
fn only_the_providers_of_traefik_differ() {
    let parts = ["traefik.yml", "traefik.file-provider.yml"].map(|name| {
        let text = read(&format!("monitoring/{name}"));
        let (settings, providers) = text.split_once("\nproviders:\n").unwrap();
        let settings: Vec<&str> = settings.lines().skip_while(|line| line.starts_with('#')).collect();
        (settings.join("\n"), providers.contains("docker:"))
    });
    let [(settings, true), (settings_of_file_provider, false)] = parts else { panic!("{parts:?}") };
    assert_eq!(settings, settings_of_file_provider);
}

fn the_files_are_valid() {
    const STYLE: &str = "{extends: default, rules: {line-length: {max: 180}, document-start: disable, \
                         braces: {max-spaces-inside: 1}, comments: {min-spaces-from-content: 1}}}";
    let lint = |paths: &[&str]| python_tool("yamllint", &[&["--strict", "-d", STYLE], paths].concat());
    let is_compose = |stack: &Value| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), stack.to_string()).unwrap();
        python_tool(
            "check-jsonschema",
            &["--builtin-schema", "vendor.compose-spec", file.path().to_str().unwrap()],
        )
    };
    let linted = lint(&[BASE, STAGING, PRODUCTION, FILE_PROVIDER, "monitoring", "configs", "tests/deploy"]);
    assert!(linted.status.success(), "{}", String::from_utf8_lossy(&linted.stdout));
    for (files, _) in COMBINATIONS {
        let checked = is_compose(&merged(files));
        assert!(checked.status.success(), "{files:?}: {}", String::from_utf8_lossy(&checked.stdout));
    }
    // Each finds a fault.
    let mut faulty = merged(&[BASE]);
    faulty["services"]["redis"]["restrat"] = Value::from("always");
    assert!(!is_compose(&faulty).status.success());
    let faulty = tempfile::Builder::new().suffix(".yml").tempfile().unwrap();
    std::fs::write(faulty.path(), "a: 1\na: 2\n").unwrap();
    assert!(!lint(&[faulty.path().to_str().unwrap()]).status.success());
}

/// Checks single files, for the quotes of ports, and what they merge to, where variables have values and `!reset` is applied.
/// dclint reads `!reset null` as text, so that `FILE_PROVIDER`, which resets a service, is invalid to it as a single file.
fn dclint() {
    // Single files break these: a `build` stands beside an `image`, if only as `!reset null`; an address is a variable; only `BASE`
    // has the project's name.
    const OF_MERGED: &[&str] =
        &["no-build-and-image", "no-unbound-port-interfaces", "require-project-name-field"];
    let lint = |text: &str, off: &[&str]| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let program = "target/dclint/node_modules/dclint/bin/dclint.cjs";
        let path = file.path().to_str().unwrap();
        let options = ["--config=tests/deploy/dclint/rules.yml", "--color=false", "--disable-rule"];
        let output = python_tool("node", &[&[program, path], &options[..], off].concat());
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned()
    };
    for file in [BASE, STAGING, PRODUCTION] {
        assert_eq!(lint(&read(file), OF_MERGED), "", "{file}");
    }
    for (files, _) in COMBINATIONS {
        // Development and staging build the image that they name. Production's is that of a release.
        let off: &[&str] = if files.contains(&PRODUCTION) { &[] } else { &["no-build-and-image"] };
        assert_eq!(lint(&merged(files).to_string(), off), "", "{files:?}");
    }
    // It finds a fault in each.
    let unquoted = read(BASE).replacen("\"127.0.0.1:9090:9090\"", "127.0.0.1:9090:9090", 1);
    assert!(lint(&unquoted, OF_MERGED).contains("require-quotes-in-ports"));
    let mut faulty = merged(&[BASE, PRODUCTION]);
    faulty["services"]["grafana"]["ports"] = faulty["services"]["traefik"]["ports"].clone();
    assert!(lint(&faulty.to_string(), &[]).contains("no-duplicate-exported-ports"));
}

/// The merged files with all profiles and every required variable set.
fn merged(files: &[&str]) -> Value {
    let output = compose_config(files, |_| true);
    assert!(output.status.success(), "{files:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs in a copy of the files, because a developer's own `.env` would be read beside them.
fn compose_config(files: &[&str], is_set: impl Fn(&str) -> bool) -> Output {
    let directory = tempfile::tempdir().unwrap();
    for file in [&[BASE, PRODUCTION], files].concat() {
        let name = Path::new(file).file_name().unwrap();
        std::fs::copy(workspace_root().join(file), directory.path().join(name)).unwrap();
    }
    let image = format!("investiq-api-server:0.1.0@{DIGEST}");
    let values = [("API_IMAGE", image.as_str()), ("DOMAIN", "api.investiq.test"), ("DOCKER_GID", "999")];
    let names =
        files.iter().flat_map(|file| ["--file", Path::new(file).file_name().unwrap().to_str().unwrap()]);
    Command::new(workspace_root().join("target/venv/bin/docker-compose"))
        .env_clear()
        .envs(values.into_iter().filter(|(name, _)| is_set(name)))
        .args(names)
        .args(["--profile", "*", "config", "--format", "json"])
        .current_dir(directory.path())
        .output()
        .expect("docker-compose starts from target/venv, which `tests/run` creates")
}

fn python_tool(program: &str, arguments: &[&str]) -> Output {
    Command::new(workspace_root().join("target/venv/bin").join(program))
        .args(arguments)
        .current_dir(workspace_root())
        .output()
        .unwrap_or_else(|error| {
            panic!("{program} starts from target/venv, which `tests/run` creates: {error}")
        })
}

fn read(file: &str) -> String {
    std::fs::read_to_string(workspace_root().join(file)).unwrap()
}
