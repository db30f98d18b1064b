//! A server that is killed again and again while deliveries arrive, and what must hold after each restart.

mod check;
mod deliveries;

use std::ops::Range;
use std::time::{Duration, Instant};

use tests::ServerOptions;
use tests::database::Database;
use tests::providers::Providers;
use tests::volley::{Outcome, volley, volley_until_acknowledged};

use check::Checked;
use deliveries::Deliveries;

/// Deliveries that are offered between two kills.
const OFFERED: usize = 400;
/// Connections that offer them.
const CONNECTIONS: usize = 16;
/// When the server is killed, in milliseconds after it listens.
const KILL_MS: Range<u64> = 0..350;

/// Which database is behind the server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) kills: usize,
    /// Deliveries that were sent, repeats included.
    pub(crate) sent: usize,
    /// Different events that were acknowledged.
    pub(crate) acknowledged: usize,
    /// Kills that cut requests which were under way.
    pub(crate) cut_requests: usize,
    /// Kills that left events kept and not yet applied.
    pub(crate) left_work: usize,
    /// Kills that left events in the hands of a worker.
    pub(crate) left_leases: usize,
    /// Events that were kept, and whose sender was never told so.
    pub(crate) kept_untold: usize,
    /// Entries of the audit chain in the end.
    pub(crate) audit_entries: i64,
    pub(crate) took: Duration,
}

/// Kills the server so often at moments that `seed` picks; `watch` is told after each kill.
///
/// # Panics
/// At the first thing that does not hold.
pub(crate) fn run(backend: Backend, kills: usize, seed: u64, watch: fn(&Tally)) -> Tally {
    let began = Instant::now();
    let place = tempfile::tempdir().unwrap();
    let database = match backend {
        Backend::Sqlite => Database::sqlite_in(place.path()),
        Backend::Postgres => Database::on_postgres(),
    };
    let providers = Providers::new();
    let options = providers.options().set("DATABASE_URL", database.url());
    let mut deliveries = Deliveries::new(&providers, seed);
    let mut tally = Tally::default();
    drop(options.start());
    for _ in 0..kills {
        one_kill(&options, &database, &mut deliveries, &mut tally);
        watch(&tally);
    }
    let left = finish(&options, &database, &mut deliveries, &mut tally);
    assert_eq!(left, 0, "what was refused is acknowledged in the end");
    tally.acknowledged = deliveries.acknowledged().len();
    tally.took = began.elapsed();
    tally
}

/// Starts the server, checks what the kill before left, offers deliveries, kills.
fn one_kill(
    options: &ServerOptions,
    database: &Database,
    deliveries: &mut Deliveries<'_>,
    tally: &mut Tally,
) {
    database.end_leases();
    let server = options.start();
    verify(&server, database, deliveries);
    let offered = deliveries.next(OFFERED);
    let (address, requests) = (server.address(), deliveries.signed(&offered));
    let sending = std::thread::spawn(move || volley(&[address], &requests, CONNECTIONS));
    std::thread::sleep(Duration::from_millis(deliveries.within(KILL_MS)));
    server.signal("KILL");
    let outcomes = sending.join().unwrap();
    drop(server);
    record(&offered, &outcomes, deliveries, tally);
    tally.kills += 1;
    tally.cut_requests += usize::from(outcomes.iter().any(|outcome| outcome.status.is_none()));
    let seen = Checked::look(database);
    tally.left_work += usize::from(seen.open > 0);
    tally.left_leases += usize::from(seen.leased > 0);
}

/// Sends what was never acknowledged to a server that is left alone, and checks once more.
fn finish(
    options: &ServerOptions,
    database: &Database,
    deliveries: &mut Deliveries<'_>,
    tally: &mut Tally,
) -> usize {
    // The last leases run out by themselves.
    let server = options.start();
    verify(&server, database, deliveries);
    let rest = deliveries.unacknowledged();
    let outcomes = volley_until_acknowledged(&[server.address()], &deliveries.signed(&rest), CONNECTIONS);
    record(&rest, &outcomes, deliveries, tally);
    verify(&server, database, deliveries);
    tally.audit_entries = database.number("SELECT count(*) FROM audit_entries");
    deliveries.unacknowledged().len()
}

fn record(offered: &[usize], outcomes: &[Outcome], deliveries: &mut Deliveries<'_>, tally: &mut Tally) {
    tally.sent += outcomes.len();
    for (event, outcome) in offered.iter().zip(outcomes) {
        if outcome.is_acknowledged() {
            let is_news = outcome.standing() == "duplicate" && !deliveries.is_acknowledged(*event);
            tally.kept_untold += usize::from(is_news);
            deliveries.acknowledge(*event, outcome.id());
        }
    }
}

/// Everything that must hold once the server has done what was left to do.
fn verify(server: &tests::Server, database: &Database, deliveries: &Deliveries<'_>) {
    server.until("nothing is left to do", |_| Checked::look(database).open == 0);
    check::inbox(database, deliveries.acknowledged());
    check::effects(database);
    check::audit(database);
}
