//! Whoever can write to the database but does not have the key changes nothing unnoticed, and nothing for good.
//!
//! Not changed, because they decide no books: `leader_leases`, `stream_cursors`, `circle_keys`, `prices`, `reviews`, the
//! snapshots, `excluded_rows`, the users of accounts, headers of events, ids of entries, attempts and times of jobs.

use jiff::Timestamp;
use store::{Actor, Rebuild, RebuildMode, Store};
use webhooks::alpaca::{Kind, from_stream};
use webhooks::{Delivery, ProviderSettings, SettingValue, interpret};

use crate::fixture::{TestDatabase, after_s, now};

/// Mutations of one run on SQLite and on Postgres; `MUTATIONS` in the environment sets another number.
const MUTATIONS: (usize, usize) = (30, 10);
/// Runs without a mutation, each with a database of its own; `UNTOUCHED_RUNS` in the environment sets another number.
const UNTOUCHED_RUNS: usize = 2;
/// Whoever writes with another number finds another sequence.
const SEED: u64 = 20_261_130;

/// A table, columns of numbers, columns of text, columns of a few values with these, and how a row is copied.
struct Table {
    name: &'static str,
    numbers: &'static [&'static str],
    texts: &'static [&'static str],
    bytes: &'static [&'static str],
    /// `INSERT INTO table (…) SELECT …` of a row that is none.
    copy: (&'static str, &'static str),
    /// Whether it is evidence, of which there is only a backup.
    is_evidence: bool,
}

const fn derived(
    name: &'static str,
    numbers: &'static [&'static str],
    texts: &'static [&'static str],
    copy: (&'static str, &'static str),
) -> Table {
    Table { name, numbers, texts, bytes: &[], copy, is_evidence: false }
}

const TABLES: [Table; 15] = [
    Table {
        name: "webhook_events",
        numbers: &["occurred_at", "signed_at", "received_at", "redacted_at"],
        texts: &[
            "provider",
            "channel",
            "transport",
            "event_type",
            "resource",
            "dedupe_key",
            "content_key",
            "key_id",
        ],
        bytes: &["body", "body_sha256", "proof"],
        copy: (
            "provider, channel, transport, event_type, resource, dedupe_key, key_id, received_at, headers, body, body_sha256, proof",
            "provider, channel, transport, event_type, resource, dedupe_key || 'x', key_id, received_at, headers, body, body_sha256, proof",
        ),
        is_evidence: true,
    },
    Table {
        name: "audit_entries",
        numbers: &["at_us"],
        texts: &["actor", "action", "object", "request_id", "detail"],
        bytes: &["previous", "hash"],
        copy: (
            "sequence, at_us, actor, action, object, detail, previous, key_id, hash",
            "sequence + 100000, at_us, actor, action, object, detail, previous, key_id, hash",
        ),
        is_evidence: true,
    },
    Table {
        name: "audit_head",
        numbers: &["sequence"],
        texts: &[],
        bytes: &["hash", "seal"],
        copy: ("", ""),
        is_evidence: true,
    },
    Table {
        name: "facts",
        numbers: &["at", "recorded_at", "batch"],
        texts: &["subject", "body"],
        bytes: &["id", "proof"],
        copy: (
            "id, subject, at, body, recorded_at, batch, proof",
            "proof, subject, at, body, recorded_at, batch, proof",
        ),
        is_evidence: false,
    },
    Table {
        name: "ledger_transactions",
        numbers: &["revision", "at", "posted_at", "batch"],
        texts: &["subject", "effect", "kind"],
        bytes: &["proof"],
        copy: (
            "subject, effect, revision, kind, at, posted_at, batch, proof",
            "subject, effect, revision + 50, kind, at, posted_at, batch, proof",
        ),
        is_evidence: false,
    },
    derived(
        "ledger_entries",
        &["transaction_id", "minor"],
        &["account", "holder", "currency"],
        (
            "transaction_id, account, holder, currency, minor",
            "transaction_id, account, holder, currency, minor",
        ),
    ),
    derived(
        "ledger_balances",
        &["balance", "cover", "flow"],
        &["account", "currency", "holder"],
        (
            "account, currency, holder, balance, cover, flow",
            "account || 'x', currency, holder, balance + 1, cover, flow",
        ),
    ),
    derived(
        "ledger_subjects",
        &["facts", "latest_at"],
        &["subject"],
        ("subject, facts, latest_at", "subject || 'x', facts, latest_at"),
    ),
    derived(
        "provider_accounts",
        &["status_at", "registered_at", "last_seen_at"],
        &["account", "status"],
        ("account, user_id, status, status_at", "account || 'x', user_id, status, status_at"),
    ),
    derived(
        "transfers",
        &["amount", "settled_at", "returned_at", "last_at"],
        &[
            "id",
            "account",
            "direction",
            "currency",
            "status",
            "posting_mode",
            "coin_transaction",
            "stash_ratio",
        ],
        (
            "id, status, posting_mode, last_at, stash_ratio",
            "id || 'x', status, posting_mode, last_at, stash_ratio",
        ),
    ),
    derived(
        "cash_entries",
        &["amount", "at", "last_at"],
        &["id", "account", "kind", "currency", "status", "posting_mode", "superseded_by", "stash_ratio"],
        (
            "id, account, kind, amount, currency, last_at, stash_ratio",
            "id || 'x', account, kind, amount, currency, last_at, stash_ratio",
        ),
    ),
    derived(
        "positions",
        &["cost", "last_at"],
        &["account", "symbol", "quantity", "currency"],
        ("account, symbol, quantity, last_at", "account, symbol || 'X', quantity, last_at"),
    ),
    derived(
        "orders",
        &["notional", "reserve", "last_at"],
        &[
            "account",
            "symbol",
            "id",
            "side",
            "status",
            "cumulative",
            "currency",
            "reserve_currency",
            "quantity",
        ],
        (
            "account, symbol, id, side, status, cumulative, last_at",
            "account, symbol, id || 'x', side, status, cumulative, last_at",
        ),
    ),
    derived(
        "fills",
        &["notional", "at"],
        &["account", "symbol", "id", "order_id", "side", "quantity", "currency", "quantity_before"],
        (
            "account, symbol, id, kind, quantity, status, at",
            "account, symbol, id || 'x', kind, quantity, status, at",
        ),
    ),
    derived(
        "webhook_jobs",
        &["event_id"],
        &[],
        (
            "event_id, provider, resource, cause, state, attempts, next_at, created_at",
            "event_id, provider, resource, cause, 'done', 1, next_at, created_at",
        ),
    ),
];

