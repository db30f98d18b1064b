//! The merged Compose files as Compose itself reads them, and the containers that it started.

use std::path::Path;

use config::check::Finding;
use serde_json::Value;

use super::engine::Engine;
use super::error;
use super::program::{self, ProgramError};
use crate::deployment::Deployment;

/// The server.
pub(super) const SERVER: &str = "api-server";
/// Terminates TLS.
pub(super) const PROXY: &str = "traefik";
/// Paths in containers.
const SECRETS: &str = "/run/secrets";
pub(super) const SOCKET: &str = "/var/run/docker.sock";
const CERTIFICATES: &str = "/acme";

/// The deployment as Compose sees it.
pub(super) struct Project {
    arguments: Vec<String>,
    pub(super) model: Result<Model, ProgramError>,
    containers: Vec<Container>,
}

/// The JSON of `docker compose config`.
#[derive(Debug)]
pub(super) struct Model(pub(super) Value);

/// A service in it.
#[derive(Clone, Copy)]
pub(super) struct Service<'a>(&'a Value);

/// A port of this machine that is published.
pub(super) struct Port {
    pub(super) number: u16,
    /// The port in the container.
    target: u64,
    is_ipv4_only: bool,
}

/// A line of `docker compose ps`.
struct Container(Value);

impl Project {
    pub(super) async fn query(deployment: &Deployment, engine: &Engine) -> Self {
        let Deployment { directory, compose_files, .. } = deployment;
        let mut arguments =
            vec!["compose".to_owned(), "--project-directory".to_owned(), directory.display().to_string()];
        for file in compose_files {
            arguments.extend(["--file".to_owned(), directory.join(file).display().to_string()]);
        }
        let mut project = Self { arguments, model: Err(ProgramError::NotInstalled), containers: Vec::new() };
        if !engine.has_compose() {
            return project;
        }
        let json = project.run(&["config", "--format", "json"]).await;
        project.model = json.and_then(|json| {
            // A message of the parser could quote a value.
            let unreadable = |_| ProgramError::Failed("its output cannot be read".to_owned());
            serde_json::from_str(&json).map(Model).map_err(unreadable)
        });
        if engine.is_reachable() {
            let lines = project.run(&["ps", "--all", "--format", "json"]).await;
            let lines = lines.unwrap_or_default();
            let containers = lines.lines().filter_map(|line| serde_json::from_str(line).ok());
            project.containers = containers.map(Container).collect();
        }
        project
    }

    /// Runs `docker compose …` for this project.
    pub(super) async fn run(&self, arguments: &[&str]) -> Result<String, ProgramError> {
        let all: Vec<&str> =
            self.arguments.iter().map(String::as_str).chain(arguments.iter().copied()).collect();
        program::output("docker", &all).await
    }

    pub(super) fn is_running(&self, service: &str) -> bool {
        let mut containers = self.containers.iter();
        containers
            .any(|container| container.text("Service") == service && container.text("State") == "running")
    }

    /// The ports of this machine that containers of the project hold.
    pub(super) fn held_ports(&self) -> impl Iterator<Item = u16> {
        let publishers = self.containers.iter().flat_map(|container| array(&container.0["Publishers"]));
        publishers.filter_map(|publisher| u16::try_from(publisher["PublishedPort"].as_u64()?).ok())
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let model = match &self.model {
            // Reported by the check of the engine.
            Err(ProgramError::NotInstalled) | Ok(_) => None,
            Err(cause) => {
                // Compose quotes lines of `.env`, which may be secret, or repeats them from their own quote on.
                let cause = cause.to_string();
                let cause = cause.split(['"', '\'']).next().unwrap_or_default();
                let message = format!("are refused, so that the configuration was not checked: {cause}");
                let remedy = "set the variable in .env, or run: investiq init";
                Some(error("compose_files", "Compose files", message, remedy))
            }
        };
        let sick = self.containers.iter().filter_map(|container| {
            let (service, state, health) =
                (container.text("Service"), container.text("State"), container.text("Health"));
            let state = if health == "unhealthy" { health } else { state };
            (state != "running").then(|| {
                let remedy = format!("docker compose logs --tail 50 {service}");
                error("container", service, format!("a container is {state}"), remedy)
            })
        });
        model.into_iter().chain(sick).collect()
    }
}

