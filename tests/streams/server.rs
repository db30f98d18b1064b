//! The hour once more, through the real server and its database: streams that break, a server that is killed, the same
//! events by webhook too. In the end each event is one row, and the money that they tell of is booked once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tests::alpaca::{FakeAlpaca, Feed, KEY_ID, KEY_SECRET};
use tests::database::Database;
use tests::providers::{Providers, now};
use tests::{Server, workspace_root};

use crate::chance::Chance;
use crate::hour::{Planned, plan, weather};
use crate::stage::settle;

const SEED: u64 = 10;
/// Events of all five streams.
const EVENTS: usize = 4_000;
/// Times that the server is killed.
const KILLS: usize = 4;
/// How long each server lives: pauses between its connections are a second and more.
const LIFE: Duration = Duration::from_secs(6);
/// Longest wait for what is left when nothing goes wrong any more.
const REST_WAIT: Duration = Duration::from_secs(60);
const HOUR_MS: i64 = 3_600_000;

struct Stage {
    providers: Providers,
    broker: FakeAlpaca,
    directory: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { providers: Providers::new(), broker: FakeAlpaca::start(), directory }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("hour.db")
    }

    fn database(&self) -> Database {
        Database::Sqlite(self.file())
    }

    fn start(&self) -> Server {
        self.providers
            .options()
            .set("DATABASE_URL", self.database().url())
            .set("ALPACA_EVENTS_ENABLED", "true")
            .set("ALPACA_EVENTS_BASE_URL", self.broker.base_url())
            .set("ALPACA_EVENTS_STREAMS", "trades,account_status,journals,funding,activities")
            .set("ALPACA_API_KEY", KEY_ID)
            .set("ALPACA_API_SECRET", KEY_SECRET)
            .start()
    }

    fn kept(&self) -> i64 {
        self.database().number("SELECT COUNT(*) FROM webhook_events")
    }
}

#[test]
fn an_hour_of_streams_ends_in_one_row_and_one_effect_for_each_event() {
    let stage = Stage::new();
    let mut chance = Chance::seeded(SEED);
    let planned = plan(&mut chance, EVENTS, now().as_millisecond() - HOUR_MS - 300_000);
    for feed in Feed::ALL {
        stage.broker.next(feed, (0..40).map(|_| weather::connection(&mut chance, EVENTS / 10)));
    }
    std::thread::scope(|scope| {
        scope.spawn(|| publish(&stage.broker, &planned));
        for life in 0..KILLS {
            let server = stage.start();
            relay(&stage, &server, &planned, life);
            // With SIGKILL.
            drop(server);
            lapse(&stage.file());
        }
    });
    stage.broker.behave();
    let server = stage.start();
    wait_for_all(&stage, &server, &planned);
    is_one_row_each(&stage.database(), &planned);
    is_booked_once(&stage.database(), &server, &planned);
    assert!(Feed::ALL.iter().map(|feed| stage.broker.left_out(*feed)).sum::<usize>() > 0);
    let sent: usize = Feed::ALL.iter().map(|feed| stage.broker.sent(*feed)).sum();
    assert!(sent > planned.len() * 5 / 4, "{sent} were sent for {}", planned.len());
}

/// Lets the half minute pass for which a server that is gone still holds its offices and the events that it worked on.
fn lapse(file: &Path) {
    let script = "import sqlite3, sys\n\
        held = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)\n\
        held.execute('UPDATE leases SET lease_until = 0')\n\
        held.execute(\"UPDATE webhook_work SET lease_until = 0 WHERE state = 'leased'\")\n";
    let python = workspace_root().join("target/venv/bin/python");
    assert!(Command::new(python).args(["-c", script]).arg(file).status().unwrap().success());
}

/// The hour, in the time of all lives together.
fn publish(broker: &FakeAlpaca, planned: &[Planned]) {
    let (begun, begins_ms) = (Instant::now(), planned[0].published_ms);
    let lasts = LIFE * u32::try_from(KILLS).unwrap();
    for event in planned {
        let share = (event.published_ms - begins_ms) as f64 / (HOUR_MS + 240_000) as f64;
        std::thread::sleep(lasts.mul_f64(share).saturating_sub(begun.elapsed()));
        broker.publish(event.feed, &event.id, &event.json);
    }
}

/// While a server lives, a relay posts some of the same events to it: before or after their streams bring them.
fn relay(stage: &Stage, server: &Server, planned: &[Planned], life: usize) {
    let begun = Instant::now();
    let mut events = planned.iter().skip(life * 97).step_by(planned.len() / 60);
    while begun.elapsed() < LIFE {
        let Some(event) = events.next() else { continue };
        let kind = match event.feed {
            Feed::Trades => "trade",
            Feed::AccountStatus => "account",
            Feed::Journals => "journal",
            Feed::Funding => "transfer",
            Feed::Activities => "activity",
        };
        let answer = server.deliver(&stage.providers.alpaca(kind, event.json.clone()));
        assert_eq!(answer.status, 200, "{answer:?}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

fn wait_for_all(stage: &Stage, server: &Server, planned: &[Planned]) {
    let begun = Instant::now();
    while stage.kept() < i64::try_from(planned.len()).unwrap() {
        let (kept, log) = (stage.kept(), server.log());
        assert!(begun.elapsed() < REST_WAIT, "{kept} of {}; log:\n{log}", planned.len());
        std::thread::sleep(Duration::from_millis(500));
    }
    settle(server, &stage.database());
}

fn is_one_row_each(database: &Database, planned: &[Planned]) {
    let rows = database.rows("SELECT dedupe_key, transport, channel FROM webhook_events ORDER BY dedupe_key");
    let mut kept: Vec<&str> = rows.iter().map(|row| row[0].rsplit('/').next().unwrap()).collect();
    let mut ids: Vec<&str> = planned.iter().map(|event| event.id.as_str()).collect();
    kept.sort_unstable();
    ids.sort_unstable();
    assert_eq!(kept, ids, "neither a gap nor a double nor a stranger");
    let transports = |name: &str| rows.iter().filter(|row| row[1] == name).count();
    assert!(transports("stream") > planned.len() / 2, "most came by their streams");
    assert!(transports("webhook") > 0, "some came by the relay first");
    let channels: std::collections::BTreeSet<&str> = rows.iter().map(|row| row[2].as_str()).collect();
    assert_eq!(channels.len(), 5, "{channels:?}");
}

/// Each activity is a deposit of ten dollars, and nothing else of the hour moves money.
fn is_booked_once(database: &Database, server: &Server, planned: &[Planned]) {
    let deposits = planned.iter().filter(|event| event.feed == Feed::Activities).count();
    let booked = database.number("SELECT SUM(minor) FROM ledger_entries WHERE holder IS NOT NULL");
    assert_eq!(booked, i64::try_from(deposits).unwrap() * 1_000);
    assert_eq!(database.number("SELECT SUM(minor) FROM ledger_entries"), 0);
    assert_eq!(database.number("SELECT COUNT(*) FROM webhook_work WHERE state = 'dead'"), 0);
    let checked = server.read("/api/admin/audit/verify");
    assert_eq!(checked["is_whole"], true, "{checked}");
}
