//! Outages of Postgres under load, and two servers that share the jobs.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tests::events::AlpacaAccount;
use tests::load::{Outcome, send_all, send_until_acknowledged};
use tests::providers::{Providers, SignedRequest, now};
use tests::{Postgres, Server};

use crate::admin::{balances, wait_until_applied};

/// Each a deposit of one dollar to its own account.
const DELIVERIES: usize = 3000;
const CONNECTIONS: usize = 16;
/// Deliveries that are signed and sent at a time.
const BATCH: usize = 100;
/// Deliveries between two checks of each server's share.
const ROUND: usize = 500;
/// Rounds after which each server must have a share.
const ROUNDS_MAX: usize = 40;
/// Before rejected deliveries are sent again.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);
/// Until everything is acknowledged, outages included.
const LOAD_TIMEOUT: Duration = Duration::from_secs(300);

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

/// A provider that delivers without a pause: rejected deliveries again, and duplicates once all are acknowledged.
#[derive(Default)]
struct Load {
    acknowledged: AtomicUsize,
    rejected: AtomicUsize,
    /// Stops once all are acknowledged.
    may_end: AtomicBool,
}

impl Load {
    /// Returns every response.
    fn run(&self, providers: &Providers, server: &Server, bodies: &[String]) -> Vec<Outcome> {
        let (mut left, mut responses, started) = (bodies.to_vec(), Vec::new(), Instant::now());
        while !(left.is_empty() && self.may_end.load(Relaxed)) {
            assert!(started.elapsed() < LOAD_TIMEOUT, "{} are not acknowledged", left.len());
            let rest = left.split_off(left.len().min(BATCH));
            let batch = if left.is_empty() { bodies[..BATCH].to_vec() } else { left };
            let outcomes = send_all(&[server.address()], &signed(providers, &batch), CONNECTIONS);
            let rejected = |(outcome, body): (&Outcome, String)| (!outcome.is_acknowledged()).then_some(body);
            left = outcomes.iter().zip(batch).filter_map(rejected).collect();
            self.rejected.fetch_add(left.len(), Relaxed);
            self.acknowledged.fetch_add(outcomes.len() - left.len(), Relaxed);
            if !left.is_empty() {
                std::thread::sleep(RETRY_INTERVAL);
            }
            left.extend(rest);
            responses.extend(outcomes);
        }
        responses
    }
}

fn assert_nothing_lost(postgres: &Postgres, database: &str, count: usize) {
    let events = postgres.rows(database, "SELECT count(*), count(DISTINCT dedupe_key) FROM webhook_events");
    assert_eq!(events, [[count.to_string(), count.to_string()]]);
    let open = "SELECT count(*) FROM webhook_jobs WHERE state NOT IN ('done', 'unhandled')";
    assert_eq!(postgres.rows(database, open), [["0"]]);
}

/// Stops, kills and stops Postgres while deliveries are accepted, each time until some are rejected.
fn interrupt_three_times(postgres: &mut Postgres, server: &Server, load: &Load) {
    for kill in [false, true, false] {
        let acknowledged = load.acknowledged.load(Relaxed);
        server.wait_until("deliveries are accepted", |_| load.acknowledged.load(Relaxed) > acknowledged);
        if kill {
            postgres.kill();
        } else {
            postgres.stop();
        }
        let rejected = load.rejected.load(Relaxed);
        server.wait_until("deliveries are rejected", |_| load.rejected.load(Relaxed) > rejected);
        postgres.start_again();
    }
    load.may_end.store(true, Relaxed);
}