/// What the books say.
const BOOKS: [&str; 7] = [
    "SELECT account || ' ' || currency || ' ' || balance || ' ' || cover || ' ' || flow AS line FROM ledger_balances \
     WHERE balance <> 0 OR cover <> 0 OR flow <> 0",
    "SELECT t.subject || ' ' || t.effect || ' ' || e.account || ' ' || e.currency || ' ' || SUM(e.minor) AS line \
     FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id \
     GROUP BY t.subject, t.effect, e.account, e.currency HAVING SUM(e.minor) <> 0",
    "SELECT account || symbol || quantity || COALESCE(cost, 0) || COALESCE(currency, '') || last_at AS line FROM positions",
    "SELECT account || id || side || status || cumulative || COALESCE(notional, 0) || last_at AS line FROM orders",
    "SELECT account || id || kind || quantity || COALESCE(notional, 0) || status || at AS line FROM fills",
    "SELECT id || account || kind || amount || status || at || stash_ratio AS line FROM cash_entries",
    "SELECT id || COALESCE(account, '') || status || posting_mode || last_at || stash_ratio AS line FROM transfers",
];

/// splitmix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }
}

fn settings() -> ProviderSettings {
    let entries = SettingValue::Text(Some("nta".to_owned()));
    ProviderSettings::default().with("ledger.alpaca_entries", &entries)
}

/// Three accounts with their statuses, cash, transfers, shares bought, sold and sold short: the third has no cash, so that its
/// receivable covers what it spends.
fn world() -> Vec<Delivery> {
    let mut world = Vec::new();
    let mut add = |kind, id: String, body: String| world.push(from_stream(kind, &id, body.into()).unwrap());
    for account in 0..3 {
        let at = |minute: u32| format!("2026-01-02T1{account}:{minute:02}:05Z");
        for (step, status) in ["SUBMITTED", "APPROVED", "ACTIVE"].into_iter().enumerate() {
            let (id, at) = (format!("s{account}-{step}"), at(step as u32));
            let body = format!(
                r#"{{"account_id":"a{account}","at":"{at}","event_id":"{id}","status_to":"{status}"}}"#
            );
            add(Kind::Account, id, body);
        }
        for (step, status) in ["QUEUED", "COMPLETE"].into_iter().enumerate() {
            let (id, at) = (format!("t{account}-{step}"), at(4 + step as u32));
            let body = format!(
                r#"{{"account_id":"a{account}","at":"{at}","event_id":"{id}","status_to":"{status}","transfer_id":"t{account}"}}"#
            );
            add(Kind::Transfer, id, body);
        }
        let entries = [("CSD", "5000.00"), ("FEE", "-1.25"), ("DIV", "3.10"), ("INT", "0.45")];
        for (step, (kind, amount)) in entries.into_iter().skip(usize::from(account == 2)).enumerate() {
            let (id, at) = (format!("n{account}-{step}"), at(10 + step as u32));
            let body = format!(
                r#"{{"account_id":"a{account}","at":"{at}","entry_type":"{kind}","event_id":"{id}","id":"n-{id}","net_amount":{amount},"settle_date":"2026-01-02","status":"executed"}}"#
            );
            add(Kind::Nta, id, body);
        }
        let trades = [
            ("AAPL", "buy", "new", 0),
            ("AAPL", "buy", "partial_fill", 2),
            ("AAPL", "buy", "fill", 5),
            ("MSFT", "sell", "fill", 1),
        ];
        for (step, (symbol, side, event, filled)) in trades.into_iter().enumerate() {
            let (id, at) = (format!("x{account}-{step}"), at(20 + step as u32));
            let status = if event == "partial_fill" {
                "partially_filled"
            } else if filled == 0 {
                "new"
            } else {
                "filled"
            };
            let fill =
                if filled == 0 { String::new() } else { format!(r#","qty":"1","price":"10{step}.5""#) };
            let body = format!(
                r#"{{"account_id":"a{account}","at":"{at}","event":"{event}","event_id":"{id}","execution_id":"e-{id}","timestamp":"{at}"{fill},"order":{{"id":"o-{account}-{symbol}","symbol":"{symbol}","side":"{side}","qty":"{}","type":"limit","limit_price":"110","filled_qty":"{filled}","filled_avg_price":"10{step}.5","status":"{status}"}}}}"#,
                filled.max(5)
            );
            add(Kind::Trade, id, body);
        }
    }
    world
}

/// A number from the environment.
#[expect(clippy::disallowed_methods, reason = "the length of a campaign is no setting of the product")]
fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |number| number.parse().unwrap())
}

