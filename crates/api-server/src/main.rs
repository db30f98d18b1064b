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
use config::{Config, Credentials, Environment};

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
    let config = config::load(&environment)?;
    telemetry::logs::start(&config.logs.filter, config.logs.format)?;
    if let Some(message) = dotenv {
        tracing::info!("{message}");
    }
    for warning in &config.warnings {
        tracing::warn!(%warning, "unsupported variable");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(start(config, environment))
}

async fn start(
    config: Config,
    environment: Environment,
) -> Result<serve::Drained, Box<dyn std::error::Error>> {
    let stop = serve::stop_signal()?;
    let credentials = Credentials::load(&config, &environment).await?;
    let storage = startup::storage(&config, &credentials).await?;
    let service = startup::service(&config, &credentials, storage)?;
    let app = service.layers.observe(service.router.clone());
    let listener = serve::bind(config.bind_address).await?;
    let supervisor = service.start_background(&config, &credentials);
    let (profile, address) = (config.profile.as_str(), listener.local_addr()?);
    tracing::info!(%address, profile, version = env!("CARGO_PKG_VERSION"), "listening");

    let proxies = TrustedProxies::new(config.trusted_proxies.iter().copied());
    let (metrics, shutdown) = (service.metrics.clone(), service.shutdown.clone());
    let drained = serve::serve(listener, app, config.connections, proxies, metrics, shutdown, stop).await;
    // After the last request, so that none adds to what the workers finish.
    supervisor.stop().await;
    service.store().close().await;
    service.access_log.close();
    credentials.secrets.report_usage();
    Ok(drained)
}
