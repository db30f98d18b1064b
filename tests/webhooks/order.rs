//! A day delivered in any order, with any repetitions and batches, and with server kills in between, has the same result to
//! the cent.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::Value;
use tests::database::Database;
use tests::load::send_until_acknowledged;
use tests::midnight::wait_out_midnight;
use tests::providers::{Providers, SignedRequest, now};
use tests::random::Random;
use tests::{Server, ServerOptions};

use crate::admin::{balances, deliver_in_order, get_json, wait_until_applied};
use crate::business::figures;
use crate::day::{CASH_CENTS, CUSTOMER_MICROS, WALLET_MICROS, customer, day, investor, wallet};
use crate::hostile::event_count;

/// Seeds of the variations; fewer on Postgres.
const SQLITE_SEEDS: RangeInclusive<u64> = 1..=8;
const POSTGRES_SEEDS: RangeInclusive<u64> = 101..=103;
/// Deliveries of one event in a variation.
const REPEATS_MAX: usize = 3;

struct Outcome {
    balances: BTreeMap<(String, String), i64>,
    portfolios: Vec<Value>,
    figures: BTreeMap<&'static str, Option<f64>>,
}

fn outcome(server: &Server) -> Outcome {
    wait_until_applied(server);
    // Once the metrics are computed, the price of USDC is known, too.
    let figures = figures(server);
    let portfolio = |holder: &str| {
        let mut portfolio = get_json(server, &format!("/api/portfolio/{holder}"));
        remove_times(&mut portfolio);
        portfolio
    };
    let portfolios = vec![portfolio(&investor().holder()), portfolio(&wallet()), portfolio(&customer())];
    Outcome { balances: balances(server), portfolios, figures }
}

/// Members that depend on the time of the request.
fn remove_times(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|name, _| !matches!(name.as_str(), "as_of" | "age_seconds" | "oldest_price_at"));
        members.values_mut().for_each(remove_times);
    } else if let Value::Array(items) = value {
        items.iter_mut().for_each(remove_times);
    }
}

fn in_order(options: &ServerOptions, requests: &[SignedRequest]) -> Outcome {
    let server = options.start();
    deliver_in_order(&server, requests);
    outcome(&server)
}

/// Each event one to three times, shuffled, in batches of one to ten, over one to four connections, with server kills before
/// some batches.
fn with_variations(
    options: &ServerOptions,
    database: &Database,
    day: &[SignedRequest],
    seed: u64,
) -> Outcome {
    let mut random = Random::from_seed(seed);
    let mut requests: Vec<SignedRequest> = Vec::new();
    for request in day {
        let times = 1 + random.index(REPEATS_MAX);
        requests.extend(std::iter::repeat_n(request.clone(), times));
    }
    random.shuffle(&mut requests);
    let mut server = options.start();
    assert_eq!(event_count(&server), 0, "the database is empty");
    let mut left = requests.as_slice();
    while !left.is_empty() {
        let (batch, rest) = left.split_at((1 + random.index(10)).min(left.len()));
        let connections = 1 + random.index(4);
        drop(send_until_acknowledged(&[server.address()], batch, connections));
        if random.once_in(12) {
            drop(server);
            database.expire_leases();
            server = options.start();
        }
        left = rest;
    }
    outcome(&server)
}

fn assert_as_computed_by_hand(outcome: &Outcome) {
    let found =
        |account: String, currency: &str| outcome.balances.get(&(account, currency.to_owned())).copied();
    assert_eq!(found(format!("user/{}/fiat_exposure", investor().holder()), "USD"), Some(CASH_CENTS));
    assert_eq!(found(format!("user/{}/pending_investment", investor().holder()), "USD"), None);
    for (holder, (stash, spending)) in [(wallet(), WALLET_MICROS), (customer(), CUSTOMER_MICROS)] {
        assert_eq!(found(format!("user/{holder}/stash_balance"), "USDC"), Some(stash), "{holder}");
        assert_eq!(found(format!("user/{holder}/spending_balance"), "USDC"), Some(spending), "{holder}");
    }
}

/// In order first, then with variations, each on an empty database.
fn assert_same_result(database: &Database, seeds: RangeInclusive<u64>) {
    wait_out_midnight();
    let (providers, end) = (Providers::new(), now());
    // Signed again each time: a signature is fresh for minutes, and all variations together may take longer.
    let requests = || day(&providers, end);
    let options = providers.options().set("DATABASE_URL", database.url());
    let expected = in_order(&options, &requests());
    assert_as_computed_by_hand(&expected);
    for seed in seeds.clone() {
        database.clear();
        let found = with_variations(&options, database, &requests(), seed);
        assert_eq!(found.balances, expected.balances, "seed {seed}");
        assert_eq!(found.figures, expected.figures, "seed {seed}");
        for (found, expected) in found.portfolios.iter().zip(&expected.portfolios) {
            assert_eq!(found, expected, "seed {seed}");
        }
    }
    eprintln!("{} events, {} variations, one result", requests().len(), seeds.count());
}

#[test]
fn a_day_delivered_in_any_order_has_the_same_result_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    assert_same_result(&Database::sqlite_in(directory.path()), SQLITE_SEEDS);
}

#[test]
fn a_day_delivered_in_any_order_has_the_same_result_on_postgres() {
    assert_same_result(&Database::on_postgres(), POSTGRES_SEEDS);
}
