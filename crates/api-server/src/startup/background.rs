//! Background work that ends at shutdown: checks of dependencies, and reloads of secrets.

use std::sync::Arc;

use ::secrets::Secrets;
use config::Config;
use telemetry::Clock;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use workers::{Heartbeat, WorkerSupervisor};

use super::api_keys::KeyReloader;
use super::{Service, vendor_key, worker_setup};
use crate::keys::write_uses;

pub(super) fn start(service: &Service, config: &Config, secrets: &Secrets) -> WorkerSupervisor {
    let shutdown = || service.shutdown.clone();
    // Until the process ends, for the requests that it still answers after the shutdown has begun.
    let never = CancellationToken::new;
    let register = |worker: &'static str| service.health.workers().register(worker, None);
    let (market_data, health) = (Arc::clone(&service.market_data), Arc::clone(&service.health));
    let checks = workers::check_market_data(market_data, health, config.health_check_period);
    until_shutdown(shutdown(), register("health_checks"), checks);
    let secrets_in_use =
        vec![service.keys.clone(), service.polygon_key.clone(), service.database_url.clone()];
    let (ttl, grace) = (config.secret_ttl, config.secret_grace);
    let checks = workers::check_secrets(secrets_in_use, ttl, grace, Arc::clone(&service.health));
    until_shutdown(shutdown(), register("secret_checks"), checks);
    let (market_data, key) = (Arc::clone(&service.market_data), service.polygon_key.clone());
    let refresh = vendor_key::follow(market_data, key, secrets.clone());
    until_shutdown(shutdown(), register("vendor_key"), refresh);
    until_shutdown(shutdown(), register("secrets"), secrets.clone().watch());
    until_shutdown(shutdown(), register("sighup"), reload_on_sighup(secrets.clone()));
    if let Some((redis, limits)) = &service.shared_limits {
        // Requests that are still in progress are counted, too.
        until_shutdown(never(), register("redis"), redis.clone().run());
        until_shutdown(never(), register("shared_limits"), limits.clone().run());
        let (redis, health) = (redis.clone(), Arc::clone(&service.health));
        until_shutdown(
            shutdown(),
            register("redis_checks"),
            workers::check_redis(move || redis.is_away(), health),
        );
    }
    if let Some(ring) = service.ring() {
        let reloader = KeyReloader::new(service.keys.clone(), Arc::clone(ring));
        until_shutdown(never(), register("api_keys"), reloader.run());
        let uses = write_uses(Arc::clone(ring), service.store().clone());
        until_shutdown(shutdown(), register("key_uses"), uses);
        let (events, store) = (Arc::clone(&service.auth_events), service.store().clone());
        let write = async move { events.run(&store, Clock::System).await };
        until_shutdown(shutdown(), register("auth_events"), write);
    }
    if let Some(loader) = &service.stored_keys {
        until_shutdown(never(), register("stored_keys"), Arc::clone(loader).run());
    }
    worker_setup::start(service, config)
}

/// Runs work until the service shuts down. Work that panics is not restarted, and is unhealthy; work that has nothing to do
/// may end early.
fn until_shutdown(
    shutdown: CancellationToken,
    heartbeat: Heartbeat,
    work: impl Future<Output = ()> + Send + 'static,
) {
    tokio::spawn(async move {
        let running = tokio::spawn(shutdown.clone().run_until_cancelled_owned(work));
        if running.await.is_err() && !shutdown.is_cancelled() {
            heartbeat.stop();
            tracing::error!(worker = heartbeat.worker(), "background work panicked");
        }
    });
}

/// Reloads every secret after SIGHUP.
async fn reload_on_sighup(secrets: Secrets) {
    let mut signals = match signal(SignalKind::hangup()) {
        Ok(signals) => signals,
        Err(error) => return tracing::warn!(%error, "handling SIGHUP failed: it does not reload secrets"),
    };
    while signals.recv().await.is_some() {
        let reloaded = secrets.reload().await;
        let (changed, failed) = (reloaded.changed.len(), reloaded.failed.len());
        tracing::info!(changed, failed, "secrets reloaded after SIGHUP");
    }
}
