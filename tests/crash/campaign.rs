//! Kills a server repeatedly while deliveries arrive, and checks its data after each restart.

mod check;
mod deliveries;

use std::ops::Range;
use std::time::{Duration, Instant};

use tests::database::Database;
use tests::load::{Outcome, send_all, send_until_acknowledged};
use tests::providers::Providers;
use tests::{PgBouncer, ServerOptions};

use check::Backlog;
use deliveries::Deliveries;

/// Sent between two kills.
const DELIVERIES_PER_KILL: usize = 400;
const CONNECTIONS: usize = 16;
/// When the server is killed, in milliseconds after it listens.
const KILL_MS: Range<u64> = 0..350;
/// Between two looks whether the pooler accepts clients again.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
    /// Postgres that does not wait for the disk by default, behind PgBouncer in transaction mode; both the server and Postgres
    /// are killed.
    Pgbouncer,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) kills: usize,
    /// Deliveries, repeats included.
    pub(crate) deliveries: usize,
    /// Distinct events.
    pub(crate) acknowledged: usize,
    /// Kills that cut requests in flight.
    pub(crate) cut_requests: usize,
    /// Kills that left stored events to apply.
    pub(crate) left_jobs: usize,
    /// Kills that left jobs leased by a worker.
    pub(crate) left_leases: usize,
    /// Events that were stored before their sender got a response.
    pub(crate) stored_unacknowledged: usize,
    /// At the end.
    pub(crate) audit_entries: i64,
    pub(crate) elapsed: Duration,
}

/// Kills the server at moments that `seed` picks; calls `progress` after each kill.
pub(crate) fn run(backend: Backend, kills: usize, seed: u64, progress: fn(&Tally)) -> Tally {
    let started = Instant::now();
    let directory = tempfile::tempdir().unwrap();
    let mut database = match backend {
        Backend::Sqlite => Database::sqlite_in(directory.path()),
        Backend::Postgres | Backend::Pgbouncer => Database::on_postgres(),
    };
    let pooler = matches!(backend, Backend::Pgbouncer).then(|| Pooler::start(&database));
    let providers = Providers::new();
    let url = pooler.as_ref().map_or_else(|| database.url(), |pooler| pooler.url.clone());
    let options = providers.options().set("DATABASE_URL", url);
    let mut deliveries = Deliveries::new(&providers, seed);
    let mut tally = Tally::default();
    drop(options.start());
    for _ in 0..kills {
        one_kill(&options, &mut database, pooler.as_ref(), &mut deliveries, &mut tally);
        progress(&tally);
    }
    let left = finish(&options, &database, &mut deliveries, &mut tally);
    assert_eq!(left, 0, "every event is acknowledged at the end");
    tally.acknowledged = deliveries.acknowledged().len();
    tally.elapsed = started.elapsed();
    tally
}

/// A pooler in front of a cluster that does not wait for the disk by default, and the URL through it.
struct Pooler {
    _process: PgBouncer,
    url: String,
}

impl Pooler {
    fn start(database: &Database) -> Self {
        let Database::Postgres(cluster, name) = database else { unreachable!("only Postgres has a pooler") };
        cluster.execute("postgres", "ALTER SYSTEM SET synchronous_commit = off");
        cluster.execute("postgres", "SELECT pg_reload_conf()");
        let process = PgBouncer::start(cluster);
        Self { url: process.url(name), _process: process }
    }
}

/// Kills the server, and before it the Postgres behind a pooler.
fn kill(server: &tests::Server, database: &mut Database, pooler: Option<&Pooler>) {
    let (Database::Postgres(cluster, _), Some(pooler)) = (database, pooler) else {
        return server.signal("KILL");
    };
    cluster.kill_group();
    server.signal("KILL");
    cluster.start_again();
    // For a second after the outage the pooler refuses its clients.
    while cluster.psql(&pooler.url, "SELECT 1").is_none() {
        std::thread::sleep(PAUSE);
    }
}

/// Starts the server, checks the data, sends deliveries, kills the server, and Postgres behind a pooler too.
fn one_kill(
    options: &ServerOptions,
    database: &mut Database,
    pooler: Option<&Pooler>,
    deliveries: &mut Deliveries<'_>,
    tally: &mut Tally,
) {
    database.expire_leases();
    let server = options.start();
    verify(&server, database, deliveries);
    let events = deliveries.next(DELIVERIES_PER_KILL);
    let (address, requests) = (server.address(), deliveries.signed(&events));
    let sending = std::thread::spawn(move || send_all(&[address], &requests, CONNECTIONS));
    std::thread::sleep(Duration::from_millis(deliveries.random.within(KILL_MS)));
    kill(&server, database, pooler);
    let outcomes = sending.join().unwrap();
    drop(server);
    record(&events, &outcomes, deliveries, tally);
    tally.kills += 1;
    tally.cut_requests += usize::from(outcomes.iter().any(|outcome| outcome.status.is_none()));
    let backlog = Backlog::load(database);
    tally.left_jobs += usize::from(backlog.open > 0);
    tally.left_leases += usize::from(backlog.leased > 0);
}

/// Sends the unacknowledged events to a server that is not killed, and checks once more. Returns the events left.
fn finish(
    options: &ServerOptions,
    database: &Database,
    deliveries: &mut Deliveries<'_>,
    tally: &mut Tally,
) -> usize {
    // The last leases expire by themselves.
    let server = options.start();
    verify(&server, database, deliveries);
    let rest = deliveries.unacknowledged();
    let outcomes = send_until_acknowledged(&[server.address()], &deliveries.signed(&rest), CONNECTIONS);
    record(&rest, &outcomes, deliveries, tally);
    verify(&server, database, deliveries);
    tally.audit_entries = database.integer("SELECT count(*) FROM audit_entries");
    deliveries.unacknowledged().len()
}

fn record(events: &[usize], outcomes: &[Outcome], deliveries: &mut Deliveries<'_>, tally: &mut Tally) {
    tally.deliveries += outcomes.len();
    for (event, outcome) in events.iter().zip(outcomes) {
        if outcome.is_acknowledged() {
            let was_stored = outcome.receipt_status() == "duplicate" && !deliveries.is_acknowledged(*event);
            tally.stored_unacknowledged += usize::from(was_stored);
            deliveries.acknowledge(*event, outcome.id());
        }
    }
}

/// Checks the data once no job is left.
fn verify(server: &tests::Server, database: &Database, deliveries: &Deliveries<'_>) {
    server.wait_until("no job is left", |_| Backlog::load(database).open == 0);
    check::inbox(database, deliveries.acknowledged());
    check::effects(database);
    check::audit(database);
}
