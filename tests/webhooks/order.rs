//! The same day told in any order, any number of times, in any portions, and to a server that is killed in between, comes
//! to the same state, to the last cent.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::Value;
use tests::database::Database;
use tests::midnight::stay_clear_of_midnight;
use tests::providers::{Providers, SignedRequest, now};
use tests::volley::volley_until_acknowledged;
use tests::{Server, ServerOptions};

use crate::admin::{balances, read, settle, tell};
use crate::business::figures;
use crate::day::{CASH_CENTS, CUSTOMER_MICROS, WALLET_MICROS, customer, day, investor, wallet};
use crate::hostile::kept;

/// Days told in another way each: on SQLite, and fewer on Postgres, which has its own.
const WAYS_ON_SQLITE: RangeInclusive<u64> = 1..=8;
const WAYS_ON_POSTGRES: RangeInclusive<u64> = 101..=103;
/// Most times that an event is told in one of them.
const REPEATS_MAX: u64 = 3;

/// Everything that a day comes to.
struct Outcome {
    balances: BTreeMap<(String, String), i64>,
    portfolios: Vec<Value>,
    figures: BTreeMap<&'static str, Option<f64>>,
}

/// A sequence of numbers that looks random and is the same every time (xorshift, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap();
            items.swap(last, other);
        }
    }
}

fn outcome(server: &Server) -> Outcome {
    settle(server);
    // Once the figures stand, the price of USDC is known, too.
    let figures = figures(server);
    let portfolio = |holder: &str| {
        let mut portfolio = read(server, &format!("/api/portfolio/{holder}"));
        forget_times(&mut portfolio);
        portfolio
    };
    let portfolios = vec![portfolio(&investor().holder()), portfolio(&wallet()), portfolio(&customer())];
    Outcome { balances: balances(server), portfolios, figures }
}

/// When it was asked for is not what it says.
fn forget_times(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|name, _| !matches!(name.as_str(), "as_of" | "age_seconds" | "oldest_price_at"));
        members.values_mut().for_each(forget_times);
    } else if let Value::Array(items) = value {
        items.iter_mut().for_each(forget_times);
    }
}

fn in_order(options: &ServerOptions, told: &[SignedRequest]) -> Outcome {
    let server = options.start();
    tell(&server, told);
    outcome(&server)
}

/// Each event one to three times, shuffled, in portions of one to ten, over one connection or several, with the server
/// killed before some of them.
fn otherwise(options: &ServerOptions, database: &Database, told: &[SignedRequest], seed: u64) -> Outcome {
    let mut dice = Dice(seed);
    let mut requests: Vec<SignedRequest> = Vec::new();
    for request in told {
        let times = usize::try_from(1 + dice.below(REPEATS_MAX)).unwrap();
        requests.extend(std::iter::repeat_n(request.clone(), times));
    }
    dice.shuffle(&mut requests);
    let mut server = options.start();
    assert_eq!(kept(&server), 0, "it was told nothing yet");
    let mut left = requests.as_slice();
    while !left.is_empty() {
        let count = usize::try_from(1 + dice.below(10)).unwrap().min(left.len());
        let (portion, rest) = left.split_at(count);
        let connections = usize::try_from(1 + dice.below(4)).unwrap();
        drop(volley_until_acknowledged(&[server.address()], portion, connections));
        if dice.below(12) == 0 {
            drop(server);
            database.end_leases();
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

/// In order first, then in these ways, each on a database with nothing in it.
fn comes_to_the_same(database: &Database, ways: RangeInclusive<u64>) {
    stay_clear_of_midnight();
    let (providers, end) = (Providers::new(), now());
    // The same day, signed anew each time: a signature is fresh for minutes, and all ways together may take longer.
    let told = || day(&providers, end);
    let options = providers.options().set("DATABASE_URL", database.url());
    let expected = in_order(&options, &told());
    assert_as_computed_by_hand(&expected);
    for seed in ways.clone() {
        database.clear();
        let found = otherwise(&options, database, &told(), seed);
        assert_eq!(found.balances, expected.balances, "seed {seed}");
        assert_eq!(found.figures, expected.figures, "seed {seed}");
        for (found, expected) in found.portfolios.iter().zip(&expected.portfolios) {
            assert_eq!(found, expected, "seed {seed}");
        }
    }
    eprintln!("{} events, {} ways, one outcome", told().len(), ways.count());
}

#[test]
fn a_day_told_in_any_order_comes_to_the_same_on_sqlite() {
    let place = tempfile::tempdir().unwrap();
    comes_to_the_same(&Database::sqlite_in(place.path()), WAYS_ON_SQLITE);
}

#[test]
fn a_day_told_in_any_order_comes_to_the_same_on_postgres() {
    comes_to_the_same(&Database::on_postgres(), WAYS_ON_POSTGRES);
}
