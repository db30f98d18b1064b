//! Two Postgres clusters behind one address: the primary is killed, and its standby takes its place.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tests::events::AlpacaAccount;
use tests::forwarder::Forwarder;
use tests::load::{Outcome, send_all};
use tests::providers::{Providers, VIEWER_KEY, now};
use tests::{Postgres, Response, Server, ServerOptions};

use crate::admin::{get_json, items, wait_until_applied};

const DATABASE: &str = "books";
const CONNECTIONS: usize = 4;
/// Deliveries before and after the end of the primary.
const ENOUGH: usize = 200;
const BATCH: usize = 20;
/// A standby that is further behind is not read.
const BEHIND_MAX: Duration = Duration::from_secs(5);

struct Clusters {
    primary: Mutex<Postgres>,
    standby: Postgres,
    address: Forwarder,
    providers: Providers,
    sent: AtomicUsize,
}

impl Clusters {
    fn start() -> Self {
        let primary = Postgres::start();
        drop(primary.create_database(DATABASE));
        let standby = primary.standby();
        let (address, primary) = (Forwarder::start(primary.port()), Mutex::new(primary));
        Self { primary, standby, address, providers: Providers::new(), sent: AtomicUsize::new(0) }
    }

    fn options(&self) -> ServerOptions {
        let primary = self.primary.lock().unwrap();
        let [before, after] = [primary.port(), self.address.port()].map(|port| format!(":{port}/"));
        let url = primary.url(DATABASE).replace(&before, &after);
        self.providers
            .options()
            .set("DATABASE_URL", url)
            .set("DATABASE_STANDBY_HOST", format!("127.0.0.1:{}", self.standby.port()))
    }

    /// Sends deposits of one dollar, each once.
    fn send(&self, server: &Server, count: usize) -> Vec<Outcome> {
        let first = self.sent.fetch_add(count, Relaxed);
        let sign = |number: usize| {
            let account = AlpacaAccount::named("failover");
            let body = account.entry(now(), &format!("deposit {number}"), "CSD", "1.00", "executed");
            self.providers.alpaca("nta", body)
        };
        send_all(&[server.address()], &(first..first + count).map(sign).collect::<Vec<_>>(), CONNECTIONS)
    }

    fn kill_primary(&self) {
        self.primary.lock().unwrap().kill_group();
    }

    fn promote_standby(&self) {
        self.standby.promote();
        self.address.lead_to(self.standby.port());
    }
}

fn read(server: &Server) -> Response {
    server.get("/api/ledger/balances", &[("x-api-key", VIEWER_KEY)])
}

/// The time in the header, if the standby was read.
fn as_of(response: &Response) -> Option<String> {
    response.header("data-as-of").map(str::to_owned)
}

/// Deliveries that are acknowledged while the primary is replaced, and the longest time without one.
struct Load {
    acknowledged: Mutex<Vec<String>>,
    longest_gap: Mutex<Duration>,
    may_end: AtomicBool,
}

impl Load {
    fn run(&self, clusters: &Clusters, server: &Server) {
        let mut last = Instant::now();
        while !self.may_end.load(Relaxed) {
            for outcome in clusters.send(server, BATCH) {
                assert!(matches!(outcome.status, Some(200 | 503)), "{outcome:?}");
                if outcome.is_acknowledged() {
                    self.acknowledged.lock().unwrap().push(outcome.id());
                    let mut longest = self.longest_gap.lock().unwrap();
                    *longest = (*longest).max(last.elapsed());
                    last = Instant::now();
                }
            }
        }
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }
}

#[test]
fn a_promoted_standby_with_synchronous_replication_has_everything_that_was_acknowledged() {
    let clusters = Clusters::start();
    clusters.primary.lock().unwrap().replicate_synchronously();
    let server = clusters.options().start();
    server.wait_until("the standby is read", |server| as_of(&read(server)).is_some());
    let load = Load {
        acknowledged: Mutex::default(),
        longest_gap: Mutex::default(),
        may_end: AtomicBool::new(false),
    };
    let mut reads = Vec::new();
    std::thread::scope(|scope| {
        let sending = {
            let (clusters, server, load) = (&clusters, &server, &load);
            scope.spawn(move || load.run(clusters, server))
        };
        server.wait_until("deliveries are acknowledged", |_| load.count() >= ENOUGH);
        clusters.kill_primary();
        // The standby is read while there is no primary, however long.
        std::thread::sleep(BEHIND_MAX + Duration::from_secs(1));
        reads.extend((0..5).map(|_| read(&server)));
        clusters.promote_standby();
        let before = load.count();
        server.wait_until("writes go on", |_| load.count() >= before + ENOUGH);
        load.may_end.store(true, Relaxed);
        sending.join().unwrap();
    });
    assert!(reads.iter().all(|read| read.status == 200 && as_of(read).is_some()), "{reads:?}");
    server.wait_until("the server is ready", |server| server.get("/readyz", &[]).status == 200);
    wait_until_applied(&server);
    let ids = load.acknowledged.into_inner().unwrap();
    let list = ids.iter().map(|id| id.trim_start_matches("evt_")).collect::<Vec<_>>().join(",");
    let kept =
        clusters.standby.rows(DATABASE, &format!("SELECT count(*) FROM webhook_events WHERE id IN ({list})"));
    assert_eq!(kept, [[ids.len().to_string()]], "every acknowledged delivery");
    eprintln!(
        "{} acknowledged, none lost; {:?} without writes",
        ids.len(),
        load.longest_gap.into_inner().unwrap()
    );
}

