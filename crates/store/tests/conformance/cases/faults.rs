//! The faults that a hostile reading of the books found, each with the value that was seen and the right one.

use domain::{AccountScope, Provider};
use store::{AccountBalance, Moment, Place, RebuildMode, Store};
use webhooks::alpaca::{self, Kind};
use webhooks::{Interpretation, ProviderSettings, SettingValue, interpret};

use crate::cases::{evidence, mutations, operators, receiving};
use crate::fixture::{TestDatabase, after_s, apply, lease_all, now};

/// How the right value is shown.
enum Proof {
    /// [`value`] is the right one.
    Value,
    /// Another case of this suite, which [`value`] runs.
    Case,
    /// Tests of other suites, by file and name.
    Tests(&'static str, &'static [&'static str]),
}

use Proof::{Case, Tests, Value};

/// Number, kind, the value that was seen, the right one.
const FAULTS: [(u32, &str, &str, &str, Proof); 18] = [
    (
        1,
        "a stored body is proved before it is booked",
        "100 edited to 900,000 is booked",
        "a dead letter",
        Case,
    ),
    (
        2,
        "entries are proved, and rebuilt",
        "entries × 1000: whole",
        "the transaction is named, rebuilt: 100.00",
        Value,
    ),
    (3, "a currency is read, not assumed", "31,000 USD, and the price of all", "-31000 JPY, no price", Value),
    (4, "prices follow splits", "18500.00", "5000.00", Value),
    (5, "prices follow busts", "5500.00", "5000.00", Value),
    (6, "one movement of coins is posted once", "200.00", "circle:w1 100.000000 USDC", Value),
    (
        7,
        "a removed secret is revoked",
        "accepted for 24 hours",
        "refused at once",
        Tests(
            "crates/secrets/src/slot/tests.rs",
            &["a_value_that_is_removed_without_a_rotation_ends_at_once"],
        ),
    ),
    (8, "what waits for a person is a row", "a count", "a review, resolved by a journal", Case),
    (
        9,
        "a key reads its accounts",
        "every portfolio",
        "404 outside the scope",
        Tests(
            "crates/api-server/src/router/tests/scopes.rs",
            &["every_route_of_the_books_takes_the_scope_of_the_key"],
        ),
    ),
    (10, "a duplicate has the same content", "200, dropped", "stored, reviewed, not applied", Case),
    (
        11,
        "storage has an identity",
        "200, then empty books",
        "503, and no start",
        Tests(
            "tests/webhooks/storage.rs",
            &[
                "a_removed_database_stops_acknowledging",
                "an_older_copy_that_is_moved_over_the_database_stops_acknowledging",
                "the_database_of_another_that_is_moved_over_it_stops_acknowledging",
            ],
        ),
    ),
    (12, "short positions are booked", "100 shares", "0 shares, 500.00 USD", Value),
    (13, "one of two books is used", "6.20", "3.10 USD", Value),
    (14, "executions fill their orders, once", "2 shares and 25 of 10", "1 and 0 and 0 shares", Value),
    (
        15,
        "what 503 means is documented",
        "kept, and denied",
        "maybe kept; the retry is a duplicate",
        Tests("tests/webhooks/race.rs", &["a_delivery_that_sqlite_could_not_store_is_accepted_on_retry"]),
    ),
    (16, "sums and sets have room", "an overflow; fails for ever", "9230000000001.000000 USDC", Value),
    (17, "shares of no money are shares", "0 shares", "0.000000005 shares, 0.00 USD", Value),
    (
        18,
        "durability is set in each transaction",
        "7 of 7 lost",
        "0 lost",
        Tests(
            "crates/store/tests/conformance/pooler.rs",
            &[
                "a_transaction_waits_for_the_disk_whatever_the_default_and_leaves_no_setting_to_others",
                "no_statement_fails_behind_a_pooler",
            ],
        ),
    ),
];

pub(crate) async fn the_faults_of_a_hostile_reading_are_mended(database: &TestDatabase) {
    let empty = || if database.is_sqlite() { TestDatabase::sqlite() } else { TestDatabase::postgres() };
    for (place, (number, kind, before, right, proof)) in (1..).zip(FAULTS) {
        assert_eq!(number, place);
        match proof {
            Value => {
                let found = value(number, &empty()).await;
                assert_eq!(found, right, "fault {number}: {kind}; before: {before}");
            }
            Case => drop(value(number, &empty()).await),
            Tests(file, names) => {
                let path = format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"));
                let source = std::fs::read_to_string(&path).unwrap();
                for name in names {
                    assert!(source.contains(&format!("fn {name}(")), "fault {number}: no {name} in {file}");
                }
            }
        }
    }
}

async fn value(number: u32, database: &TestDatabase) -> String {
    match number {
        1 => evidence::a_changed_event_is_never_posted(database).await,
        8 => operators::an_event_that_a_journal_posted_is_replayed_only_by_id(database).await,
        10 => receiving::other_content_of_a_known_id_is_stored_and_not_applied(database).await,
        2 => return entries_times_a_thousand(database).await,
        _ => return posted_value(number, &database.open().await).await,
    }
    String::new()
}

async fn posted_value(number: u32, store: &Store) -> String {
    match number {
        3 => {
            post(store, [trade("e1", "buy", ("1", "31000"), r#","currency":"JPY""#)]).await;
            let priced = store.portfolio(&AccountScope::All, &account(), after_s(60)).await.unwrap().unwrap();
            let price = if priced.positions[0].price.is_none() { "no price" } else { "a price" };
            format!("{}, {price}", raw_cash(store).await)
        }
        4 => {
            let split = entry(
                "s1",
                "SPLIT",
                "0",
                r#","qty":"100","details":{"symbol":"AAPL","old_qty":"10","new_qty":"100"}"#,
            );
            post(store, [deposit("5000.00"), trade("e1", "buy", ("10", "150"), ""), split]).await;
            worth(store).await
        }
        5 => {
            let bust = trade("e2", "buy", ("1", "150"), "")
                .map_body(|body| body.replace(r#""event":"fill""#, r#""event":"trade_bust""#));
            let buys = [trade("e1", "buy", ("10", "100"), ""), trade("e2", "buy", ("1", "150"), "")];
            post(store, [deposit("5000.00")].into_iter().chain(buys).chain([bust])).await;
            worth(store).await
        }
        6 => {
            let hash = format!("0x{}", "ab".repeat(32));
            let sent = format!(
                r#"{{"event_category":"virtual_account.activity","event_type":"created","event_created_at":"2026-01-02T15:00:00Z",
                "event_object":{{"id":"d1","deposit_id":"d1","customer_id":"c1","type":"payment_processed","amount":"100.00",
                "currency":"usdc","destination_tx_hash":"{hash}"}}}}"#
            );
            let received = format!(
                r#"{{"notificationType":"transactions.inbound","timestamp":"2026-01-02T15:01:00Z","notification":{{"id":"t1",
                "walletId":"w1","tokenId":"usdc","state":"COMPLETE","amounts":["100"],"txHash":"{hash}"}}}}"#
            );
            post_bodies(store, &[("bridge", sent), ("circle/direct", received)]).await;
            let holders = [Provider::Bridge, Provider::Circle].map(|provider| format!("user/{provider}:"));
            let posted = balances(store).await.into_iter().filter(|balance| {
                !balance.is_zero() && holders.iter().any(|holder| balance.account.starts_with(holder))
            });
            let (mut of, mut minor) = (Vec::new(), 0);
            for balance in posted {
                of.push(balance.account.split('/').nth(1).unwrap().to_owned());
                minor += balance.posted.minor();
            }
            of.dedup();
            format!("{} {}.{:06} USDC", of.join(" "), minor / 1_000_000, minor % 1_000_000)
        }
        12 => {
            let cover = trade("e2", "buy", ("100", "45"), "");
            post(store, [trade("e1", "sell_short", ("100", "50"), ""), cover]).await;
            format!("{} shares, {}", shares(store, "AAPL").await, raw_cash(store).await)
        }
        13 => {
            let listed = r#"{"account_id":"a1","at":"2026-01-02T15:00:00Z","entry_type":"DIV","event_id":"n1","id":"n-1",
                "net_amount":3.10,"settle_date":"2026-01-02","status":"executed"}"#;
            let listed = Event { kind: Kind::Nta, id: "n1".to_owned(), body: listed.to_owned() };
            post(store, [listed, entry("r1", "DIV", "3.10", "")]).await;
            raw_cash(store).await
        }
        14 => {
            let elsewhere = trade("e1", "buy", ("1", "100"), "")
                .map_body(|body| body.replace("AAPL", "MSFT").replace("o-e1", "o-9"));
            let overfilled = trade("e3", "buy", ("25", "100"), "")
                .map_body(|body| body.replace("AAPL", "TSLA").replace(r#""qty":"25""#, r#""qty":"10""#));
            for event in [trade("e1", "buy", ("1", "100"), ""), elsewhere, overfilled] {
                post(store, [event]).await;
            }
            let [first, second, third] = ["AAPL", "MSFT", "TSLA"];
            format!(
                "{} and {} and {} shares",
                shares(store, first).await,
                shares(store, second).await,
                shares(store, third).await
            )
        }
        16 => {
            let deposit = |number: u32, second: u32, amount: &str, step: &str| {
                let body = format!(
                    r#"{{"event_category":"virtual_account.activity","event_type":"created",
                    "event_created_at":"2026-01-02T15:{:02}:{:02}Z","event_object":{{"id":"d{number}","deposit_id":"d{number}",
                    "customer_id":"c1","type":"{step}","amount":"{amount}","currency":"usdc"}}}}"#,
                    second / 60,
                    second % 60
                );
                ("bridge", body)
            };
            let large = (1..=923).map(|number| deposit(number, 0, "10000000000.00", "payment_processed"));
            post_bodies(store, &large.collect::<Vec<_>>()).await;
            // 1,001 reports of one deposit.
            let reports = (0..1_001).map(|second| deposit(0, second, "1.00", "payment_processed"));
            post_bodies(store, &reports.collect::<Vec<_>>()).await;
            let sum: i128 = balances(store)
                .await
                .iter()
                .filter(|balance| balance.account.starts_with("user/"))
                .map(|balance| balance.posted.minor())
                .sum();
            format!("{}.{:06} USDC", sum / 1_000_000, sum % 1_000_000)
        }
        17 => {
            post(store, [trade("e1", "buy", ("0.000000005", "150"), "")]).await;
            format!("{} shares, {}", shares(store, "AAPL").await, raw_cash(store).await)
        }
        _ => unreachable!("fault {number} has another proof"),
    }
}

