//! The work in the background: checks of what the service depends on, and secrets that change.

use std::sync::Arc;

use ::secrets::Secrets;
use tokio::signal::unix::{SignalKind, signal};

use super::authentication::Keeper;
use super::{Service, crew, vendor_key};
use crate::config::Config;
use crate::serve::Draining;
use crate::workers::{self, Crew};

pub(super) fn start(service: &Service, config: &Config, secrets: &Secrets) -> Crew {
    let draining = || service.draining.clone();
    let (market_data, board) = (Arc::clone(&service.market_data), Arc::clone(&service.board));
    // The handle is not needed: the task ends when the service drains.
    let _checks = workers::spawn_health_checks(market_data, board, config.health_check_period, draining());
    let used = vec![service.keys.clone(), service.polygon_key.clone(), service.database_url.clone()];
    let board = Arc::clone(&service.board);
    until_draining(draining(), workers::check_secrets(used, config.secret_ttl, board));
    let (market_data, key) = (Arc::clone(&service.market_data), service.polygon_key.clone());
    until_draining(draining(), vendor_key::follow(market_data, key, secrets.clone()));
    until_draining(draining(), secrets.clone().watch());
    until_draining(draining(), reload_on_hangup(secrets.clone()));
    if let Some(ring) = service.ring() {
        until_draining(draining(), Keeper::new(service.keys.clone(), Arc::clone(ring)).run());
    }
    crew::start(service, config)
}

/// Runs endless work until the service drains.
fn until_draining(draining: Draining, work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(async move {
        tokio::select! {
            () = draining.begun() => {}
            () = work => {}
        }
    });
}

/// Looks for every secret again when an operator sends SIGHUP.
async fn reload_on_hangup(secrets: Secrets) {
    let mut hangups = match signal(SignalKind::hangup()) {
        Ok(hangups) => hangups,
        Err(error) => return tracing::warn!(%error, "SIGHUP will not reload secrets"),
    };
    while hangups.recv().await.is_some() {
        let reloaded = secrets.reload().await;
        let (changed, failed) = (reloaded.changed.len(), reloaded.failed.len());
        tracing::info!(changed, failed, "looked for every secret again");
    }
}
