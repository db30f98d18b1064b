//! `init` writes what the Compose files require, once, and nothing else.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use crate::command::{mode, set_mode};
use crate::host::{API_IMAGE, DOMAIN, Host};

/// Every file and directory below `directory`: its mode and its text.
fn tree(directory: &Path) -> BTreeMap<String, (u32, String)> {
    let mut tree = BTreeMap::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(current) = directories.pop() {
        for path in std::fs::read_dir(current).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(directory).unwrap().display().to_string();
            let text = if path.is_file() {
                std::fs::read_to_string(&path).unwrap_or_default()
            } else {
                String::new()
            };
            tree.insert(name, (mode(&path), text));
            if path.is_dir() {
                directories.push(path);
            }
        }
    }
    tree
}

#[test]
fn the_compose_files_of_each_profile_are_satisfied() {
    for profile in ["staging", "production"] {
        let host = Host::initialized(profile);
        // Compose refuses its files if a required variable is not set.
        let model = host.model();
        let services = model["services"].as_object().unwrap().values();
        let volumes = services.flat_map(|service| service["volumes"].as_array().into_iter().flatten());
        let sources: Vec<&str> = volumes
            .filter(|volume| volume["type"] == "bind")
            .map(|volume| volume["source"].as_str().unwrap())
            .collect();
        assert!(sources.len() >= 10, "{sources:?}");
        let missing: Vec<_> = sources.iter().filter(|source| !Path::new(source).exists()).collect();
        assert_eq!(missing, Vec::<&&str>::new(), "{profile}");
        let env = std::fs::read_to_string(host.path(".env")).unwrap();
        assert!(env.contains(&format!("DOMAIN={DOMAIN}\n")) && env.contains(API_IMAGE), "{env}");
        let group = std::fs::metadata(host.path("docker.sock")).unwrap().gid();
        assert!(env.contains(&format!("DOCKER_GID={group}\n")), "{env}");
    }
}

#[test]
fn secrets_have_the_modes_and_owners_that_their_containers_need() {
    let host = Host::initialized("production");
    for (path, expected) in [
        (".env", 0o600),
        ("secrets", 0o700),
        ("secrets/acme", 0o700),
        ("secrets/live", 0o755),
        ("secrets/live/api_keys", 0o444),
        ("secrets/live/audit_key", 0o444),
        ("secrets/live/database_url", 0o444),
        ("secrets/live/redis_password", 0o444),
        ("secrets/postgres", 0o755),
        ("secrets/postgres/password", 0o444),
        ("secrets/redis/users.acl", 0o444),
        ("secrets/prometheus/api_key", 0o444),
        ("secrets/prometheus/public.yml", 0o444),
        ("secrets/alertmanager", 0o755),
        ("secrets/grafana/admin_password", 0o444),
    ] {
        assert_eq!(mode(&host.path(path)), expected, "{path}");
    }
    let acme = std::fs::metadata(host.path("secrets/acme")).unwrap().uid();
    // Only root can give a directory to another user; another user reads which command root has to run.
    let own = std::fs::metadata(host.path(".env")).unwrap().uid();
    assert_eq!(acme, if own == 0 { 65_532 } else { own });
    let check = host.workspace.run("secrets check --profile production --directory secrets/live --json");
    assert_eq!((check.exit_code, check.errors()), (0, Vec::new()), "{check:?}");
}

#[test]
fn files_that_are_made_of_others_agree_with_them() {
    let host = Host::initialized("production");
    let read = |name: &str| std::fs::read_to_string(host.path("secrets").join(name)).unwrap();
    let expected = format!("postgres://investiq:{}@postgres/investiq", read("postgres/password"));
    assert_eq!(read("live/database_url"), expected);
    assert_eq!(read("live/redis_password"), read("redis/password"));
    assert!(read("live/api_keys").ends_with(&format!("\n{}:admin", read("prometheus/api_key"))));
    // As `printf %s PASSWORD | sha256sum` computes it.
    let sha256sum = std::process::Command::new("sha256sum").arg(host.path("secrets/redis/password")).output();
    let sha256sum = String::from_utf8(sha256sum.unwrap().stdout).unwrap();
    let hash = sha256sum.split(' ').next().unwrap();
    assert!(
        read("redis/users.acl").contains(&format!("\nuser investiq on #{hash} ")),
        "{}",
        read("redis/users.acl")
    );
}

