//! The InvestIQ API server: layers over handlers.
//!
//! Handlers gather, decide by a pure call, and present; layers do what every request needs. What an indicator, a bar or a
//! secret is belongs to other crates.

mod body_readers;
mod client_address;
mod command_line;
mod connection_limits;
mod content_encoding;
mod handlers;
mod healthcheck;
mod indicator_cache;
mod keys;
mod layers;
mod openapi;
mod problem;
mod representation;
mod request_context;
mod request_host;
mod response_cache;
mod router;
mod schemas;
mod serve;
mod startup;
mod state;

#[cfg(test)]
mod docs_consistency;

use std::process::ExitCode;

use clap::Parser;
use config::start::{self, Connect, Start};
use config::{Config, Credentials, Environment};
use tokio::net::TcpListener;

use crate::client_address::TrustedProxies;
use crate::command_line::{Command, CommandLine};

/// Zeroes freed memory, so that no copy of a secret stays in it; crates/secrets/README.md says what that costs.
#[global_allocator]
static ALLOCATOR: secrets::ZeroOnFree = secrets::ZeroOnFree;

fn main() -> ExitCode {
    match CommandLine::parse().command {
        None => run_server(),
        Some(Command::Healthcheck { url }) => healthcheck::run(url),
        Some(Command::CheckConfig) => command_line::check_config(),
    }
}

fn run_server() -> ExitCode {
    match run() {
        Ok(drained) if drained.is_complete() => ExitCode::SUCCESS,
        Ok(_cut) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("api-server cannot start: {}", telemetry::with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<serve::Drained, Box<dyn std::error::Error>> {
    let (environment, dotenv) = config::with_dotenv(Environment::from_process())?;
    // Before secrets are looked up, which is logged. Errors are reported together with those of secrets.
    if let Ok(config) = config::load(&environment) {
        telemetry::logs::start(&config.logs.filter, config.logs.format)?;
        if let Some(message) = dotenv {
            tracing::info!("{message}");
        }
        for warning in &config.warnings {
            tracing::warn!(%warning, "unsupported variable");
        }
        tracing::info!(proxy = %config.proxy, "proxy of requests to other hosts");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve_until_stopped(environment))
}

async fn serve_until_stopped(environment: Environment) -> Result<serve::Drained, Box<dyn std::error::Error>> {
    let stop = serve::stop_signal()?;
    let checked = start::check(&environment, Connect::ToServers).await;
    let Start { config, credentials, database } = checked.into_start()?;
    // Before a database is created: a busy port is the last thing that can be wrong.
    let listener = serve::bind(config.bind_address).await?;
    let storage = startup::storage(&config, &credentials, database).await?;
    let store = storage.store.clone();
    let drained = run_with(config, &credentials, storage, listener, stop).await;
    // A start that fails leaves no log of SQLite behind either.
    store.close().await;
    credentials.secrets.report_usage();
    drained
}

async fn run_with(
    config: Config,
    credentials: &Credentials,
    storage: startup::Storage,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> Result<serve::Drained, Box<dyn std::error::Error>> {
    let service = startup::service(&config, credentials, storage)?;
    let app = service.layers.observe(service.router.clone());
    let supervisor = service.start_background(&config, credentials);
    let (profile, address) = (config.profile.as_str(), listener.local_addr()?);
    tracing::info!(%address, profile, version = env!("CARGO_PKG_VERSION"), "listening");

    let proxies = TrustedProxies::new(config.trusted_proxies.iter().copied());
    let (metrics, shutdown) = (service.metrics.clone(), service.shutdown.clone());
    let drained = serve::serve(listener, app, config.connections, proxies, metrics, shutdown, stop).await;
    // In this order, so that no request is logged after the end of the drain, and none adds to what the workers finish.
    service.access_log.close();
    drained.log(config.connections.drain_timeout);
    supervisor.stop().await;
    Ok(drained)
}
