//! Starts the workers that work on stored data.

use std::sync::Arc;
use std::time::Duration;

use alpaca::{EventStreams, Stream};
use config::Config;
use telemetry::Clock;
use workers::{
    DATABASE_SILENCE_MAX, EVENTS_SILENCE_MAX, Events, LeaderLease, PoisonGuard, StreamIngest,
    WorkerSupervisor,
};

use super::{Service, storage};

/// Longest silence of the workers that only the leader runs. They have a heartbeat around each database query, the longest of
/// which sums all ledger entries, and for each symbol that they wait for.
const LEADER_SILENCE_MAX: Duration = Duration::from_secs(300);
/// Longest silence of the worker that checks the event streams every two seconds, without any request.
const STREAMS_SILENCE_MAX: Duration = Duration::from_secs(60);

/// Random bytes in the name of this process.
const OWNER_BYTES: usize = 8;

pub(super) fn start(service: &Service, config: &Config) -> WorkerSupervisor {
    let registry = service.health.workers().clone();
    let mut supervisor = WorkerSupervisor::new(registry, Arc::clone(&service.metrics), Clock::System);
    let store = service.store().clone();
    let owner = owner();
    tracing::info!(owner, "workers started");

    let (store_to_update, url) = (store.clone(), service.database_url.clone());
    supervisor.start_endless(supervisor.register_waiting("database_url"), move |_| {
        storage::follow_url(store_to_update.clone(), url.clone())
    });
    let (store_to_update, audit_key) = (store.clone(), service.audit_key.clone());
    supervisor.start_endless(supervisor.register_waiting("audit_key"), move |_| {
        audit_key.clone().run(store_to_update.clone())
    });
    let (health, metrics) = (Arc::clone(&service.health), Arc::clone(&service.metrics));
    supervisor.start_endless(supervisor.register("database", DATABASE_SILENCE_MAX), move |heartbeat| {
        let (health, metrics) = (Arc::clone(&health), Arc::clone(&metrics));
        workers::check_database(store.clone(), health, metrics, Clock::System, heartbeat)
    });
    let (bans, store, replica) = (Arc::clone(&service.bans), service.store().clone(), owner.clone());
    supervisor.start_endless(supervisor.register_waiting("bans"), move |_| {
        let (bans, store, replica) = (Arc::clone(&bans), store.clone(), replica.clone());
        async move { bans.run(&store, &replica).await }
    });
    start_events(&mut supervisor, service, config, &owner);
    start_leader_work(&mut supervisor, service, config, &owner);
    if let Some((streams, names)) = &service.event_streams {
        start_streams(&mut supervisor, service, streams, names, &owner);
    }
    supervisor
}

/// The work of the leader: business figures, prices and snapshots, the removal of bodies, and reconciliations.
fn start_leader_work(supervisor: &mut WorkerSupervisor, service: &Service, config: &Config, owner: &str) {
    let lease = start_lease(supervisor, service, "ledger", owner);
    let shared = || (service.store().clone(), lease.clone());
    let ((store, lease), metrics) = (shared(), Arc::clone(&service.metrics));
    supervisor.start_endless(supervisor.register("business", LEADER_SILENCE_MAX), move |heartbeat| {
        let metrics = Arc::clone(&metrics);
        workers::compute_business(store.clone(), lease.clone(), metrics, Clock::System, heartbeat)
    });
    let ((store, lease), market_data) = (shared(), Arc::clone(&service.market_data));
    supervisor.start_endless(supervisor.register("prices", LEADER_SILENCE_MAX), move |heartbeat| {
        let market_data = Arc::clone(&market_data);
        workers::refresh_prices(store.clone(), market_data, lease.clone(), Clock::System, heartbeat)
    });
    let ((store, lease), settings) = (shared(), config.webhooks.providers.clone());
    supervisor.start_endless(supervisor.register("retention", LEADER_SILENCE_MAX), move |heartbeat| {
        workers::remove_bodies(store.clone(), settings.clone(), lease.clone(), Clock::System, heartbeat)
    });
    let ((store, lease), apis) = (shared(), service.statement_apis.clone());
    let metrics = Arc::clone(&service.metrics);
    supervisor.start_endless(supervisor.register("reconciliation", LEADER_SILENCE_MAX), move |heartbeat| {
        let (apis, metrics) = (apis.clone(), Arc::clone(&metrics));
        workers::reconcile(store.clone(), apis, lease.clone(), metrics, Clock::System, heartbeat)
    });
}

fn start_lease(
    supervisor: &mut WorkerSupervisor,
    service: &Service,
    name: &'static str,
    owner: &str,
) -> LeaderLease {
    let lease = LeaderLease::new(name);
    let (renewed, store) = (lease.clone(), service.store().clone());
    let (owner, shutdown) = (owner.to_owned(), supervisor.shutdown());
    supervisor.start(supervisor.register(format!("leader/{name}"), LEADER_SILENCE_MAX), move |heartbeat| {
        renewed.clone().run(store.clone(), owner.clone(), Clock::System, heartbeat, shutdown.clone())
    });
    lease
}

fn start_streams(
    supervisor: &mut WorkerSupervisor,
    service: &Service,
    streams: &Arc<EventStreams>,
    names: &[Stream],
    owner: &str,
) {
    let ingest = StreamIngest {
        streams: Arc::clone(streams),
        store: service.store().clone(),
        work_available: Arc::clone(&service.intake.work_available),
        metrics: Arc::clone(&service.metrics),
        lease: start_lease(supervisor, service, "alpaca_events", owner),
        clock: Clock::System,
    };
    for stream in names.iter().copied() {
        let ingest = ingest.clone();
        supervisor.start_endless(supervisor.register_waiting(format!("alpaca_events/{stream}")), move |_| {
            workers::ingest_stream(ingest.clone(), stream)
        });
    }
    let (names, health) = (names.to_vec(), Arc::clone(&service.health));
    supervisor.start_endless(supervisor.register("alpaca_events", STREAMS_SILENCE_MAX), move |heartbeat| {
        workers::watch_streams(ingest.clone(), names.clone(), Arc::clone(&health), heartbeat)
    });
}

fn start_events(supervisor: &mut WorkerSupervisor, service: &Service, config: &Config, owner: &str) {
    let events = Events {
        store: service.store().clone(),
        settings: Arc::new(config.webhooks.providers.clone()),
        rules: ledger::Rules { stash_ratio: config.stash_ratio },
        work_available: Arc::clone(&service.intake.work_available),
        metrics: Arc::clone(&service.metrics),
        poison_guard: PoisonGuard::default(),
        clock: Clock::System,
        tracer: service.tracer.clone(),
    };
    for number in 1..=config.webhooks.workers {
        // A heartbeat for each, so that one that hangs is noticed while the others work.
        let heartbeat = supervisor.register(format!("events/{number}"), EVENTS_SILENCE_MAX);
        let (events, owner) = (events.clone(), format!("{owner}/{number}"));
        let shutdown = supervisor.shutdown();
        supervisor.start(heartbeat, move |heartbeat| {
            workers::apply_events(events.clone(), owner.clone(), heartbeat, shutdown.clone())
        });
    }
}

/// The name of this process among those that share a database.
pub(super) fn owner() -> String {
    let mut bytes = [0; OWNER_BYTES];
    // Without randomness, the process id still distinguishes the processes of one machine.
    let _missing = getrandom::fill(&mut bytes);
    format!("{}-{:016x}", std::process::id(), u64::from_ne_bytes(bytes))
}
