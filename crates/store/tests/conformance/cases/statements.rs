//! The books as lines of a statement, and reconciliations.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    CashKind, Currency, Direction, EntryStatus, Fact, FactKind, Money, PostingMode, Provider, StatementKind,
    Subject, TransferStatus,
};
use store::{Actor, BookQuery, Compared, ReconciliationRun, ReviewFilter, Store, UnequalLine};
use webhooks::Interpretation;

use crate::cases::evidence::work;
use crate::fixture::{TestDatabase, after_s, apply, fill, lease_all, now, receive};

fn id(text: &str) -> domain::ExternalId {
    text.parse().unwrap()
}

/// A withdrawal of 12.50, a returned deposit at another provider, and a fee that another entry replaces.
fn facts() -> Vec<Fact> {
    let transfer = |transfer: &str, direction, status| Fact {
        subject: Subject::Transfer(id(transfer)),
        at: now(),
        kind: FactKind::Transfer {
            account: Some(id("alpaca:a1")),
            direction: Some(direction),
            amount: Some(Money::from_minor(1_250, Currency::Usd)),
            status,
            posting_mode: PostingMode::Post,
        },
    };
    let fee = |entry: &str, minor| Fact {
        subject: Subject::CashEntry(id(entry)),
        at: now(),
        kind: FactKind::Cash {
            account: id("alpaca:a1"),
            kind: CashKind::Fee,
            amount: Money::from_minor(minor, Currency::Usd),
            status: EntryStatus::Executed,
            posting_mode: PostingMode::Post,
        },
    };
    let kind = FactKind::Superseded { by: id("alpaca:f2") };
    vec![
        transfer("alpaca:t1", Direction::Outbound, TransferStatus::Settled),
        transfer("bridge:t2", Direction::Inbound, TransferStatus::Returned),
        fee("alpaca:f1", -100),
        Fact { subject: Subject::CashEntry(id("alpaca:f1")), at: now(), kind },
        fee("alpaca:f2", -90),
    ]
}

async fn post(store: &Store) {
    receive(store, 0..1).await;
    work(store).await;
    store.receive(&fill("of facts"), now()).await.unwrap();
    let job = lease_all(store, "test", now()).await.remove(0);
    apply(store, &job, &Interpretation::Facts(facts()), now()).await;
}

/// Bought in `receive`: one share of AAA for 100.00.
pub(crate) async fn the_books_are_lines_of_a_statement(database: &TestDatabase) {
    let store = database.open().await;
    post(&store).await;
    let kinds = [
        StatementKind::Transfer,
        StatementKind::CashEntry,
        StatementKind::Execution,
        StatementKind::Position,
        StatementKind::CashBalance,
    ];
    let query = |changed, ids: &[&str]| BookQuery {
        provider: Provider::Alpaca,
        changed,
        ids: kinds
            .map(|kind| (kind, ids.iter().map(ToString::to_string).collect()))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        as_of: after_s(1),
    };
    let lines = async |query| -> Vec<String> {
        let text = |line: domain::StatementLine| {
            let number = |text: Option<String>| text.unwrap_or_default();
            format!(
                "{} {} {} {} {}",
                line.kind,
                line.key().unwrap(),
                number(line.quantity.map(|quantity| quantity.to_string())),
                number(line.amount.map(|amount| amount.to_string())),
                number(line.status.map(|status| status.to_string())),
            )
        };
        let mut lines: Vec<String> = store.book_lines(&query).await.unwrap().into_iter().map(text).collect();
        lines.sort_unstable();
        lines
    };
    let states = [
        // -12.50 - 0.90 - 100.00
        "cash_balance alpaca:a1/USD  -113.40 USD ",
        "position alpaca:a1/AAA 1  ",
    ];
    let events = [
        "cash_entry alpaca:f1  -1.00 USD canceled",
        "cash_entry alpaca:f2  -0.90 USD settled",
        "execution alpaca:e-id-0 1 -100.00 USD settled",
        "transfer alpaca:t1  -12.50 USD settled",
    ];
    let mut all: Vec<&str> = states.into_iter().chain(events).collect();
    all.sort_unstable();
    assert_eq!(lines(query((after_s(-60), after_s(60)), &["alpaca:t1"])).await, all);
    let mut named: Vec<&str> = states.into_iter().chain([events[3]]).collect();
    named.sort_unstable();
    let later = (after_s(60), after_s(120));
    assert_eq!(lines(query(later, &["alpaca:t1", "alpaca:t1", "bridge:t2"])).await, named);
    let accounts = store.provider_accounts(Provider::Alpaca).await.unwrap();
    assert_eq!(accounts, [id("alpaca:a1")]);
}

