//! Activities, transfers and positions of Alpaca.

use serde_json::{Value, json};
use tests::statements::Fault;
use webhooks::SettingValue;

use super::*;

const ACTIVITIES: &str = "/v1/accounts/activities";
const POSITIONS: &str = "/v1/reporting/eod/positions";
const ENTRIES: usize = 3_000;

/// Ten entries have one time, so that pages end between equal times.
fn time(number: usize) -> String {
    format!("2026-03-{:02}T15:{:02}:00Z", 2 + number / 10 % 25, number / 250 % 60)
}

fn entry_id(number: usize) -> String {
    format!("00000000-0000-0000-0000-{number:012}")
}

/// Number + 1 cents, as the stream reports them.
fn event(number: usize) -> Value {
    json!({
        "account_id": format!("a{}", number % 7),
        "activity_type": "INT",
        "at": time(number),
        "net_amount": format!("{}.{:02}", (number + 1) / 100, (number + 1) % 100),
        "currency": "USD",
        "ref_id": entry_id(number),
        "status": "executed",
        "details": {},
    })
}

/// The same, as activities list them.
fn activity(number: usize) -> Value {
    json!({
        "id": format!("20260302000000000::{}", entry_id(number)),
        "account_id": format!("a{}", number % 7),
        "activity_type": "INT",
        "activity_sub_type": "",
        "date": time(number).split('T').next(),
        "created_at": time(number),
        "net_amount": format!("{}.{:02}", (number + 1) / 100, (number + 1) % 100),
        "status": "executed",
        "description": "",
    })
}

async fn fixture() -> Fixture {
    let fixture = Fixture::new(Provider::Alpaca, ProviderSettings::default()).await;
    fixture
        .provider
        .put_document(POSITIONS, json!({ "asof": "2026-04-09", "positions": {}, "next_page_token": "" }));
    fixture
}

#[tokio::test]
async fn one_dropped_one_altered_and_one_extra_of_thousands_are_three_whatever_pages_do() {
    let fixture = fixture().await;
    fixture.post("alpaca/activity", &(0..ENTRIES).map(event).collect::<Vec<_>>()).await;
    let mut rows: Vec<Value> = (0..ENTRIES).map(activity).collect();
    fixture.provider.put(ACTIVITIES, rows.clone());
    let faults =
        [Fault::Status(429), Fault::Truncated, Fault::Status(503), Fault::Truncated, Fault::Status(429)];
    fixture.provider.next(faults);
    assert_eq!(fixture.reconcile().await, (ENTRIES as u64, vec![]));
    // Pages of 100, an empty one, the positions, and the five retries.
    assert_eq!(fixture.provider.requests().len(), ENTRIES / 100 + 1 + 1 + faults.len());
    rows.remove(70);
    rows[1_000]["net_amount"] = json!("0.01");
    let mut extra = activity(ENTRIES);
    extra["created_at"] = json!("2026-03-20T00:00:00Z");
    rows.push(extra);
    fixture.provider.put(ACTIVITIES, rows);
    fixture.provider.next([Fault::RepeatedRow; 20]);
    let expected = [
        format!("missing_here alpaca:{} missing_here", entry_id(ENTRIES)),
        format!("missing_there alpaca:{} missing_there", entry_id(70)),
        format!("different alpaca:{} amount", entry_id(1_001)),
    ];
    assert_eq!(fixture.reconcile().await, (ENTRIES as u64 - 2, expected.to_vec()));
    let about = |number| format!("cash_entry/alpaca:{}", entry_id(number));
    assert_eq!(fixture.open_reviews().await, [about(70), about(1_001), about(ENTRIES)]);
    // The provider corrects itself.
    fixture.provider.put(ACTIVITIES, (0..ENTRIES).map(activity).collect());
    assert_eq!(fixture.reconcile().await, (ENTRIES as u64, vec![]));
    assert_eq!(fixture.open_reviews().await, Vec::<String>::new());
    let latest = fixture.store.latest_reconciliations().await.unwrap();
    assert_eq!((latest.len(), latest[0].matched, latest[0].missing_here), (1, ENTRIES as u64, 0));
}