/// Applies what is due, some jobs at a time.
pub(crate) async fn work(store: &Store, at: Timestamp) {
    loop {
        let jobs = store.lease("worker", 8, std::time::Duration::from_secs(30), at).await.unwrap();
        if jobs.is_empty() {
            return;
        }
        let interpreted = |job: store::Job| {
            let interpretation = interpret(job.channel(), job.body(), &settings());
            (job, interpretation)
        };
        let jobs: Vec<_> = jobs.into_iter().map(interpreted).collect();
        store.apply_all(&jobs, &ledger::Rules::default(), at).await.unwrap();
    }
}

pub(crate) async fn rebuild(store: &Store, mode: RebuildMode) -> Result<Rebuild, store::VerifyError> {
    let ratio = ledger::Rules::default().stash_ratio;
    store.rebuild_ledger(mode, &settings(), ratio, Actor::named("test"), after_s(600)).await
}

/// What is wrong, as text; empty if nothing is.
async fn findings(store: &Store) -> Vec<String> {
    match store.verify_ledger(None, |_, _| ()).await {
        Ok(verified) => verified.findings.iter().map(|finding| format!("{finding:?}")).collect(),
        Err(error) => vec![telemetry::with_causes(&error)],
    }
}

async fn books(database: &TestDatabase) -> Vec<String> {
    let mut lines = Vec::new();
    for statement in BOOKS {
        lines.extend(database.lines(statement).await);
    }
    lines.sort_unstable();
    lines
}

/// A random mutation of a table, as statements.
fn mutation(table: &Table, random: &mut Random, rows: usize, is_sqlite: bool) -> String {
    let (name, row) = (table.name, if is_sqlite { "rowid" } else { "ctid" });
    // A balance of zeros and none say the same.
    let counts =
        if name == "ledger_balances" { " AND (balance <> 0 OR cover <> 0 OR flow <> 0)" } else { "" };
    let at = |place: usize| {
        format!("{row} = (SELECT {row} FROM {name} ORDER BY {row} LIMIT 1 OFFSET {place}){counts}")
    };
    let place = random.below(rows);
    let columns: Vec<&str> = [table.numbers, table.texts, table.bytes].concat();
    match random.below(8) {
        0 => format!("DELETE FROM {name} WHERE {}", at(place)),
        1 if !table.copy.0.is_empty() => {
            let (columns, values) = table.copy;
            format!("INSERT INTO {name} ({columns}) SELECT {values} FROM {name} WHERE {}", at(place))
        }
        2 => {
            let column = random.pick(&columns);
            let value = format!(
                "(SELECT {column} FROM saved WHERE {row} = (SELECT {row} FROM saved ORDER BY {row} LIMIT 1 OFFSET {}))",
                random.below(rows)
            );
            format!("UPDATE {name} SET {column} = {value} WHERE {}", at(place))
        }
        3 if name == "webhook_jobs" => {
            format!("UPDATE webhook_jobs SET state = 'pending' WHERE {}", at(place))
        }
        4 if name == "fills" => format!("UPDATE fills SET status = 'busted' WHERE {}", at(place)),
        _ => {
            let column = *random.pick(&columns);
            let value = if table.numbers.contains(&column) {
                random
                    .pick(&["COALESCE(#, 0) + 1", "COALESCE(#, 1) * 1000 - 1", "COALESCE(#, 0) - 1"])
                    .replace('#', column)
            } else if table.texts.contains(&column) {
                format!("COALESCE({column}, '') || 'x'")
            } else if is_sqlite {
                format!("CAST({column} || x'00' AS BLOB)")
            } else {
                format!("{column} || '\\x00'::bytea")
            };
            format!("UPDATE {name} SET {column} = {value} WHERE {}", at(place))
        }
    }
}

