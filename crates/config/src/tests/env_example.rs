//! `.env.staging.example` compared with the settings, and with the variables of the Compose files.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Settings with a fixed value in the Compose files, or without a use in a container.
const NOT_LISTED: [&str; 12] = [
    "ALLOWED_HOSTS",
    "BIND_ADDRESS",
    "CLIENT_ADDRESS_HEADER",
    "DATABASE_CHECKPOINT",
    "ENABLE_HSTS",
    "METRICS_ACCESS",
    "METRICS_BIND_ADDRESS",
    "PUBLISHED_ON_LOOPBACK",
    "SECRETS_DIR",
    "SNS_BASE_URL",
    "TRUSTED_PROXIES",
    "UNREADY_SECS",
];

/// The profile, and variables that Compose and the AWS client read by themselves.
const OF_TOOLS: [&str; 5] =
    ["AWS_REGION", "COMPOSE_FILE", "COMPOSE_PROFILES", "INVESTIQ_PROFILE", "SECRET_PREFIX"];

/// Variables of development, and one that Compose sets.
const NOT_OF_STAGING: [&str; 2] = ["COMPOSE_PROJECT_NAME", "HOST_PORT"];

fn repository_file(name: &str) -> String {
    std::fs::read_to_string(repository_configs().join("..").join(name)).unwrap()
}

/// Every variable of the example, with its value, whether it is commented out or not.
fn example() -> BTreeMap<String, String> {
    let text = repository_file(".env.staging.example");
    let lines = text.lines().filter_map(|line| line.strip_prefix('#').unwrap_or(line).split_once('='));
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let variables = lines.filter(|(name, _)| is_name(name));
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The names in `${NAME…}`.
fn compose_variables() -> BTreeSet<String> {
    let files = ["docker-compose.yml", "docker-compose.staging.yml", "docker-compose.production.yml"];
    let text: String = files.into_iter().map(repository_file).collect();
    let end = |byte: char| !(byte.is_ascii_uppercase() || byte == '_');
    text.split("${").skip(1).filter_map(|rest| rest.split(end).next()).map(str::to_owned).collect()
}

#[test]
fn the_example_for_staging_lists_every_variable_and_no_other() {
    let settings = settings().into_iter().map(|setting| setting.variable.to_owned());
    let tools = OF_TOOLS.map(str::to_owned);
    let mut expected: BTreeSet<String> = settings.chain(compose_variables()).chain(tools).collect();
    for name in NOT_LISTED.into_iter().chain(NOT_OF_STAGING) {
        assert!(expected.remove(name), "{name} is not a variable");
    }
    assert_eq!(example().into_keys().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn the_values_in_the_example_are_the_defaults_of_staging() {
    let example = example();
    let load = |variables: &[(&str, &str)]| {
        let variables = [&[("INVESTIQ_PROFILE", "staging")], variables].concat();
        format!("{:?}", load_from(&environment(&variables), None).unwrap())
    };
    let default = load(&[]);
    // The Compose files set it otherwise.
    let production = repository_file("docker-compose.production.yml");
    assert!(production.contains(&format!("${{REDIS_URL-{}}}", example["REDIS_URL"])));
    for setting in settings() {
        if let Some(value) = example.get(setting.variable).filter(|_| setting.variable != "REDIS_URL") {
            assert_eq!(load(&[(setting.variable, value)]), default, "{}", setting.variable);
        }
    }
}

#[test]
fn each_variable_of_the_example_has_one_line_of_what_it_is() {
    let text = repository_file(".env.staging.example");
    let lines: Vec<&str> = text.lines().collect();
    for name in example().keys() {
        let is_of_variable = |line: &&str| line.trim_start_matches('#').starts_with(&format!("{name}="));
        let position = lines.iter().position(is_of_variable).unwrap();
        assert!(lines[position - 1].starts_with("# "), "{name}");
    }
}
