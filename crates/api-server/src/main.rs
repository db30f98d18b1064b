//! The InvestIQ API server.

use std::process::ExitCode;

use api_server::config::{self, Config, Environment};
use api_server::{assembly, logs, serve};

/// Wipes what is freed, so that no copy of a secret is left in memory; what that costs stands in crates/secrets/README.md.
#[global_allocator]
static ALLOCATOR: secrets::ZeroOnFree = secrets::ZeroOnFree;

fn main() -> ExitCode {
    match run() {
        Ok(drained) if drained.is_complete() => ExitCode::SUCCESS,
        Ok(_cut) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("api-server does not start: {}", logs::with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<serve::Drained, Box<dyn std::error::Error>> {
    let environment = Environment::of_process();
    let config = config::load(&environment, config::directory(&environment).as_deref())?;
    logs::start(&config.logs.filter, config.logs.format)?;
    for warning in &config.warnings {
        tracing::warn!(%warning, "a setting does nothing");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(start(config, environment))
}

async fn start(
    config: Config,
    environment: Environment,
) -> Result<serve::Drained, Box<dyn std::error::Error>> {
    let stop = serve::stop_signal()?;
    let secrets = assembly::secrets(&config, &environment).await?;
    let storage = assembly::storage(&config, &secrets).await?;
    let service = assembly::service(&config, &secrets, storage)?;
    let app = service.layers.observe(service.router.clone());
    let listener = serve::bind(config.bind_address).await?;
    let crew = service.start_background(&config, &secrets);
    let (profile, address) = (config.profile.as_str(), listener.local_addr()?);
    tracing::info!(%address, profile, version = env!("CARGO_PKG_VERSION"), "listening");

    let metrics = service.metrics.clone();
    let drained = serve::serve(listener, app, config.serve, metrics, service.draining.clone(), stop).await;
    // After the last request, so that nothing is added to what they finish.
    crew.stop().await;
    service.store().close().await;
    service.access_log.close();
    secrets.secrets.tell_usage();
    Ok(drained)
}