#[test]
fn what_asynchronous_replication_loses_is_reported_and_nothing_more_is_acknowledged() {
    let clusters = Clusters::start();
    let server = clusters.options().start();
    assert!(clusters.send(&server, BATCH).iter().all(Outcome::is_acknowledged));
    let events = "SELECT count(*) FROM webhook_events";
    server.wait_until("the standby has them", |_| {
        clusters.standby.rows(DATABASE, events) == [[BATCH.to_string()]]
    });
    clusters.standby.stop_following();
    server.wait_until("the standby is not read", |server| as_of(&read(server)).is_none());
    assert!(clusters.send(&server, BATCH).iter().all(Outcome::is_acknowledged));
    clusters.kill_primary();
    clusters.promote_standby();
    let fault = "the database was replaced by an older copy";
    server.wait_until("it is reported", |server| {
        // Not even one batch, which would hide the loss.
        assert!(!clusters.send(server, BATCH).iter().any(Outcome::is_acknowledged));
        server.get("/readyz", &[]).body.contains(fault)
    });
    for outcome in clusters.send(&server, BATCH) {
        assert!(outcome.status == Some(503) && outcome.body.contains(fault), "{outcome:?}");
    }
    assert!(server.log().contains("audit entry"), "which entry is missing");
    // Another server, which knows of nothing that is missing, is started by an operator.
    let server = clusters.options().start();
    assert!(clusters.send(&server, BATCH).iter().all(Outcome::is_acknowledged));
}

#[test]
fn a_standby_that_is_behind_is_not_read_and_the_header_is_true() {
    let clusters = Clusters::start();
    let server = clusters.options().start();
    let deposited = |server: &Server| {
        let page = read(server);
        let json = page.json();
        let of_users =
            items(&json).iter().filter(|row| row["account"].as_str().unwrap().starts_with("user/"));
        (as_of(&page), of_users.map(|row| row["amount_minor"].as_i64().unwrap()).sum::<i64>())
    };
    server.wait_until("the standby is read", |server| as_of(&read(server)).is_some());
    clusters.standby.execute("postgres", "SELECT pg_wal_replay_pause()");
    let paused_at = now();
    std::thread::sleep(Duration::from_millis(1500));
    assert!(clusters.send(&server, BATCH).iter().all(Outcome::is_acknowledged));
    wait_until_applied(&server);
    // What was applied after the pause is not there; the header says so as long as the standby is read.
    let started = Instant::now();
    server.wait_until("the primary is read", |server| {
        let (as_of, sum) = deposited(server);
        match as_of {
            Some(as_of) => {
                assert_eq!(sum, 0, "{as_of}");
                assert!(
                    as_of.parse::<jiff::Timestamp>().unwrap()
                        <= paused_at + jiff::SignedDuration::from_secs(1)
                );
                false
            }
            None => sum == 100 * BATCH as i64,
        }
    });
    assert!(started.elapsed() < BEHIND_MAX + Duration::from_secs(5));
    // Those who may write books read the primary.
    let sums = get_json(&server, "/api/ledger/balances");
    assert!(!items(&sums).is_empty());
    clusters.standby.execute("postgres", "SELECT pg_wal_replay_resume()");
    server.wait_until("the standby is read again", |server| {
        let (as_of, sum) = deposited(server);
        as_of.is_some() && sum == 100 * BATCH as i64
    });
    assert_eq!(server.metric("database_standby_up"), Some(1.0));
}

#[test]
fn a_standby_of_another_database_is_not_read_and_a_file_has_none() {
    let (clusters, other) = (Clusters::start(), Postgres::start());
    drop(other.create_database(DATABASE));
    let with_books = clusters.providers.options().set("DATABASE_URL", other.url(DATABASE)).start();
    let server =
        clusters.options().set("DATABASE_STANDBY_HOST", format!("127.0.0.1:{}", other.port())).start();
    server.wait_until("the log says so", |server| server.log().contains("leads to another database"));
    assert_eq!(as_of(&read(&server)), None);
    drop((server, with_books));
    let (_, log) = clusters.options().set("DATABASE_URL", "sqlite:books.db").start_failure();
    assert!(log.contains("DATABASE_STANDBY_HOST needs a DATABASE_URL of Postgres"), "{log}");
}