#[test]
fn outages_of_postgres_reject_deliveries_and_lose_no_acknowledged_one() {
    let (providers, mut postgres) = (Providers::new(), Postgres::start());
    let server = providers.options().set("DATABASE_URL", postgres.create_database("outage")).start();
    let (bodies, load) = (deposits(0..DELIVERIES), Load::default());
    let responses = std::thread::scope(|scope| {
        let sending = scope.spawn(|| load.run(&providers, &server, &bodies));
        interrupt_three_times(&mut postgres, &server, &load);
        sending.join().unwrap()
    });
    let rejected: Vec<&Outcome> = responses.iter().filter(|outcome| !outcome.is_acknowledged()).collect();
    for outcome in &rejected {
        assert_eq!(outcome.status, Some(503), "{outcome:?}");
        assert!(
            outcome.retry_after.as_deref().is_some_and(|value| value.parse::<u32>().is_ok()),
            "{outcome:?}"
        );
    }
    wait_until_applied(&server);
    assert_nothing_lost(&postgres, "outage", DELIVERIES);
    let sums = balances(&server);
    assert!(sums.iter().filter(|((account, _), _)| account.starts_with("user/")).all(|(_, sum)| *sum == 100));
    assert_eq!(sums.values().sum::<i64>(), 0, "the ledger is balanced");
    assert_eq!(sums.len(), DELIVERIES + 1, "each account and the clearing account");
    eprintln!(
        "{DELIVERIES} deliveries, {} responses, {} of them 503, nothing lost",
        responses.len(),
        rejected.len()
    );
}

/// Events that this server has processed.
fn processed(server: &Server) -> f64 {
    let series = "webhook_jobs_total{outcome=\"processed\",provider=\"alpaca\"}";
    server.metric(series).unwrap_or_else(|| panic!("{series} is missing"))
}

#[test]
fn two_servers_with_one_postgres_share_the_jobs_and_do_each_once() {
    let (providers, postgres) = (Providers::new(), Postgres::start());
    let options = providers.options().set("DATABASE_URL", postgres.create_database("shared"));
    let (one, two) = (options.start(), options.start());
    let mut ids = BTreeSet::new();
    let mut count = 0;
    // All deliveries go to one server: the other can get its jobs only from the database.
    while count < DELIVERIES || (processed(&one).min(processed(&two)) == 0.0 && count < ROUND * ROUNDS_MAX) {
        let requests = signed(&providers, &deposits(count..count + ROUND));
        let outcomes = send_until_acknowledged(&[one.address()], &requests, CONNECTIONS);
        ids.extend(outcomes.iter().map(Outcome::id));
        count += ROUND;
    }
    assert_eq!(ids.len(), count);
    wait_until_applied(&one);
    assert_nothing_lost(&postgres, "shared", count);
    let by_each = || [processed(&one), processed(&two)];
    // A job is counted a moment after it is done.
    one.wait_until("everything is counted", |_| by_each().iter().sum::<f64>() >= count as f64);
    assert!(by_each().iter().all(|count| *count > 0.0), "{:?}", by_each());
    assert_eq!(by_each().iter().sum::<f64>(), count as f64, "{:?}: each once", by_each());
    let sums = balances(&two);
    assert_eq!((sums.len(), sums.values().sum::<i64>()), (count + 1, 0));
    eprintln!("{count} deliveries to one server; processed by each: {:?}", by_each());
}

#[test]
fn a_server_that_stops_gives_back_its_jobs_and_its_leader_lease_at_once() {
    let (providers, postgres) = (Providers::new(), Postgres::start());
    let options = providers.options().set("DATABASE_URL", postgres.create_database("leaving"));
    let mut leaving = options.start();
    let leases = "SELECT owner FROM leader_leases WHERE name <> 'health' AND lease_until > extract(epoch FROM now()) * 1000000";
    leaving.wait_until("it is the leader", |_| !postgres.rows("leaving", leases).is_empty());
    let staying = options.start();
    let requests = signed(&providers, &deposits(0..DELIVERIES));
    send_until_acknowledged(&[leaving.address()], &requests, CONNECTIONS);
    leaving.signal("TERM");
    assert!(leaving.wait().is_some_and(|status| status.success()));
    let events = leaving.events();
    let owner = events.iter().find_map(|event| event["fields"]["owner"].as_str().or(event["owner"].as_str()));
    let owner = owner.expect("the log names the owner");
    assert!(
        !postgres.rows("leaving", leases).iter().any(|lease| lease[0] == owner),
        "leader leases of {owner}"
    );
    let jobs =
        format!("SELECT count(*) FROM webhook_jobs WHERE state = 'leased' AND lease_owner LIKE '{owner}%'");
    assert_eq!(postgres.rows("leaving", &jobs), [["0"]], "jobs of {owner}");
    wait_until_applied(&staying);
    assert_nothing_lost(&postgres, "leaving", DELIVERIES);
}