#[test]
fn the_second_run_changes_nothing_and_says_so() {
    for profile in ["staging", "production"] {
        let host = Host::initialized(profile);
        let before = tree(&host.path(""));
        let second = host.workspace.run("init");
        assert_eq!(second.exit_code, 0, "{second:?}");
        assert!(
            second.stdout.contains("nothing was changed") && !second.stdout.contains("created"),
            "{second:?}"
        );
        assert_eq!(tree(&host.path("")), before);
        assert_eq!(host.init(profile).exit_code, 0, "with the same arguments");
        assert_eq!(tree(&host.path("")), before);
    }
}

#[test]
fn a_dry_run_prints_the_same_and_writes_nothing() {
    let host = Host::new();
    let before = tree(&host.path(""));
    let arguments =
        format!("init --profile production --domain {DOMAIN} --set API_IMAGE={API_IMAGE} --providers alpaca");
    let dry_run = host.workspace.run(&format!("{arguments} --dry-run"));
    assert_eq!((dry_run.exit_code, tree(&host.path(""))), (0, before), "{dry_run:?}");
    assert_eq!(dry_run.stdout, host.workspace.run(&arguments).stdout);
}

#[test]
fn values_and_files_that_exist_are_kept() {
    let host = Host::new();
    let env =
        "# mine\nAPI_IMAGE=registry.acme-invest.net/other@sha256:1\nDOMAIN=\nRATE_LIMIT_PER_MINUTE=90\n";
    std::fs::write(host.path(".env"), env).unwrap();
    std::fs::create_dir_all(host.path("secrets/live")).unwrap();
    std::fs::write(host.path("secrets/live/polygon_api_key.txt"), "kT9v2LqXw0cPz7Rb").unwrap();
    std::fs::create_dir_all(host.path("secrets/postgres")).unwrap();
    std::fs::write(host.path("secrets/postgres/password"), "p/w:1\n").unwrap();
    let result = host.workspace.run(&format!("init --profile production --domain {DOMAIN}"));
    assert_eq!(result.exit_code, 0, "{result:?}");
    assert!(result.stdout.contains("extended  ./.env") && !result.stdout.contains("polygon"), "{result:?}");
    let read = |name: &str| std::fs::read_to_string(host.path(name)).unwrap();
    let expected = env.replace("DOMAIN=", &format!("DOMAIN={DOMAIN}"));
    assert!(read(".env").starts_with(&expected), "{}", read(".env"));
    assert_eq!(read("secrets/live/polygon_api_key.txt"), "kT9v2LqXw0cPz7Rb");
    assert_eq!(read("secrets/postgres/password"), "p/w:1\n");
    assert_eq!(read("secrets/live/database_url"), "postgres://investiq:p%2Fw%3A1@postgres/investiq");
    let other = host.workspace.run("init --domain other.acme-invest.net");
    assert_eq!(other.exit_code, 2, "{other:?}");
    assert!(other.stderr.contains("DOMAIN has another value"), "{other:?}");
    assert_eq!(
        host.workspace.run("init --profile staging").exit_code,
        2,
        "the files are those of production"
    );
}

#[test]
fn a_variable_with_two_values_is_refused_and_nothing_is_written() {
    for given in [
        "DOMAIN=b.acme-invest.net",
        "API_IMAGE=b",
        "COMPOSE_FILE=docker-compose.yml",
        "INVESTIQ_PROFILE=development",
    ] {
        let host = Host::new();
        let arguments = format!("init --profile production --domain {DOMAIN} --set API_IMAGE={API_IMAGE}");
        let result = host.workspace.run(&format!("{arguments} --set {given}"));
        let expected = format!("{} has another value in another argument", given.split('=').next().unwrap());
        assert!(result.exit_code == 2 && result.stderr.contains(&expected), "{result:?}");
        assert!(!host.path(".env").exists() && !host.path("secrets").exists());
    }
}

#[test]
fn a_program_started_beside_the_file_does_not_read_it_as_that_of_development() {
    let host = Host::initialized("staging");
    let env = std::fs::read_to_string(host.path(".env")).unwrap();
    assert!(env.contains("\nINVESTIQ_PROFILE=staging\n"), "{env}");
    std::fs::write(host.path(".env"), env.replace("INVESTIQ_PROFILE=staging\n", "")).unwrap();
    assert_eq!(host.workspace.run("init").exit_code, 0);
    assert!(std::fs::read_to_string(host.path(".env")).unwrap().ends_with("\nINVESTIQ_PROFILE=staging\n"));
}

