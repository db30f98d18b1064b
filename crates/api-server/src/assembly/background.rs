//! The work in the background: checks of what the service depends on, and secrets that change.

use std::sync::Arc;

use ::secrets::Secrets;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::authentication::Keeper;
use super::{Service, crew, vendor_key};
use crate::config::Config;
use crate::serve::Draining;
use crate::workers::{self, Crew, Heart};

pub(super) fn start(service: &Service, config: &Config, secrets: &Secrets) -> Crew {
    let draining = || service.draining.clone();
    let hire = |worker: &'static str| service.board.roster().hire(worker, None);
    let (market_data, board) = (Arc::clone(&service.market_data), Arc::clone(&service.board));
    let checks = workers::spawn_health_checks(market_data, board, config.health_check_period, draining());
    watch(draining(), hire("health_checks"), checks);
    let used = vec![service.keys.clone(), service.polygon_key.clone(), service.database_url.clone()];
    let board = Arc::clone(&service.board);
    let checks = workers::check_secrets(used, config.secret_ttl, board);
    until_draining(draining(), hire("secret_checks"), checks);
    let (market_data, key) = (Arc::clone(&service.market_data), service.polygon_key.clone());
    let following = vendor_key::follow(market_data, key, secrets.clone());
    until_draining(draining(), hire("vendor_key"), following);
    until_draining(draining(), hire("secrets"), secrets.clone().watch());
    until_draining(draining(), hire("hangups"), reload_on_hangup(secrets.clone()));
    if let Some(ring) = service.ring() {
        let keeper = Keeper::new(service.keys.clone(), Arc::clone(ring));
        until_draining(draining(), hire("api_keys"), keeper.run());
    }
    crew::start(service, config)
}

/// Runs work until the service drains.
fn until_draining(draining: Draining, heart: Heart, work: impl Future<Output = ()> + Send + 'static) {
    let until = draining.clone();
    let running = tokio::spawn(async move {
        tokio::select! {
            () = until.begun() => {}
            () = work => {}
        }
    });
    watch(draining, heart, running);
}

/// Sees to it that work which breaks off is missed: nobody begins it anew. Some of it may be over early, when there is
/// nothing to watch.
fn watch(draining: Draining, heart: Heart, running: JoinHandle<()>) {
    tokio::spawn(async move {
        let ended = running.await;
        if ended.is_err() && !draining.has_begun() {
            heart.stop();
            tracing::error!(worker = heart.worker(), "work in the background broke off");
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
