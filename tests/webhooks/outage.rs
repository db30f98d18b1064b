//! Postgres that goes away under load and comes back, and two servers that share its work.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tests::events::AlpacaAccount;
use tests::providers::{Providers, SignedRequest, now};
use tests::volley::{Outcome, volley, volley_until_acknowledged};
use tests::{Postgres, Server};

use crate::admin::{balances, settle};

/// Deliveries, each a deposit of one dollar to an account of its own.
const DELIVERIES: usize = 3000;
const CONNECTIONS: usize = 16;
/// Deliveries that are signed and sent at a time.
const PORTION: usize = 100;
/// Deliveries that are sent before it is seen who worked on them.
const ROUND: usize = 500;
/// Rounds after which a server that worked on nothing has no share.
const ROUNDS_MAX: usize = 40;
/// Pause before what was refused is sent again.
const RESEND_PAUSE: Duration = Duration::from_millis(50);
/// Longest time in which everything is acknowledged, outages included.
const LOAD_WAIT: Duration = Duration::from_secs(300);

/// The bodies of deposits with these numbers.
fn deposits(numbers: Range<usize>) -> Vec<String> {
    let each = |number: usize| {
        AlpacaAccount::named(&format!("outage {number}")).entry(
            now(),
            "one dollar",
            "CSD",
            "1.00",
            "executed",
        )
    };
    numbers.map(each).collect()
}

fn signed(providers: &Providers, bodies: &[String]) -> Vec<SignedRequest> {
    bodies.iter().map(|body| providers.alpaca("nta", body.as_str())).collect()
}

/// A provider that sends without a pause: again what was refused, and when nothing is left, once more what was taken.
#[derive(Default)]
struct Load {
    taken: AtomicUsize,
    refused: AtomicUsize,
    /// Whether it may end when nothing is left.
    may_end: AtomicBool,
}

impl Load {
    /// Every answer, until all are acknowledged and it may end.
    fn persist(&self, providers: &Providers, server: &Server, bodies: &[String]) -> Vec<Outcome> {
        let (mut left, mut said, begun) = (bodies.to_vec(), Vec::new(), Instant::now());
        while !(left.is_empty() && self.may_end.load(Relaxed)) {
            assert!(begun.elapsed() < LOAD_WAIT, "{} are not taken", left.len());
            let rest = left.split_off(left.len().min(PORTION));
            let portion = if left.is_empty() { bodies[..PORTION].to_vec() } else { left };
            let outcomes = volley(&[server.address()], &signed(providers, &portion), CONNECTIONS);
            let refused = |(outcome, body): (&Outcome, String)| (!outcome.is_acknowledged()).then_some(body);
            left = outcomes.iter().zip(portion).filter_map(refused).collect();
            self.refused.fetch_add(left.len(), Relaxed);
            self.taken.fetch_add(outcomes.len() - left.len(), Relaxed);
            if !left.is_empty() {
                std::thread::sleep(RESEND_PAUSE);
            }
            left.extend(rest);
            said.extend(outcomes);
        }
        said
    }
}

fn assert_nothing_lost(postgres: &Postgres, database: &str, count: usize) {
    let events = postgres.rows(database, "SELECT count(*), count(DISTINCT dedupe_key) FROM webhook_events");
    assert_eq!(events, [[count.to_string(), count.to_string()]]);
    let open = "SELECT count(*) FROM webhook_work WHERE state NOT IN ('done', 'unhandled')";
    assert_eq!(postgres.rows(database, open), [["0"]]);
}

/// Postgres stops, dies and stops again, each time while deliveries are taken, and stays away until some are refused.
fn goes_away_three_times(postgres: &mut Postgres, server: &Server, load: &Load) {
    for kill in [false, true, false] {
        let taken = load.taken.load(Relaxed);
        server.until("deliveries are taken", |_| load.taken.load(Relaxed) > taken);
        if kill {
            postgres.kill();
        } else {
            postgres.stop();
        }
        let refused = load.refused.load(Relaxed);
        server.until("deliveries are refused", |_| load.refused.load(Relaxed) > refused);
        postgres.start_again();
    }
    load.may_end.store(true, Relaxed);
}

#[test]
fn while_postgres_is_away_deliveries_are_refused_and_nothing_that_was_acknowledged_is_lost() {
    let (providers, mut postgres) = (Providers::new(), Postgres::start());
    let server = providers.options().set("DATABASE_URL", postgres.database("outage")).start();
    let (bodies, load) = (deposits(0..DELIVERIES), Load::default());
    let said = std::thread::scope(|scope| {
        let sending = scope.spawn(|| load.persist(&providers, &server, &bodies));
        goes_away_three_times(&mut postgres, &server, &load);
        sending.join().unwrap()
    });
    let refused: Vec<&Outcome> = said.iter().filter(|outcome| !outcome.is_acknowledged()).collect();
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

/// Events that a server has worked on.
fn processed(server: &Server) -> f64 {
    let series = "webhook_events_total{outcome=\"processed\",source=\"alpaca\"}";
    server.metric(series).unwrap_or_else(|| panic!("{series} is not told"))
}

#[test]
fn two_servers_over_one_postgres_share_the_work_and_do_each_piece_once() {
    let (providers, postgres) = (Providers::new(), Postgres::start());
    let options = providers.options().set("DATABASE_URL", postgres.database("shared"));
    let (one, two) = (options.start(), options.start());
    let mut ids = BTreeSet::new();
    let mut sent = 0;
    // All of them to one server: the other can only have its share of the work from the database.
    while sent < DELIVERIES || (processed(&one).min(processed(&two)) == 0.0 && sent < ROUND * ROUNDS_MAX) {
        let requests = signed(&providers, &deposits(sent..sent + ROUND));
        let outcomes = volley_until_acknowledged(&[one.address()], &requests, CONNECTIONS);
        ids.extend(outcomes.iter().map(Outcome::id));
        sent += ROUND;
    }
    assert_eq!(ids.len(), sent);
    settle(&one);
    assert_nothing_lost(&postgres, "shared", sent);
    let by_each = || [processed(&one), processed(&two)];
    // A server counts a moment after it has done something.
    one.until("everything is counted", |_| by_each().iter().sum::<f64>() >= sent as f64);
    assert!(by_each().iter().all(|count| *count > 0.0), "{:?}", by_each());
    assert_eq!(by_each().iter().sum::<f64>(), sent as f64, "{:?}: each once", by_each());
    let sums = balances(&two);
    assert_eq!((sums.len(), sums.values().sum::<i64>()), (sent + 1, 0));
    eprintln!("{sent} deliveries to one server; processed by each: {:?}", by_each());
}