#[tokio::test]
async fn a_page_that_repeats_for_ever_and_a_provider_that_stays_down_are_errors() {
    let fixture = fixture().await;
    fixture.provider.put(ACTIVITIES, (0..250).map(activity).collect());
    fixture.provider.next([Fault::RepeatedPage; 3]);
    let error = fixture.try_reconcile().await.unwrap_err();
    assert!(matches!(error, Error::Repeated { .. }), "{error:?}");
    fixture.provider.next([Fault::Status(500); 20]);
    let error = fixture.try_reconcile().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}

fn trade(event: &str, execution: &str, filled: &str, average: &str, at: &str) -> Value {
    json!({
        "account_id": "a1", "at": at, "timestamp": at, "event": event, "execution_id": execution,
        "order": {
            "id": "o1", "symbol": "AAPL", "asset_class": "us_equity", "side": "buy", "qty": "3",
            "filled_qty": filled, "filled_avg_price": average, "status": "filled",
        },
    })
}

/// Two executions of one order, as the stream reports them: 1 at 180.10, then 2 more at 180.40: 540.90 in all.
fn trades() -> Vec<Value> {
    vec![
        trade("partial_fill", "e1", "1", "180.1", "2026-03-03T15:00:00Z"),
        trade("fill", "e2", "3", "180.3", "2026-03-03T15:00:01Z"),
    ]
}

fn positions(as_of: &str, rows: &[(&str, &str)]) -> Value {
    let rows: Vec<Value> =
        rows.iter().map(|(symbol, quantity)| json!({ "symbol": symbol, "qty": quantity })).collect();
    json!({ "asof": as_of, "positions": { "a1": rows }, "next_page_token": "" })
}

fn fill(execution: &str, quantity: &str, price: &str, at: &str) -> Value {
    json!({
        "id": format!("20260303150000000::{execution}"), "activity_type": "FILL", "account_id": "a1",
        "order_id": "o1", "side": "buy", "symbol": "AAPL", "type": "fill",
        "qty": quantity, "price": price, "currency": "USD", "transaction_time": at, "created_at": at,
    })
}

#[tokio::test]
async fn executions_and_positions_are_compared() {
    let fixture = fixture().await;
    fixture.post("alpaca/trade", &trades()).await;
    let (first, second) = ("2026-03-03T15:00:00Z", "2026-03-03T15:00:01Z");
    let rows = vec![fill("e1", "1", "180.10", first), fill("e2", "2", "180.40", second)];
    fixture.provider.put(ACTIVITIES, rows);
    fixture.provider.put_document(POSITIONS, positions("2026-04-09", &[("AAPL", "3")]));
    assert_eq!(fixture.reconcile().await, (3, vec![]));
    fixture.provider.put_document(POSITIONS, positions("2026-04-09", &[("AAPL", "2.5")]));
    let mut rows = vec![fill("e1", "1", "180.20", first), fill("e2", "2", "180.40", second)];
    fixture.provider.put(ACTIVITIES, rows.clone());
    let expected = ["different alpaca:e1 amount", "different alpaca:a1/AAPL quantity"];
    assert_eq!(fixture.reconcile().await, (1, expected.map(str::to_owned).to_vec()));
    // An amount of no known currency is not compared.
    rows[0].as_object_mut().unwrap().remove("currency");
    fixture.provider.put(ACTIVITIES, rows);
    assert_eq!(fixture.reconcile().await, (2, expected[1..].iter().map(ToString::to_string).collect()));
}

