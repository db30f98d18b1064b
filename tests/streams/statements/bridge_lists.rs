//! Transfers, deposits and drains of Bridge.

use serde_json::{Value, json};
use tests::statements::Fault;

use super::*;

const TRANSFERS: &str = "/v0/transfers";
const DEPOSITS: &str = "/v0/virtual_accounts/history";
const DRAINS: &str = "/v0/liquidation_addresses/drains";

/// 100 dollars that become 99.5 USDC.
fn transfer(id: &str, state: &str, day: u32) -> Value {
    let at = format!("2026-03-{day:02}T10:00:00Z");
    json!({
        "id": id, "state": state, "amount": "100.0", "currency": "usd", "on_behalf_of": "c1",
        "source": { "payment_rail": "ach_push", "currency": "usd" },
        "destination": { "payment_rail": "polygon", "currency": "usdc" },
        "receipt": { "initial_amount": "100.0", "final_amount": "99.5" },
        "created_at": at, "updated_at": at,
    })
}

fn event(category: &str, object: &Value) -> Value {
    json!({
        "event_category": category, "event_type": "updated", "event_object": object,
        "event_created_at": object["created_at"],
    })
}

#[tokio::test]
async fn rows_are_read_as_the_events_that_report_them() {
    let fixture = Fixture::new(Provider::Bridge, ProviderSettings::default()).await;
    let settled = transfer("t1", "payment_processed", 3);
    let pending = transfer("t2", "payment_submitted", 4);
    let deposit = |id: &str, kind: &str, amount: &str| {
        json!({
            "id": id, "type": kind, "deposit_id": "d1", "customer_id": "c1", "amount": amount, "currency": "usdc",
            "created_at": "2026-03-05T10:00:00Z",
        })
    };
    let deposits = [deposit("h2", "payment_processed", "20.0"), deposit("h1", "funds_received", "21.0")];
    let mut drain = transfer("l1", "payment_processed", 6);
    drain["destination"]["payment_rail"] = json!("bridge_wallet");
    fixture.post("bridge", &[event("transfer", &settled), event("transfer", &pending)]).await;
    let of_deposits: Vec<Value> = deposits.iter().map(|row| event("virtual_account.activity", row)).collect();
    fixture.post("bridge", &of_deposits).await;
    fixture.post("bridge", &[event("liquidation_address.drain", &drain)]).await;
    // Of what was not created for 30 days before March, pages are not asked for.
    let old = |number: usize| {
        let mut row = transfer(&format!("old{number}"), "canceled", 1);
        row["created_at"] = json!("2025-12-01T00:00:00Z");
        row["updated_at"] = json!("2025-12-02T00:00:00Z");
        row
    };
    let rows: Vec<Value> = [pending, settled].into_iter().chain((0..300).map(old)).collect();
    fixture.provider.put(TRANSFERS, rows.clone());
    fixture.provider.put(DEPOSITS, deposits.to_vec());
    fixture.provider.put(DRAINS, vec![drain]);
    let found = fixture.try_reconcile().await.unwrap();
    assert_eq!(found.report.mismatches, []);
    assert_eq!(found.report.lines_matched(), 4);
    let listed = "/v0/static_memos/history: not available to this API key (HTTP 404)";
    assert_eq!(found.report.unavailable, [listed]);
    let pages = fixture.provider.requests().iter().filter(|path| path.starts_with(TRANSFERS)).count();
    assert_eq!(pages, 2, "one with rows of March, one without");
    // The provider is ahead.
    let mut newer = rows.clone();
    newer[0]["state"] = json!("returned");
    fixture.provider.put(TRANSFERS, newer);
    assert_eq!(fixture.reconcile().await, (3, vec!["different bridge:t2 status".to_owned()]));
    let unread = |path: &str| format!("list{path}: not available to this API key (HTTP 404)");
    let (memos, transfers) = (unread("/v0/static_memos/history"), unread(TRANSFERS));
    assert_eq!(fixture.open_reviews().await, [memos.as_str(), "transfer/bridge:t2"]);
    // Such a run is no success, unless a person says that the list is not needed.
    let complete = async || fixture.store.latest_complete_reconciliations().await.unwrap();
    let missing_lists = async || reconciliation::missing_lists(&fixture.store, &found).await.unwrap();
    assert_eq!((complete().await.len(), missing_lists().await), (0, vec![listed.to_owned()]));
    // What is equal is resolved although a list is not available; what is in a list that is not is not.
    let mut rows = rows;
    rows.insert(0, transfer("t9", "payment_processed", 7));
    fixture.provider.put(TRANSFERS, rows);
    fixture.reconcile().await;
    assert_eq!(fixture.open_reviews().await, [memos.as_str(), "transfer/bridge:t9"]);
    fixture.provider.next([Fault::Status(404)]);
    fixture.reconcile().await;
    let missing = ["transfer/bridge:t1", "transfer/bridge:t2", "transfer/bridge:t9"];
    let expected = [&[memos.as_str(), &transfers], missing.as_slice()].concat();
    assert_eq!(fixture.open_reviews().await, expected);
    let reviews = fixture.store.reviews(&store::ReviewFilter::default(), None, 100).await.unwrap();
    let review = reviews.iter().find(|review| review.about == memos).unwrap().id;
    fixture.store.resolve_review(review, "we have no memos", Actor::named("ana"), now()).await.unwrap();
    assert_eq!((complete().await.len(), missing_lists().await.len()), (0, 0));
    fixture.reconcile().await;
    assert_eq!(complete().await.get(&Provider::Bridge), Some(&now()));
    // A list of which there is a first page is available.
    let many = (0..150).map(|number| transfer(&format!("m{number}"), "payment_processed", 3));
    fixture.provider.put(TRANSFERS, many.collect());
    fixture.provider.next([Fault::RepeatedRow, Fault::Status(404)]);
    let error = fixture.try_reconcile().await.unwrap_err();
    assert!(matches!(error, Error::NotAsDocumented { .. }), "{error:?}");
}
