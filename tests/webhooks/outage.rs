//! Postgres that goes away under load and comes back, and two servers that share its work.

use std::collections::BTreeSet;
use std::time::Duration;

use tests::Postgres;
use tests::events::AlpacaAccount;
use tests::providers::{Providers, SignedRequest, now};
use tests::volley::{Outcome, send, volley};

use crate::admin::{balances, settle};

/// Deliveries, each a deposit of one dollar to an account of its own.
const DELIVERIES: usize = 3000;
const CONNECTIONS: usize = 16;
/// How often what was refused is sent again.
const ROUNDS_MAX: usize = 200;

fn deposits(providers: &Providers, count: usize) -> Vec<SignedRequest> {
    let each = |number: usize| {
        let account = AlpacaAccount::named(&format!("outage {number}"));
        providers.alpaca("nta", account.entry(now(), "one dollar", "CSD", "1.00", "executed"))
    };
    (0..count).map(each).collect()
}

/// Sends again what was not acknowledged until nothing is left; what was said meanwhile.
async fn persist(address: std::net::SocketAddr, requests: &[SignedRequest]) -> Vec<Outcome> {
    let mut left: Vec<SignedRequest> = requests.to_vec();
    let mut said = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let outcomes = send(&[address], &left, CONNECTIONS).await;
        let refused = outcomes.iter().zip(&left).filter(|(outcome, _)| !outcome.is_acknowledged());
        left = refused.map(|(_, request)| request.clone()).collect();
        said.extend(outcomes);
        if left.is_empty() {
            return said;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} are refused for ever", left.len());
}

fn assert_nothing_lost(postgres: &Postgres, database: &str, count: usize) {
    let events = postgres.rows(database, "SELECT count(*), count(DISTINCT dedupe_key) FROM webhook_events");
    assert_eq!(events, [[count.to_string(), count.to_string()]]);
    let open = "SELECT count(*) FROM webhook_work WHERE state NOT IN ('done', 'unhandled')";
    assert_eq!(postgres.rows(database, open), [["0"]]);
}

#[test]
fn while_postgres_is_away_deliveries_are_refused_and_nothing_that_was_acknowledged_is_lost() {
    let (providers, mut postgres) = (Providers::new(), Postgres::start());
    let server = providers.options().set("DATABASE_URL", postgres.database("outage")).start();
    let requests = deposits(&providers, DELIVERIES);
    let address = server.address();
    let sending = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(persist(address, &requests))
    });
    for kill in [false, true, false] {
        std::thread::sleep(Duration::from_millis(300));
        if kill {
            postgres.kill();
        } else {
            postgres.stop();
        }
        std::thread::sleep(Duration::from_millis(700));
        postgres.start_again();
    }
    let said = sending.join().unwrap();
    let refused: Vec<&Outcome> = said.iter().filter(|outcome| !outcome.is_acknowledged()).collect();
    assert!(!refused.is_empty(), "Postgres was away while nobody asked: send more");
    for outcome in &refused {
        assert_eq!(outcome.status, Some(503), "{outcome:?}");
        assert!(
            outcome.retry_after.as_deref().is_some_and(|value| value.parse::<u32>().is_ok()),
            "{outcome:?}"
        );
    }
    settle(&server);
    assert_nothing_lost(&postgres, "outage", DELIVERIES);
    let sums = balances(&server);
    assert!(sums.iter().filter(|((account, _), _)| account.starts_with("user/")).all(|(_, sum)| *sum == 100));
    assert_eq!(sums.values().sum::<i64>(), 0, "the books are balanced");
    assert_eq!(sums.len(), DELIVERIES + 1, "each account and the clearing account");
    eprintln!("{DELIVERIES} deliveries, {} answers, {} of them 503, nothing lost", said.len(), refused.len());
}

#[test]
fn two_servers_over_one_postgres_share_the_work_and_do_each_piece_once() {
    let (providers, postgres) = (Providers::new(), Postgres::start());
    let options = providers.options().set("DATABASE_URL", postgres.database("shared"));
    let (one, two) = (options.start(), options.start());
    let requests = deposits(&providers, DELIVERIES);
    // All of them to one server: the other can only have its share of the work from the database.
    let outcomes = volley(&[one.address()], &requests, CONNECTIONS);
    assert!(outcomes.iter().all(Outcome::is_acknowledged));
    settle(&one);
    assert_nothing_lost(&postgres, "shared", DELIVERIES);
    let processed = [&one, &two].map(|server| {
        let series = "webhook_events_total{outcome=\"processed\",source=\"alpaca\"}";
        server.metric(series).unwrap_or_else(|| panic!("{series} is not told"))
    });
    assert!(processed.iter().all(|count| *count > 0.0), "{processed:?}");
    assert_eq!(processed.iter().sum::<f64>(), DELIVERIES as f64, "{processed:?}: each once");
    let ids: BTreeSet<String> = outcomes.iter().map(Outcome::id).collect();
    assert_eq!(ids.len(), DELIVERIES);
    let sums = balances(&two);
    assert_eq!((sums.len(), sums.values().sum::<i64>()), (DELIVERIES + 1, 0));
    eprintln!("{DELIVERIES} deliveries to one server; processed by each: {processed:?}");
}