#[test]
fn what_a_link_leads_to_is_not_opened_and_a_linked_file_of_variables_stays_one() {
    for link in ["secrets", "secrets/live", "secrets/acme"] {
        let (host, target) = (Host::new(), tempfile::tempdir().unwrap());
        set_mode(target.path(), 0o711);
        std::fs::create_dir_all(host.path(link).parent().unwrap()).unwrap();
        symlink(target.path(), host.path(link)).unwrap();
        let result = host.init("production");
        assert!(
            result.exit_code == 2 && result.stderr.contains("is not a directory, or a link"),
            "{result:?}"
        );
        assert_eq!((mode(target.path()), tree(target.path())), (0o711, BTreeMap::new()), "{link}");
    }
    let host = Host::new();
    std::fs::write(host.path("target"), "RATE_LIMIT_PER_MINUTE=90\n").unwrap();
    symlink("target", host.path(".env")).unwrap();
    assert_eq!(host.init("production").exit_code, 0);
    assert!(host.path(".env").is_symlink());
    assert!(std::fs::read_to_string(host.path("target")).unwrap().contains(DOMAIN));
    std::fs::remove_file(host.path("target")).unwrap();
    assert_eq!(host.init("production").exit_code, 2, "the link leads nowhere");
}

#[test]
fn a_new_password_never_contradicts_a_file_that_has_the_old_one() {
    for (lost, made_of_it) in [
        ("secrets/postgres/password", "live/database_url"),
        ("secrets/redis/password", "redis/users.acl"),
        ("secrets/prometheus/api_key", "live/api_keys"),
    ] {
        let host = Host::initialized("production");
        std::fs::remove_file(host.path(lost)).unwrap();
        let before = tree(&host.path(""));
        let result = host.workspace.run("init");
        assert_eq!((result.exit_code, tree(&host.path(""))), (2, before), "{lost}: {result:?}");
        assert!(result.stderr.contains(&format!("{made_of_it} exists without")), "{result:?}");
    }
    // A database elsewhere has a password of its own.
    let host = Host::new();
    std::fs::create_dir_all(host.path("secrets/live")).unwrap();
    let url = "postgres://investiq:mQ2v8sKd@db.internal/investiq";
    std::fs::write(host.path("secrets/live/database_url"), url).unwrap();
    assert_eq!(host.init("production").exit_code, 0);
    assert_eq!(std::fs::read_to_string(host.path("secrets/live/database_url")).unwrap(), url);
}

#[test]
fn a_redis_elsewhere_has_a_password_of_its_own() {
    let host = Host::new();
    let result = host.workspace.run(&format!(
        "init --profile production --domain {DOMAIN} --set API_IMAGE={API_IMAGE} --set REDIS_URL=rediss://cache.internal:6379 --providers alpaca"
    ));
    assert_eq!(result.exit_code, 0, "{result:?}");
    assert!(result.stdout.contains("investiq secrets set redis_password"), "{result:?}");
    assert!(!host.path("secrets/live/redis_password").exists());
}

#[test]
fn what_is_missing_is_named_without_a_terminal() {
    let host = Host::new();
    let nothing = host.workspace.run("init");
    assert_eq!(nothing.exit_code, 1, "{nothing:?}");
    assert!(nothing.stderr.contains("--profile"), "{nothing:?}");
    std::fs::remove_file(host.path("docker.sock")).unwrap();
    let profile = host.workspace.run("init --profile staging");
    assert_eq!(profile.exit_code, 1, "{profile:?}");
    for argument in ["--domain", "--set API_IMAGE=", "--set DOCKER_GID="] {
        assert!(profile.stderr.contains(argument), "{argument}: {profile:?}");
    }
    for invalid in ["https://acme-invest.net", "localhost", "203.0.113.5", "a_b.net", "-a.net", "API.net"] {
        let result = host
            .workspace
            .run(&format!("init --profile staging --domain {invalid} --set API_IMAGE=a --set DOCKER_GID=1"));
        assert_eq!(result.exit_code, 1, "{invalid}: {result:?}");
    }
    assert_eq!(host.workspace.run("init --profile staging --set API_IMAGE").exit_code, 1);
    assert!(!host.path(".env").exists() && !host.path("secrets").exists());
    let elsewhere = host.workspace.run("init --profile staging --directory bin");
    assert_eq!(elsewhere.exit_code, 2, "{elsewhere:?}");
    assert!(elsewhere.stderr.contains("cannot read bin/docker-compose."), "{elsewhere:?}");
}

