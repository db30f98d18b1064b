//! The InvestIQ API server: layers over handlers.
//!
//! Handlers gather, decide by a pure call, and present; layers do what every request needs. What an indicator, a bar or a
//! secret is belongs to other crates.

mod auth_events;
mod bans;
mod body_readers;
mod client_address;
mod command_line;
mod connection_limits;
mod content_encoding;
mod direct_request;
mod handlers;
mod healthcheck;
mod heavy_work;
mod indicator_cache;
mod keys;
mod layers;
mod openapi;
mod problem;
mod redaction;
mod representation;
mod request_context;
mod response_cache;
mod router;
mod schemas;
mod serve;
mod startup;
mod state;

#[cfg(test)]
mod docs_consistency;

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use config::start::{self, Connect, Start};
use config::{Config, Connections, Credentials, Environment};
use telemetry::LogOutput;
use tokio::net::TcpListener;

use crate::client_address::TrustedProxies;
use crate::command_line::{Command, CommandLine};

/// Zeroes freed memory, so that no copy of a secret stays in it; crates/secrets/README.md says what that costs.
#[global_allocator]
static ALLOCATOR: secrets::ZeroOnFree = secrets::ZeroOnFree;

/// Connections to the listener for metrics.
const METRICS_CONNECTIONS_MAX: usize = 64;

fn main() -> ExitCode {
    match CommandLine::parse().command {
        None => run_server(),
        Some(Command::Healthcheck { url }) => healthcheck::run(url),
        Some(Command::CheckConfig) => command_line::check_config(),
    }
}

fn run_server() -> ExitCode {
    let output = match standard_output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("api-server cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = run(&output);
    output.close();
    match ended {
        Ok(drained) if drained.is_complete() => ExitCode::SUCCESS,
        Ok(_cut) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("api-server cannot start: {}", telemetry::with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

/// A file of its own, so that nothing but log lines waits for the reader of standard output.
fn standard_output() -> io::Result<LogOutput> {
    LogOutput::start(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

fn run(output: &LogOutput) -> Result<serve::Drained, Box<dyn std::error::Error>> {
    let (environment, dotenv) = config::with_dotenv(Environment::from_process())?;
    // Before secrets are looked up, which is logged. Errors are reported together with those of secrets.
    if let Ok(config) = config::load(&environment) {
        telemetry::logs::start(&config.logs.filter, config.logs.format, output.clone())?;
        if let Some(message) = dotenv {
            tracing::info!("{message}");
        }
        for warning in &config.warnings {
            tracing::warn!(%warning, "unsupported variable");
        }
        tracing::info!(proxy = %config.proxy, "proxy of requests to other hosts");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve_until_stopped(environment, output))
}

async fn serve_until_stopped(
    environment: Environment,
    output: &LogOutput,
) -> Result<serve::Drained, Box<dyn std::error::Error>> {
    let stop = serve::stop_signal()?;
    let checked = start::check(&environment, Connect::ToServers).await;
    let Start { config, credentials, database } = checked.into_start()?;
    // Before a database is created: a busy port is the last thing that can be wrong.
    let listener = serve::bind("BIND_ADDRESS", config.bind_address)?;
    let bind_metrics = |address| serve::bind("METRICS_BIND_ADDRESS", address);
    let metrics_listener = config.metrics_bind_address.map(bind_metrics).transpose()?;
    let storage = startup::storage(&config, &credentials, database).await?;
    let store = storage.store.clone();
    let drained = run_with(config, &credentials, storage, (listener, metrics_listener), stop, output).await;
    // A start that fails leaves no log of SQLite behind either.
    store.close().await;
    credentials.secrets.report_usage();
    drained
}

/// Serves the metrics on their own listener, if there is one, until the service shuts down.
async fn serve_metrics(listener: Option<TcpListener>, service: &startup::Service, config: &Config) {
    let Some(listener) = listener else { return };
    let app = service.layers.observe(service.metrics_router.clone());
    let connections =
        Connections { max: METRICS_CONNECTIONS_MAX, unready_for: Duration::ZERO, ..config.connections };
    let (metrics, shutdown) = (service.metrics.clone(), service.shutdown.clone());
    let stop = shutdown.clone().cancelled_owned();
    let proxies = TrustedProxies::default();
    // A scrape that is cut off is repeated.
    let _drained = serve::serve(listener, app, connections, proxies, metrics, shutdown, stop).await;
}

async fn run_with(
    config: Config,
    credentials: &Credentials,
    storage: startup::Storage,
    (listener, metrics_listener): (TcpListener, Option<TcpListener>),
    stop: impl Future<Output = ()>,
    output: &LogOutput,
) -> Result<serve::Drained, Box<dyn std::error::Error>> {
    let mut service = startup::service(&config, credentials, storage, output.clone())?;
    let app = service.layers.observe(service.router.clone());
    let supervisor = service.start_background(&config, credentials);
    let (profile, address) = (config.profile.as_str(), listener.local_addr()?);
    if let Some(listener) = &metrics_listener {
        tracing::info!(address = %listener.local_addr()?, "metrics are served without a key");
    }
    tracing::info!(%address, profile, version = env!("CARGO_PKG_VERSION"), "listening");

    let proxies = startup::trusted_proxies(&config);
    let (metrics, shutdown) = (service.metrics.clone(), service.shutdown.clone());
    let max = startup::open_files::connections_max(config.connections.max);
    let connections = Connections { max, ..config.connections };
    let main = serve::serve(listener, app, connections, proxies, metrics, shutdown, stop);
    let (drained, ()) = tokio::join!(main, serve_metrics(metrics_listener, &service, &config));
    service.leave_shared_limits().await;
    // In this order, so that no request is logged after the end of the drain, and none adds to what the workers finish.
    service.access_log.close();
    drained.log(config.connections.drain_timeout);
    service.flush().await;
    supervisor.stop().await;
    if let Some(export) = service.trace_export.take() {
        export.stop().await;
    }
    Ok(drained)
}