#[tokio::test]
async fn a_position_that_was_closed_after_the_trading_day_is_in_progress() {
    let fixture = fixture().await;
    let mut sale = trade("fill", "e3", "3", "181", "2026-04-09T15:00:00Z");
    sale["order"]["side"] = json!("sell");
    sale["order"]["id"] = json!("o2");
    fixture.post("alpaca/trade", &[trades(), vec![sale]].concat()).await;
    let (first, second) = ("2026-03-03T15:00:00Z", "2026-03-03T15:00:01Z");
    let rows = vec![fill("e1", "1", "180.10", first), fill("e2", "2", "180.40", second)];
    fixture.provider.put(ACTIVITIES, rows);
    fixture.provider.put_document(POSITIONS, positions("2026-04-08", &[("AAPL", "3")]));
    assert_eq!(fixture.reconcile().await, (2, vec!["in_progress alpaca:a1/AAPL quantity".to_owned()]));
    fixture.provider.put_document(POSITIONS, positions("2026-04-09", &[]));
    assert_eq!(fixture.reconcile().await, (2, vec![]));
}

#[tokio::test]
async fn reviews_of_positions_open_when_figures_change_and_close_when_they_are_equal() {
    let fixture = fixture().await;
    fixture.provider.put(ACTIVITIES, vec![]);
    let reviews_after = async |as_of: &str, rows: &[(&str, &str)]| {
        fixture.provider.put_document(POSITIONS, positions(as_of, rows));
        fixture.reconcile().await;
        fixture.open_reviews().await
    };
    let (one, two) = ("position/alpaca:a1/MSFT 1 there", "position/alpaca:a1/MSFT 2 there");
    assert_eq!(reviews_after("2026-04-07", &[("MSFT", "1")]).await, [one]);
    let filter = store::ReviewFilter { is_open: Some(true), ..store::ReviewFilter::default() };
    let review = fixture.store.reviews(&filter, None, 1).await.unwrap().remove(0);
    fixture.store.resolve_review(review.id, "known", Actor::named("ana"), now()).await.unwrap();
    assert_eq!(reviews_after("2026-04-08", &[("MSFT", "1")]).await, Vec::<String>::new());
    assert_eq!(reviews_after("2026-04-09", &[("MSFT", "2")]).await, [two]);
    // Not read is not equal.
    fixture.provider.next([Fault::RepeatedRow, Fault::Status(404)]);
    let unread = format!("list{POSITIONS}: not available to this API key (HTTP 404)");
    assert_eq!(reviews_after("2026-04-09", &[]).await, [unread.as_str(), two]);
    assert_eq!(reviews_after("2026-04-09", &[]).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_not_available_after_the_first_page_is_an_error() {
    let fixture = fixture().await;
    fixture.provider.put(ACTIVITIES, vec![]);
    let mut page = positions("2026-04-09", &[("MSFT", "1")]);
    page["next_page_token"] = json!("more");
    fixture.provider.put_document(POSITIONS, page);
    // The activities, two pages of positions.
    fixture.provider.next([Fault::RepeatedRow, Fault::RepeatedRow, Fault::Status(404)]);
    let error = fixture.try_reconcile().await.unwrap_err();
    assert!(matches!(error, Error::NotAsDocumented { .. }), "{error:?}");
}

#[tokio::test]
async fn only_what_is_not_a_share_is_left_to_people() {
    let fixture = fixture().await;
    let row = |name: &str, field: &str, value: &str| {
        let mut row = fill(name, "1", "180.10", "2026-03-03T15:00:00Z");
        row[field] = json!(value);
        row
    };
    let rows = vec![
        row("e1", "currency", "XYZ"),
        row("e2", "price", "much"),
        row("e3", "qty", "1e"),
        row("e4", "side", "lend"),
        row("e5", "symbol", "BTC/USD"),
    ];
    fixture.provider.put(ACTIVITIES, rows);
    fixture.provider.put_document(POSITIONS, positions("2026-04-09", &[("AAPL", "all"), ("BTC/USD", "1")]));
    let (by_hand, number) = (
        "what is not a share is not posted automatically: review it and post it manually",
        "it is not a number",
    );
    let of = |kind: &str, id: &str, reason: &str| format!("{kind} alpaca:{id} {reason}");
    let execution =
        |kind: &str, id: &str, reason: &str| of(kind, &format!("20260303150000000::{id}"), reason);
    let expected = [
        execution("missing_here", "e1", "unsupported currency"),
        execution("missing_here", "e2", &format!("cannot parse price: {number}")),
        execution("missing_here", "e3", &format!("cannot parse qty: {number}")),
        execution("missing_here", "e4", "cannot parse side: it is not buy, sell or sell_short"),
        of("missing_here", "a1/AAPL", &format!("cannot parse qty: {number}")),
        execution("not_compared", "e5", by_hand),
        of("not_compared", "a1/BTC/USD", by_hand),
    ];
    assert_eq!(fixture.reconcile().await, (0, expected.to_vec()));
}

#[tokio::test]
async fn what_people_post_is_listed_and_what_is_unknown_is_a_difference() {
    let fixture = fixture().await;
    let of_type = |number: usize, kind: &str| {
        let mut row = activity(number);
        row["activity_type"] = json!(kind);
        row
    };
    let mut undated = activity(4);
    undated["created_at"] = json!("2026-03-05 late");
    undated["date"] = json!(null);
    let rows = vec![of_type(1, "ACATC"), of_type(2, "MEM"), of_type(3, "NEW"), undated];
    fixture.provider.put(ACTIVITIES, rows);
    let (matched, found) = fixture.reconcile().await;
    assert_eq!(matched, 0);
    let [unknown, undated, by_hand] = found.as_slice() else { panic!("{found:?}") };
    assert!(unknown.starts_with("missing_here") && unknown.ends_with("unknown event type"), "{unknown}");
    assert!(undated.ends_with("cannot parse created_at: it is not a time"), "{undated}");
    assert!(by_hand.starts_with("not_compared"), "{by_hand}");
    assert_eq!(fixture.open_reviews().await.len(), 2);
    fixture.provider.put(ACTIVITIES, vec![]);
    fixture.reconcile().await;
    assert_eq!(fixture.open_reviews().await, Vec::<String>::new());
}

#[tokio::test]
async fn transfers_are_compared_where_they_are_posted() {
    let settings = ProviderSettings::default()
        .with("ledger.alpaca_cash", &SettingValue::Text(Some("transfers".to_owned())));
    let fixture = Fixture::new(Provider::Alpaca, settings).await;
    fixture.provider.put(ACTIVITIES, vec![]);
    let at = "2026-03-05T00:00:00Z";
    let event = |account: &str, id: &str, status: &str| {
        json!({
            "account_id": account, "at": at, "transfer_id": id, "status_to": status, "direction": "INCOMING",
            "amount": "50.00",
        })
    };
    let events = [event("a0", "t0", "COMPLETE"), event("a1", "t1", "COMPLETE"), event("a1", "t2", "QUEUED")];
    fixture.post("alpaca/transfer", &events).await;
    let row = |id: &str| {
        json!({
            "id": id, "account_id": "a1", "direction": "INCOMING", "amount": "50", "status": "COMPLETE",
            "created_at": at, "updated_at": at,
        })
    };
    fixture.provider.put("/v1/accounts/a1/transfers", vec![row("t1"), row("t2")]);
    let found = fixture.try_reconcile().await.unwrap();
    assert_eq!(found.report.lines_matched(), 1);
    let reasons: Vec<&str> = found.report.mismatches.iter().map(|found| found.reason.as_str()).collect();
    assert_eq!(reasons, ["missing_there", "status"]);
    // One account and positions are not there, and said so.
    let unavailable = ["/v1/accounts/a0/transfers", POSITIONS]
        .map(|path| format!("{path}: not available to this API key (HTTP 404)"));
    assert_eq!(found.report.unavailable, unavailable);
}
