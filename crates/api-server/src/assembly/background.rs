//! The work in the background: checks of what the service depends on, and secrets that change.

use std::sync::Arc;

use secrets::Secrets;
use tokio::signal::unix::{SignalKind, signal};

use super::{Service, authentication};
use crate::config::Config;
use crate::serve::Draining;
use crate::workers;

pub(super) fn start(service: &Service, config: &Config, secrets: &Secrets) {
    let draining = || service.draining.clone();
    let (market_data, board) = (Arc::clone(&service.market_data), Arc::clone(&service.board));
    // The handle is not needed: the task ends when the service drains.
    let _checks = workers::spawn_health_checks(market_data, board, config.health_check_period, draining());
    until_draining(draining(), secrets.clone().watch());
    until_draining(draining(), reload_on_hangup(secrets.clone()));
    if let Some(ring) = service.ring() {
        until_draining(draining(), authentication::keep_current(service.keys.clone(), Arc::clone(ring)));
    }
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