pub(crate) async fn differences_are_reviews_until_a_run_finds_them_equal(database: &TestDatabase) {
    let store = database.open().await;
    let run = |at, missing_here| ReconciliationRun {
        provider: Provider::Alpaca,
        from: "2026-01-01".parse().unwrap(),
        to: "2026-01-07".parse().unwrap(),
        at,
        matched: 10,
        missing_here,
        missing_there: 0,
        different: 0,
        in_progress: 0,
        not_compared: 0,
    };
    let line = |about: &str, at| UnequalLine {
        about: about.to_owned(),
        account: Some("alpaca:a1".to_owned()),
        at,
        is_in_progress: false,
    };
    let period = (after_s(-86_400), after_s(86_400));
    let record = async |run, lines: &[UnequalLine]| {
        let complete =
            BTreeSet::from([StatementKind::CashEntry, StatementKind::Position, StatementKind::Transfer]);
        let compared =
            Compared { changed: period, complete: &complete, equal: &BTreeSet::new(), unavailable: &[] };
        store.record_reconciliation(&run, &compared, lines, Actor::named("test")).await.unwrap();
    };
    let open = async || -> Vec<String> {
        let filter = ReviewFilter { is_open: Some(true), ..ReviewFilter::default() };
        let reviews = store.reviews(&filter, None, 50).await.unwrap();
        let mut abouts: Vec<String> = reviews.into_iter().map(|review| review.about).collect();
        abouts.sort_unstable();
        abouts
    };
    let before_period = line("transfer/old", after_s(-100_000));
    let lines = ["cash_entry/e1", "cash_entry/e2", "cash_entry/e3"].map(|about| line(about, now()));
    let [first, second, third] = lines.clone();
    let all = [lines.to_vec(), vec![before_period]].concat();
    record(run(now(), 4), &all).await;
    assert_eq!(open().await, ["cash_entry/e1", "cash_entry/e2", "cash_entry/e3", "transfer/old"]);
    let filter = ReviewFilter { kind: Some("reconciliation".to_owned()), ..ReviewFilter::default() };
    let reviews = store.reviews(&filter, None, 50).await.unwrap();
    let of_second = reviews.iter().find(|review| review.about == second.about).unwrap();
    assert_eq!(of_second.subject, "reconciliation/alpaca");
    store.resolve_review(of_second.id, "known", Actor::named("ana"), after_s(1)).await.unwrap();
    // The first is equal, the second known, the third in progress, the fourth not compared.
    let pending = UnequalLine { is_in_progress: true, ..third };
    record(run(after_s(2), 1), &[second.clone(), pending.clone()]).await;
    assert_eq!(open().await, ["cash_entry/e3", "transfer/old"]);
    // It changes.
    record(run(after_s(3), 1), &[UnequalLine { at: after_s(1), ..second }, pending, first]).await;
    assert_eq!(open().await, ["cash_entry/e1", "cash_entry/e2", "cash_entry/e3", "transfer/old"]);
    assert_eq!(store.latest_reconciliations().await.unwrap(), [run(after_s(3), 1)]);
}

/// Whatever the time of their last change.
pub(crate) async fn reviews_of_states_and_undated_lines_are_resolved_once_they_are_known_to_be_equal(
    database: &TestDatabase,
) {
    let store = database.open().await;
    let line = |about: &str, at, is_in_progress| UnequalLine {
        about: about.to_owned(),
        account: None,
        at,
        is_in_progress,
    };
    let unknown = store::UNDATED;
    let record =
        async |at, complete: &[StatementKind], equal: &[&str], lines: &[UnequalLine]| -> Vec<String> {
            let run = ReconciliationRun {
                provider: Provider::Alpaca,
                from: "2026-01-01".parse().unwrap(),
                to: "2026-01-07".parse().unwrap(),
                at,
                matched: 0,
                missing_here: 0,
                missing_there: 0,
                different: 0,
                in_progress: 0,
                not_compared: 0,
            };
            let complete: BTreeSet<StatementKind> = complete.iter().copied().collect();
            let equal: BTreeSet<(StatementKind, String)> =
                equal.iter().map(|key| (StatementKind::Transfer, (*key).to_owned())).collect();
            let unavailable =
                if complete.is_empty() { vec!["/v1/x: not available".to_owned()] } else { vec![] };
            let changed = (after_s(-60), after_s(60));
            let compared =
                Compared { changed, complete: &complete, equal: &equal, unavailable: &unavailable };
            store.record_reconciliation(&run, &compared, lines, Actor::named("test")).await.unwrap();
            let filter = ReviewFilter { is_open: Some(true), ..ReviewFilter::default() };
            let reviews = store.reviews(&filter, None, 50).await.unwrap();
            let mut abouts: Vec<String> = reviews.into_iter().map(|review| review.about).collect();
            abouts.sort_unstable();
            abouts
        };
    let [balance, list] = ["cash_balance/alpaca:a1/USD 1.00 USD there", "list/v1/x: not available"];
    let [position, first, second] = ["position/alpaca:a1/AAA 1 there, 2 here", "transfer/t1", "transfer/t2"];
    let lines = [
        line(balance, unknown, false),
        line(position, after_s(-1_000_000), false),
        line(first, unknown, false),
        line(second, now(), false),
    ];
    assert_eq!(record(now(), &[], &[], &lines).await, [balance, list, position, first, second]);
    // Nothing was read, except that one transfer is equal.
    assert_eq!(record(after_s(1), &[], &["t2"], &[]).await, [balance, list, position, first]);
    let kinds = [StatementKind::Transfer, StatementKind::Position, StatementKind::CashBalance];
    let pending = [line("position/alpaca:a1/AAA", after_s(2), true)];
    assert_eq!(record(after_s(2), &kinds, &[], &pending).await, [position]);
    assert_eq!(record(after_s(3), &kinds, &[], &[]).await, Vec::<String>::new());
    // What a person resolved opens again only after it was equal.
    assert_eq!(record(after_s(4), &[], &[], &lines[..1]).await, [balance, list]);
    let filter = ReviewFilter { is_open: Some(true), ..ReviewFilter::default() };
    for review in store.reviews(&filter, None, 50).await.unwrap() {
        store.resolve_review(review.id, "known", Actor::named("ana"), after_s(4)).await.unwrap();
    }
    assert_eq!(record(after_s(5), &[], &[], &lines[..1]).await, Vec::<String>::new());
    assert_eq!(record(after_s(6), &kinds, &[], &[]).await, Vec::<String>::new());
    assert_eq!(record(after_s(7), &[], &[], &lines[..1]).await, [balance, list]);
}