/// Whoever can write to the database multiplies every entry and every balance.
async fn entries_times_a_thousand(database: &TestDatabase) -> String {
    let store = database.open().await;
    post(&store, [deposit("100.00")]).await;
    assert!(database.tamper("ledger_entries", "UPDATE ledger_entries SET minor = minor * 1000").await);
    assert!(database.tamper("ledger_balances", "UPDATE ledger_balances SET balance = balance * 1000").await);
    let verified = store.verify_ledger(None, |_, _| ()).await.unwrap();
    let is_named =
        verified.findings.iter().any(|finding| matches!(finding.place, Place::LedgerTransactions(_)));
    let named = if is_named { "the transaction is named" } else { "whole" };
    mutations::rebuild(&store, RebuildMode::Commit).await.unwrap();
    mutations::work(&store, after_s(601)).await;
    format!("{named}, rebuilt: {}", raw_cash(&store).await.trim_end_matches(" USD"))
}

struct Event {
    kind: Kind,
    id: String,
    body: String,
}

impl Event {
    fn map_body(mut self, change: impl Fn(String) -> String) -> Self {
        self.body = change(self.body);
        self.id.push('x');
        self
    }
}

fn account() -> domain::ExternalId {
    "alpaca:a1".parse().unwrap()
}

fn entry(id: &str, kind: &str, amount: &str, more: &str) -> Event {
    let body = format!(
        r#"{{"account_id":"a1","at":"2026-01-02T15:00:00Z","activity_type":"{kind}","ref_id":"{id}","net_amount":"{amount}","status":"executed"{more}}}"#
    );
    Event { kind: Kind::Activity, id: id.to_owned(), body }
}