impl Container {
    fn text(&self, member: &str) -> &str {
        self.0[member].as_str().unwrap_or_default()
    }
}

impl Model {
    pub(super) fn services(&self) -> impl Iterator<Item = (&str, Service<'_>)> {
        object(&self.0["services"]).map(|(name, service)| (name, Service(service)))
    }

    /// The networks, with their settings.
    pub(super) fn networks(&self) -> impl Iterator<Item = (&str, &Value)> {
        object(&self.0["networks"])
    }

    pub(super) fn service(&self, name: &str) -> Option<Service<'_>> {
        self.0["services"].get(name).map(Service)
    }

    /// The directory on this machine with the server's secrets.
    pub(super) fn secrets(&self) -> Option<&Path> {
        self.service(SERVER)?.mounted_at(SECRETS)
    }

    /// The directory on this machine in which Traefik stores certificates.
    pub(super) fn certificates(&self) -> Option<&Path> {
        self.service(PROXY)?.mounted_at(CERTIFICATES)
    }

    /// The socket of Docker that a service mounts, and the group with which it uses it.
    pub(super) fn docker_socket(&self) -> Option<(&Path, &str)> {
        self.services()
            .find_map(|(_, service)| Some((service.mounted_at(SOCKET)?, service.user().split_once(':')?.1)))
    }

    pub(super) fn ports(&self) -> impl Iterator<Item = Port> {
        let ports = self.services().flat_map(|(_, service)| array(&service.0["ports"]));
        ports.filter_map(|port| {
            let address = port["host_ip"].as_str();
            Some(Port {
                number: port["published"].as_str()?.parse().ok()?,
                target: port["target"].as_u64()?,
                is_ipv4_only: address.is_some_and(|address| !address.contains(':')),
            })
        })
    }

    /// The port of this machine at which clients connect with TLS.
    pub(super) fn tls_port(&self) -> Option<u16> {
        self.ports().find(|port| port.target == 443).map(|port| port.number)
    }

    pub(super) fn publishes_ipv6(&self) -> bool {
        self.ports().any(|port| !port.is_ipv4_only)
    }
}

impl<'a> Service<'a> {
    /// `uid:gid`; empty if it is that of the image.
    pub(super) fn user(self) -> &'a str {
        self.0["user"].as_str().unwrap_or_default()
    }

    pub(super) fn variables(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        object(&self.0["environment"]).filter_map(|(name, value)| Some((name, value.as_str()?)))
    }

    /// The files and directories of this machine that are mounted, each after its path in the container.
    pub(super) fn bind_mounts(self) -> impl Iterator<Item = (&'a str, &'a Path)> {
        let mounts = array(&self.0["volumes"]).filter(|mount| mount["type"] == "bind");
        mounts.filter_map(|mount| Some((mount["target"].as_str()?, Path::new(mount["source"].as_str()?))))
    }

    fn mounted_at(self, path: &str) -> Option<&'a Path> {
        self.bind_mounts().find(|(target, _)| *target == path).map(|(_, source)| source)
    }

    /// The limit of a resource of one container, and the number of containers.
    pub(super) fn limit(self, resource: &str) -> Option<(f64, f64)> {
        let deploy = &self.0["deploy"];
        let limit = &deploy["resources"]["limits"][resource];
        let limit = limit.as_f64().or_else(|| limit.as_str()?.parse().ok())?;
        Some((limit, deploy["replicas"].as_f64().unwrap_or(1.0)))
    }
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn object(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}