#[test]
fn no_value_is_printed() {
    let host = Host::new();
    let result = host.init("production");
    let printed = format!("{}{}", result.stdout, result.stderr);
    for (name, (_, text)) in tree(&host.path("secrets")) {
        let mut values = text.lines().filter(|line| line.len() > 20);
        assert!(values.all(|value| !printed.contains(value)), "{name}: {printed}");
    }
    assert!(printed.contains("the first API key is in ./secrets/live/api_keys"), "{printed}");
}

#[test]
fn what_is_missing_is_asked_for_on_a_terminal_and_the_key_is_shown_there() {
    let host = Host::new();
    let program = tests::binary("investiq").display().to_string();
    let on_terminal = |answers: &str| {
        // A terminal of its own, from bsdutils.
        let mut script = host.workspace.program(Path::new("/usr/bin/script"), &[]);
        script.args(["--quiet", "--return", "--command", &format!("{program} init"), "/dev/null"]);
        let mut child = script.stdin(std::process::Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = on_terminal(&format!("production\n{API_IMAGE}\n{DOMAIN}\nalpaca, circle\n"));
    assert_eq!(code, Some(0), "{text}");
    for question in ["Profile (", "Image of the server", "Host name of the server", "Providers whose"] {
        assert!(text.contains(question), "{question}: {text}");
    }
    let keys = std::fs::read_to_string(host.path("secrets/live/api_keys")).unwrap();
    let [admin, prometheus] = keys.lines().collect::<Vec<_>>()[..] else {
        panic!("{}", keys.lines().count())
    };
    assert!(text.contains(&format!("\n{admin}\r\n")) && !text.contains(prometheus), "{text}");
    assert!(host.path("secrets/live/alpaca_webhook_secret").exists());
    // Nothing is missing any more.
    let (code, text) = on_terminal("");
    assert!(code == Some(0) && text.contains("nothing was changed") && !text.contains("Profile ("), "{text}");
}

#[test]
fn only_the_secrets_of_the_chosen_providers_are_asked_for() {
    let host = Host::new();
    let result = host.workspace.run(&format!(
        "init --profile production --domain {DOMAIN} --set API_IMAGE={API_IMAGE} --providers alpaca,circle --json"
    ));
    let json = result.json();
    let to_be_set: Vec<&str> =
        json["to_be_set"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let names: Vec<&str> = to_be_set.iter().map(|line| line.split(':').next().unwrap()).collect();
    let expected = ["alpaca_api_key", "alpaca_api_secret", "circle_api_key", "polygon_api_key"];
    assert_eq!(names, expected);
    assert!(host.path("secrets/live/alpaca_webhook_secret").exists());
    // The commands work.
    std::fs::write(host.path("value"), "kT9v2LqXw0cPz7Rb").unwrap();
    let command = to_be_set[3].split_once("investiq ").unwrap().1;
    let set = host.workspace.run(&format!("{command} --from-file value"));
    assert_eq!(set.exit_code, 0, "{set:?}");
    assert_eq!(mode(&host.path("secrets/live")), 0o755, "it is still mounted");
}

#[test]
fn secrets_in_aws_are_not_generated_as_files() {
    let host = Host::new();
    let result = host.workspace.run(&format!(
        "init --profile production --domain {DOMAIN} --set API_IMAGE={API_IMAGE} --set SECRET_PREFIX=prod/rail --set AWS_REGION=eu-central-1"
    ));
    assert_eq!(result.exit_code, 0, "{result:?}");
    assert!(result.stdout.contains("investiq secrets setup-aws"), "{result:?}");
    assert!(!host.path("secrets/live/api_keys").exists() && host.path("secrets/postgres/password").exists());
    drop(host.model());
}

#[test]
fn development_needs_neither_variables_nor_secrets() {
    let host = Host::new();
    let result = host.workspace.run("init --profile development");
    assert_eq!(result.exit_code, 0, "{result:?}");
    // Only what this machine has less of than usual.
    let env = std::fs::read_to_string(host.path(".env")).unwrap_or_default();
    assert!(env.lines().all(|line| line.starts_with("MTU=")), "{env}");
    // The directory is mounted; Docker would create it as root's.
    let files = std::fs::read_dir(host.path("secrets")).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(files.collect::<Vec<_>>(), [".gitignore"], "{result:?}");
    let with_provider = host.workspace.run("init --profile development --providers alpaca");
    assert!(with_provider.stdout.contains("created   ./secrets/alpaca_webhook_secret"), "{with_provider:?}");
    assert_eq!(mode(&host.path("secrets")), 0o755, "the container's user can enter it");
}