/// Deliveries in any order, some of them twice, in transactions of any size: nothing is found, and a rebuild changes nothing.
pub(crate) async fn untouched_books_have_no_findings(database: &TestDatabase) {
    let mut random = Random(SEED);
    let mut expected = None;
    for run in 0..number("UNTOUCHED_RUNS", UNTOUCHED_RUNS) {
        let database = if database.is_sqlite() { TestDatabase::sqlite() } else { TestDatabase::postgres() };
        let store = database.open().await;
        let mut deliveries = world();
        for last in (1..deliveries.len()).rev() {
            deliveries.swap(last, random.below(last + 1));
        }
        for (second, delivery) in (1..).zip(&deliveries) {
            for _ in 0..=usize::from(random.below(4) == 0) {
                store.receive(delivery, after_s(second)).await.unwrap();
            }
            if random.below(4) == 0 {
                work(&store, after_s(second)).await;
            }
        }
        work(&store, after_s(100)).await;
        assert!(store.close_day(Actor::named("test"), after_s(86_400)).await.unwrap().is_some());
        assert_eq!(findings(&store).await, [""; 0], "run {run}");
        assert_eq!(rebuild(&store, RebuildMode::DryRun).await.unwrap(), Rebuild::default(), "run {run}");
        let books = books(&database).await;
        assert_eq!(*expected.get_or_insert_with(|| books.clone()), books, "run {run}");
    }
}

pub(crate) async fn every_mutation_is_named_and_mended(database: &TestDatabase) {
    let store = database.open().await;
    for delivery in world() {
        store.receive(&delivery, now()).await.unwrap();
    }
    work(&store, after_s(1)).await;
    let applied = "SELECT COUNT(*) FROM webhook_jobs WHERE state <> 'done'";
    assert_eq!(database.number(applied).await, 0);
    assert!(store.close_day(Actor::named("test"), after_s(86_400)).await.unwrap().is_some());
    assert_eq!(findings(&store).await, [""; 0]);
    let expected = books(database).await;
    assert!(expected.len() > 60, "{expected:#?}");
    let mutations = number("MUTATIONS", if database.is_sqlite() { MUTATIONS.0 } else { MUTATIONS.1 });
    let mut random = Random(SEED);
    let mut done = 0;
    while done < mutations {
        let table = random.pick(&TABLES);
        let rows = database.number(&format!("SELECT COUNT(*) FROM {}", table.name)).await;
        let statement = mutation(table, &mut random, usize::try_from(rows).unwrap(), database.is_sqlite());
        if !database.tamper(table.name, &statement).await {
            continue;
        }
        done += 1;
        let found = findings(&store).await;
        assert!(!found.is_empty(), "not found: {statement}");
        // A dry run takes as long as a rebuild.
        let is_dry = done % 10 == 0 || table.name.starts_with("audit_");
        let dry_run = if is_dry { Some(rebuild(&store, RebuildMode::DryRun).await) } else { None };
        if table.name.starts_with("audit_") {
            assert!(matches!(dry_run, Some(Err(_))), "{statement}: {dry_run:?}");
            database.restore(table.name).await;
            assert_eq!(findings(&store).await, [""; 0], "{statement}");
            continue;
        }
        if is_dry {
            assert_eq!(findings(&store).await, found, "a dry run changes nothing: {statement}");
        }
        let rebuilt = rebuild(&store, RebuildMode::Commit).await.unwrap();
        work(&store, after_s(601)).await;
        if table.is_evidence {
            assert!(!rebuilt.lost.is_empty(), "{statement}: {found:#?}");
            assert_eq!(books(database).await, expected, "{statement}");
            database.restore(table.name).await;
            // Jobs of a deleted or of another event.
            rebuild(&store, RebuildMode::Commit).await.unwrap();
            work(&store, after_s(601)).await;
        } else {
            assert_eq!(rebuilt.lost, [], "{statement}: {found:#?}");
        }
        assert_eq!(findings(&store).await, [""; 0], "{statement}: {found:#?} {rebuilt:#?}");
        assert_eq!(books(database).await, expected, "{statement}: {found:#?} {rebuilt:#?}");
    }
    assert_eq!(rebuild(&store, RebuildMode::Commit).await.unwrap(), Rebuild::default());
}
