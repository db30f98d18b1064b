//! Lists of Circle Mint, and transactions of wallets.

use serde_json::{Value, json};
use webhooks::SettingValue;

use super::*;

const AT: &str = "2026-03-03T10:00:00Z";

fn amount(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "USD" })
}

/// As SNS delivers it.
fn message(kind: &str, member: &str, object: &Value) -> Value {
    let message = json!({ "clientId": "us", "notificationType": kind, member: object }).to_string();
    json!({ "Type": "Notification", "Timestamp": AT, "Message": message })
}

#[tokio::test]
async fn mint_and_wallets_are_compared() {
    let settings = ProviderSettings::default()
        .with("webhooks.circle.usdc_token_ids", &SettingValue::List(vec!["usdc".to_owned()]))
        .with("webhooks.circle.senders", &SettingValue::List(vec!["us".to_owned()]));
    let fixture = Fixture::new(Provider::Circle, settings).await;
    let transfer = json!({
        "id": "t1", "source": { "type": "blockchain", "chain": "ETH" },
        "destination": { "type": "wallet", "id": "1000" }, "amount": amount("3.14"), "status": "complete",
        "createDate": AT, "updateDate": AT,
    });
    let deposit = json!({
        "id": "d1", "destination": { "type": "wallet", "id": "1000" }, "amount": amount("100.00"),
        "fee": amount("1.00"), "status": "complete", "createDate": AT, "updateDate": AT,
    });
    let mut payout = json!({
        "id": "p1", "sourceWalletId": "1000", "amount": amount("40.00"), "status": "complete",
        "createDate": AT, "updateDate": AT,
    });
    let transaction = json!({
        "id": "w1", "walletId": "2000", "tokenId": "usdc", "amounts": ["7", "0.5"], "state": "COMPLETE",
        "transactionType": "INBOUND", "createDate": AT, "updateDate": AT,
    });
    let events = [
        message("transfers", "transfer", &transfer),
        message("deposits", "deposit", &deposit),
        message("payouts", "payout", &payout),
    ];
    fixture.post("circle/sns", &events).await;
    let notification = json!({
        "subscriptionId": "us", "notificationType": "transactions.inbound", "notification": transaction,
        "timestamp": AT,
    });
    fixture.post("circle/direct", &[notification]).await;
    fixture.provider.put("/v1/businessAccount/transfers", vec![transfer.clone()]);
    // One transfer in two lists is one.
    fixture.provider.put("/v1/transfers", vec![transfer]);
    fixture.provider.put("/v1/businessAccount/deposits", vec![deposit]);
    fixture.provider.put("/v1/businessAccount/payouts", vec![payout.clone()]);
    fixture.provider.put("/v1/w3s/transactions", vec![transaction]);
    fixture.provider.put("/v1/payments", vec![]);
    let found = fixture.try_reconcile().await.unwrap().report;
    let expected = (vec![], 4, Vec::<String>::new());
    assert_eq!((found.mismatches.clone(), found.lines_matched(), found.unavailable.clone()), expected);
    // 3.14 + 99.00 - 40.00 + 7.50
    assert_eq!(found.matched[0].amount.to_string(), "69.640000");
    // A complete payout comes back.
    payout["return"] = amount("40.00");
    fixture.provider.put("/v1/businessAccount/payouts", vec![payout]);
    assert_eq!(fixture.reconcile().await, (3, vec!["different circle:p1 status".to_owned()]));
    // An API key that does not have a list finds everything of it missing.
    fixture.provider.put("/v1/w3s/transactions", vec![]);
    let (_, found) = fixture.reconcile().await;
    assert_eq!(found[0], "missing_there circle:w1 missing_there");
}
