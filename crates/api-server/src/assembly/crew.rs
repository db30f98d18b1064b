//! Starts the workers that work on what is kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alpaca::EventStreams;
use domain::Currency;
use webhooks::{CircleSenders, Reading};

use super::{Service, storage};
use crate::config::{Config, Profile};
use crate::workers::{self, Caution, Crew, DATABASE_SILENCE_MAX, EVENTS_SILENCE_MAX, Events, Inflow, Office};

/// Longest silence of those that keep the books. They beat before and after each question to the database, the longest of
/// which sums the whole journal, and for each symbol that they wait for, half a minute at most.
const BOOKS_SILENCE_MAX: Duration = Duration::from_secs(300);
/// Longest silence of who looks at the event streams every two seconds, and asks nobody.
const STREAMS_SILENCE_MAX: Duration = Duration::from_secs(60);

/// Random bytes in the name of this process among those that share a database.
const OWNER_BYTES: usize = 8;

pub(super) fn start(service: &Service, config: &Config) -> Crew {
    let mut crew = Crew::new(service.board.roster().clone(), Arc::clone(&service.metrics));
    let store = service.store().clone();
    let owner = owner();
    tracing::info!(owner, "the workers of this process lease under this name");

    let (url, followed) = (service.database_url.clone(), store.clone());
    let heart = crew.hire_waiting("database_url");
    crew.start_endless(&heart, move || storage::follow(followed.clone(), url.clone()));
    let board = Arc::clone(&service.board);
    let heart = crew.hire("database", DATABASE_SILENCE_MAX);
    let beating = heart.clone();
    crew.start_endless(&heart, move || {
        workers::check_database(store.clone(), Arc::clone(&board), beating.clone())
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
    let heart = crew.hire("business", BOOKS_SILENCE_MAX);
    let (held, of_store, beating) = (office.clone(), store.clone(), heart.clone());
    crew.start_endless(&heart, move || {
        workers::compute_business(of_store.clone(), held.clone(), Arc::clone(&metrics), beating.clone())
    });
    let heart = crew.hire("marks", BOOKS_SILENCE_MAX);
    let (held, of_store, beating) = (office.clone(), store.clone(), heart.clone());
    let market_data = Arc::clone(&service.market_data);
    crew.start_endless(&heart, move || {
        workers::mark_prices(of_store.clone(), Arc::clone(&market_data), held.clone(), beating.clone())
    });
    let heart = crew.hire("retention", BOOKS_SILENCE_MAX);
    let (retention, beating) = (config.deliveries.retention, heart.clone());
    crew.start_endless(&heart, move || {
        workers::remove_bodies(store.clone(), retention, office.clone(), beating.clone())
    });
}

fn start_office(crew: &mut Crew, service: &Service, name: &'static str, owner: &str) -> Office {
    let office = Office::new(name);
    let (held, store) = (office.clone(), service.store().clone());
    let (owner, stopping) = (owner.to_owned(), crew.stopping());
    let heart = crew.hire(format!("office/{name}"), BOOKS_SILENCE_MAX);
    let beating = heart.clone();
    crew.start(&heart, move || {
        held.clone().run(store.clone(), owner.clone(), beating.clone(), stopping.clone())
    });
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
        let heart = crew.hire_waiting(format!("alpaca_events/{stream}"));
        crew.start_endless(&heart, move || workers::read_stream(inflow.clone(), stream));
    }
    let (read, board) = (config.alpaca_events.streams.clone(), Arc::clone(&service.board));
    let heart = crew.hire("alpaca_events", STREAMS_SILENCE_MAX);
    let beating = heart.clone();
    crew.start_endless(&heart, move || {
        workers::watch_streams(inflow.clone(), read.clone(), Arc::clone(&board), beating.clone())
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
        // A heart of its own for each: one that hangs is seen while the others beat.
        let heart = crew.hire(format!("events/{number}"), EVENTS_SILENCE_MAX);
        let (events, beating) = (events.clone(), heart.clone());
        let (owner, stopping) = (format!("{owner}/{number}"), crew.stopping());
        crew.start(&heart, move || {
            workers::apply_events(events.clone(), owner.clone(), beating.clone(), stopping.clone())
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
