//! Starts the workers that work on what is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Currency;
use webhooks::Reading;

use super::{Service, storage};
use crate::config::Config;
use crate::workers::{self, Crew, Events};

/// Random bytes in the name of this process among those that share a database.
const OWNER_BYTES: usize = 8;

pub(super) fn start(service: &Service, config: &Config) -> Crew {
    let mut crew = Crew::default();
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
    crew
}

fn start_events(crew: &mut Crew, service: &Service, config: &Config, owner: &str) {
    let events = Events {
        store: service.store().clone(),
        reading: Arc::new(reading(config)),
        rules: ledger::Rules { stash_ratio: config.ledger.stash_ratio },
        kick: Arc::clone(&service.desk.kick),
        metrics: Arc::clone(&service.metrics),
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
    Reading { alpaca_cash: config.ledger.alpaca_cash, circle_tokens }
}

/// What this process is called among those that share a database.
fn owner() -> String {
    let mut bytes = [0; OWNER_BYTES];
    // Without randomness the process id alone still tells processes of one machine apart.
    let _missing = getrandom::fill(&mut bytes);
    format!("{}-{:016x}", std::process::id(), u64::from_ne_bytes(bytes))
}
