//! Starts the workers that work on what is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use alpaca::EventStreams;
use domain::Currency;
use webhooks::{CircleSenders, Reading};

use super::{Service, storage};
use crate::config::{Config, Profile};
use crate::workers::{self, Caution, Crew, Events, Inflow, Office};

/// Random bytes in the name of this process among those that share a database.
const OWNER_BYTES: usize = 8;

pub(super) fn start(service: &Service, config: &Config) -> Crew {
    let mut crew = Crew::new(service.metrics.workers.panics.clone());
    let (store, metrics) = (service.store().clone(), Arc::clone(&service.metrics));
    let owner = owner();
    tracing::info!(owner, "the workers of this process lease under this name");

    let (url, followed) = (service.database_url.clone(), store.clone());
    crew.start_endless("database_url", move || storage::follow(followed.clone(), url.clone()));
    let (checked, board) = (store.clone(), Arc::clone(&service.board));
    let heart = metrics.workers.heart("database");
    crew.start_endless("database", move || {
        workers::check_database(checked.clone(), Arc::clone(&board), heart.clone())
    });
    start_events(&mut crew, service, config, &owner);
    start_books(&mut crew, service, config, &owner);
    if let Some(inflow) = &service.inflow {
        start_streams(&mut crew, service, inflow, config, &owner);
    }
    crew
}

/// What only one of all processes does: figures, marks and snapshots, and the end of bodies.
fn start_books(crew: &mut Crew, service: &Service, config: &Config, owner: &str) {
    let office = start_office(crew, service, "books", owner);
    let (store, metrics) = (service.store().clone(), Arc::clone(&service.metrics));
    let heart = |name| metrics.workers.heart(name);
    let (of_business, of_marks, of_retention) = (heart("business"), heart("marks"), heart("retention"));
    let (held, of_store) = (office.clone(), store.clone());
    crew.start_endless("business", move || {
        workers::compute_business(of_store.clone(), held.clone(), Arc::clone(&metrics), of_business.clone())
    });
    let (held, of_store, market_data) = (office.clone(), store.clone(), Arc::clone(&service.market_data));
    crew.start_endless("marks", move || {
        workers::mark_prices(of_store.clone(), Arc::clone(&market_data), held.clone(), of_marks.clone())
    });
    let retention = config.deliveries.retention;
    crew.start_endless("retention", move || {
        workers::remove_bodies(store.clone(), retention, office.clone(), of_retention.clone())
    });
}

fn start_office(crew: &mut Crew, service: &Service, name: &'static str, owner: &str) -> Office {
    let office = Office::new(name);
    let (held, store) = (office.clone(), service.store().clone());
    let (owner, stopping) = (owner.to_owned(), crew.stopping());
    crew.start(name, move || held.clone().run(store.clone(), owner.clone(), stopping.clone()));
    office
}

fn start_streams(
    crew: &mut Crew,
    service: &Service,
    streams: &Arc<EventStreams>,
    config: &Config,
    owner: &str,
) {
    let inflow = Inflow {
        streams: Arc::clone(streams),
        store: service.store().clone(),
        kick: Arc::clone(&service.desk.kick),
        metrics: Arc::clone(&service.metrics),
        office: start_office(crew, service, "alpaca_events", owner),
    };
    for stream in config.alpaca_events.streams.iter().copied() {
        let inflow = inflow.clone();
        crew.start_endless("alpaca_events", move || workers::read_stream(inflow.clone(), stream));
    }
    let (read, board) = (config.alpaca_events.streams.clone(), Arc::clone(&service.board));
    let heart = service.metrics.workers.heart("alpaca_events");
    crew.start_endless("alpaca_events", move || {
        workers::watch_streams(inflow.clone(), read.clone(), Arc::clone(&board), heart.clone())
    });
}

fn start_events(crew: &mut Crew, service: &Service, config: &Config, owner: &str) {
    let events = Events {
        store: service.store().clone(),
        reading: Arc::new(reading(config)),
        rules: ledger::Rules { stash_ratio: config.ledger.stash_ratio },
        kick: Arc::clone(&service.desk.kick),
        metrics: Arc::clone(&service.metrics),
        caution: Caution::default(),
    };
    for number in 1..=config.deliveries.workers {
        let (events, heart) = (events.clone(), service.metrics.workers.heart("events"));
        let (owner, stopping) = (format!("{owner}/{number}"), crew.stopping());
        crew.start("events", move || {
            workers::apply_events(events.clone(), owner.clone(), heart.clone(), stopping.clone())
        });
    }
}

fn reading(config: &Config) -> Reading {
    let usdc = config.deliveries.circle.usdc_token_ids.iter();
    let circle_tokens: BTreeMap<_, _> = usdc.map(|id| (id.clone(), Currency::Usdc)).collect();
    Reading {
        alpaca_cash: config.ledger.alpaca_cash,
        alpaca_entries: config.ledger.alpaca_entries,
        circle_tokens,
        circle_senders: circle_senders(config),
    }
}

/// In production nobody is anyone: without a name what comes is kept, has no effect, and can be replayed.
fn circle_senders(config: &Config) -> CircleSenders {
    let senders = &config.deliveries.circle.senders;
    if senders.is_empty() && config.profile != Profile::Production {
        return CircleSenders::Anyone;
    }
    CircleSenders::Only(senders.iter().cloned().collect())
}

/// What this process is called among those that share a database.
fn owner() -> String {
    let mut bytes = [0; OWNER_BYTES];
    // Without randomness the process id alone still tells processes of one machine apart.
    let _missing = getrandom::fill(&mut bytes);
    format!("{}-{:016x}", std::process::id(), u64::from_ne_bytes(bytes))
}
