//! The answers of `init`: from arguments, else from `.env`, else from a prompt. All that is missing is reported at once.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::str::FromStr;

use config::{PROFILE_VARIABLE, Profile};
use domain::Provider;
use rustls_pki_types::DnsName;

use super::Arguments;
use crate::console::Console;
use crate::deployment::{API_IMAGE, COMPOSE_FILE, DOCKER_GID, DOMAIN, Deployment, docker_socket, env_file};
use crate::failure::Failure;
use crate::host;

/// The CPU limit of a container of the server; more than the machine has is refused by Docker.
const API_CPUS: &str = "API_CPUS";
/// Without these Compose refuses its files.
const REQUIRED: [&str; 3] = [API_IMAGE, DOMAIN, DOCKER_GID];
/// The MTU of the containers' networks.
const MTU: &str = "MTU";

/// `NAME=TEXT`, with a text that needs no quotes in `.env`.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    name: String,
    text: String,
}

pub(super) struct Answers<'a> {
    arguments: &'a Arguments,
    console: &'a mut Console,
    missing: Vec<String>,
}

impl FromStr for Assignment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, text) =
            text.split_once('=').filter(|(name, _)| env_file::is_name(name)).ok_or("must be NAME=TEXT")?;
        if !env_file::is_plain_value(text) {
            return Err("the text must not be empty, and must not contain blanks, quotes, $, # or \\");
        }
        Ok(Self { name: name.to_owned(), text: text.to_owned() })
    }
}

impl<'a> Answers<'a> {
    pub(super) fn new(arguments: &'a Arguments, console: &'a mut Console) -> Self {
        Self { arguments, console, missing: Vec::new() }
    }

    pub(super) fn deployment(&mut self, directory: &Path) -> Result<Deployment, Failure> {
        if let Some(deployment) = Deployment::open(directory, self.arguments.profile)? {
            return Ok(deployment);
        }
        let names = Profile::ALL.map(Profile::as_str);
        let given = self.console.ask(&format!("Profile ({})", names.join(", ")));
        let profile = given.as_deref().and_then(|given| Profile::from_str(given).ok());
        match Deployment::open(directory, profile)? {
            Some(deployment) => Ok(deployment),
            None => Err(Failure::Usage(format!(
                "the profile is missing or invalid: --profile {}",
                names.join("|")
            ))),
        }
    }

    /// The variables to add to `.env`.
    pub(super) fn variables(&mut self, deployment: &Deployment) -> Result<Vec<(String, String)>, Failure> {
        let mut added: Vec<(String, String)> = Vec::new();
        let env_file = deployment.env_file.path().display().to_string();
        // A program that is started by hand beside the file would otherwise read it as that of a developer.
        let own = [
            (COMPOSE_FILE, deployment.compose_files.join(":")),
            (PROFILE_VARIABLE, deployment.profile.as_str().to_owned()),
        ];
        let own = own.into_iter().filter(|_| deployment.profile.is_strict());
        let domain = self.arguments.domain.iter().map(|domain| (DOMAIN, domain.clone()));
        let given = self.arguments.variables.iter().map(|given| (given.name.as_str(), given.text.clone()));
        for (name, value) in own.chain(domain).chain(given) {
            let in_file = deployment.env_file.get(name).map(|value| (value, env_file.as_str()));
            let earlier = added.iter().find(|(earlier, _)| earlier == name);
            match in_file.or(earlier.map(|(_, value)| (value.as_str(), "another argument"))) {
                Some((existing, place)) if existing != value => {
                    return Err(Failure::Precondition(format!(
                        "{name} has another value in {place}; change it there"
                    )));
                }
                Some(_) => {}
                None => added.push((name.to_owned(), value)),
            }
        }
        added.extend(limits(deployment, &added)?);
        for name in REQUIRED.into_iter().filter(|_| deployment.profile.is_strict()) {
            let is_added = added.iter().any(|(added, _)| added == name);
            if !is_added && deployment.env_file.get(name).is_none() {
                added.extend(self.value(name).map(|value| (name.to_owned(), value)));
            }
        }
        let domain = added.iter().find(|(name, _)| name == DOMAIN);
        if let Some((_, domain)) = domain.filter(|(_, domain)| !is_domain(domain)) {
            return Err(Failure::Usage(format!("{domain} is not a host name such as api.example.com")));
        }
        match self.missing.is_empty() {
            true => Ok(added),
            false => Err(Failure::Usage(format!("missing or invalid: {}", self.missing.join(", ")))),
        }
    }

    /// None if they were not named; they are asked for in the first run only.
    pub(super) fn providers(&mut self, deployment: &Deployment) -> Vec<Provider> {
        if let Some(providers) = &self.arguments.providers {
            return providers.clone();
        }
        if deployment.env_file.exists() || !self.console.can_ask() {
            return Vec::new();
        }
        let names = Provider::ALL.map(Provider::as_str).join(", ");
        let given =
            self.console.ask(&format!("Providers whose deliveries are received ({names}; empty: none)"));
        let given = given.unwrap_or_default();
        Provider::ALL
            .into_iter()
            .filter(|provider| given.split([',', ' ']).any(|name| name == provider.as_str()))
            .collect()
    }

    fn value(&mut self, name: &str) -> Option<String> {
        match name {
            DOMAIN => self.ask("--domain", "Host name of the server"),
            DOCKER_GID => {
                let socket = docker_socket(self.console.environment());
                let group =
                    socket.and_then(|socket| std::fs::metadata(socket).ok()).map(|socket| socket.gid());
                let hint = "--set DOCKER_GID=… (the group of Docker's socket, which does not exist yet)";
                group.map(|gid| gid.to_string()).or_else(|| self.ask(hint, "Group of Docker's socket"))
            }
            _ => self.ask("--set API_IMAGE=…@sha256:…", "Image of the server, with its digest"),
        }
    }

    /// Prompts on a terminal; otherwise the argument is missing.
    fn ask(&mut self, argument: &str, question: &str) -> Option<String> {
        let answer = self.console.ask(question).filter(|answer| env_file::is_plain_value(answer));
        if answer.is_none() {
            self.missing.push(argument.to_owned());
        }
        answer
    }
}

/// Variables whose default is more than this machine has.
fn limits(deployment: &Deployment, added: &[(String, String)]) -> Result<Vec<(String, String)>, Failure> {
    let mut limits = Vec::new();
    for (name, available) in [(API_CPUS, host::cpus()), (MTU, host::default_route_mtu())] {
        let is_set = deployment.env_file.get(name).is_some() || added.iter().any(|(added, _)| added == name);
        let default = deployment.default_of(name)?.and_then(|default| default.parse::<u32>().ok());
        let available =
            available.filter(|available| !is_set && default.is_some_and(|default| default > *available));
        limits.extend(available.map(|available| (name.to_owned(), available.to_string())));
    }
    Ok(limits)
}

/// A DNS name with a dot, in lower case as certificates have it.
fn is_domain(text: &str) -> bool {
    let is_lower =
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte));
    is_lower && text.contains('.') && !text.ends_with('.') && DnsName::try_from(text).is_ok()
}