fn deposit(amount: &str) -> Event {
    entry("d1", "CSD", amount, "")
}

/// An order of AAPL that one execution fills.
fn trade(id: &str, side: &str, (shares, price): (&str, &str), more: &str) -> Event {
    let second = id.trim_start_matches('e');
    let body = format!(
        r#"{{"account_id":"a1","at":"2026-01-02T14:30:0{second}Z","event":"fill","execution_id":"{id}"{more},"order":{{"id":"o-{id}","symbol":"AAPL","side":"{side}","qty":"{shares}","filled_qty":"{shares}","filled_avg_price":"{price}","status":"filled"}}}}"#
    );
    Event { kind: Kind::Trade, id: id.to_owned(), body }
}

/// Receives and applies events, as the server does by default.
async fn post(store: &Store, events: impl IntoIterator<Item = Event>) {
    for Event { kind, id, body } in events {
        let delivery = alpaca::from_stream(kind, &id, body.into()).unwrap();
        store.receive(&delivery, now()).await.unwrap();
    }
    evidence::work(store).await;
}

/// Posts what bodies of other channels say, whose senders are not simulated here, in one transaction.
async fn post_bodies(store: &Store, bodies: &[(&str, String)]) {
    let tokens = SettingValue::List(vec!["usdc".to_owned()]);
    let settings = ProviderSettings::default().with("webhooks.circle.usdc_token_ids", &tokens);
    let mut facts = Vec::new();
    for (channel, body) in bodies {
        match interpret(channel.parse().unwrap(), body.as_bytes(), &settings) {
            Interpretation::Facts(of_body) => facts.extend(of_body),
            other => panic!("{other:?}: {body}"),
        }
    }
    let body = format!(r#"{{"facts":{}}}"#, facts.len());
    let delivery = alpaca::from_stream(Kind::Trade, &format!("facts-{}", facts.len()), body.into()).unwrap();
    store.receive(&delivery, now()).await.unwrap();
    let job = lease_all(store, "worker", now()).await.remove(0);
    apply(store, &job, &Interpretation::Facts(facts), now()).await;
}

async fn balances(store: &Store) -> Vec<AccountBalance> {
    store.account_balances((&AccountScope::All, None), Moment::default(), None, 500).await.unwrap().balances
}

/// The cash of the account, what it owes subtracted.
async fn raw_cash(store: &Store) -> String {
    let balances = balances(store).await;
    let of_account = balances.iter().filter(|balance| balance.account.starts_with("user/alpaca:a1/"));
    let posted: Vec<_> = of_account.map(|balance| balance.posted).collect();
    let minor = posted.iter().map(|posted| posted.minor()).sum();
    let currency = posted.first().map_or(domain::Currency::Usd, |posted| posted.currency());
    let cash = domain::Total::from_minor(minor, currency).to_decimal().unwrap();
    format!("{cash} {}", currency.as_str())
}

async fn shares(store: &Store, symbol: &str) -> String {
    let portfolio = store.portfolio(&AccountScope::All, &account(), now()).await.unwrap().unwrap();
    let position = portfolio.positions.iter().find(|position| position.symbol.as_str() == symbol);
    position.map_or_else(|| "0".to_owned(), |position| position.quantity.to_string())
}

/// What the account is worth, in dollars.
async fn worth(store: &Store) -> String {
    let portfolio = store.portfolio(&AccountScope::All, &account(), after_s(60)).await.unwrap().unwrap();
    portfolio.market_value.value.to_decimal().to_string()
}
