//! Balances of more than 64 bits: 923 deposits of 10^10 USDC are 9.23 × 10^18 smallest units, and 64 bits hold 9.223 × 10^18.

use serde_json::json;
use tests::events::{bridge, uuid};
use tests::load::send_until_acknowledged;
use tests::providers::{ADMIN_KEY, Providers, SignedRequest, now};

use crate::admin::{get_json, items, wait_until_applied};

const DEPOSITS: usize = 923;

fn deposit(providers: &Providers, number: usize) -> SignedRequest {
    let object = json!({
        "id": uuid(&format!("large activity {number}")),
        "type": "payment_processed",
        "customer_id": uuid("a large customer"),
        "virtual_account_id": uuid("a large account"),
        "deposit_id": uuid(&format!("large deposit {number}")),
        "amount": "10000000000.00",
        "currency": "usdc",
        "source": {"payment_rail": "wire"},
    });
    let id = uuid(&format!("large {number}"));
    providers.bridge(bridge(now(), "virtual_account.activity", "created", &id, &object))
}

#[test]
fn a_balance_of_more_than_64_bits_is_exact_in_the_api() {
    let providers = Providers::new();
    let server = providers.options().set("LEDGER_STASH_RATIO", "0").start();
    let requests: Vec<SignedRequest> = (0..DEPOSITS).map(|number| deposit(&providers, number)).collect();
    send_until_acknowledged(&[server.address()], &requests, 16);
    wait_until_applied(&server);
    let path = format!("/api/portfolio/bridge:{}", uuid("a large customer"));
    let text = server.get(&path, &[("x-api-key", ADMIN_KEY)]).body;
    for member in [
        r#""amount_minor":9230000000000000000"#,
        r#""amount":"9230000000000.000000""#,
        r#""value_usd":"9230000000000.00""#,
    ] {
        assert!(text.contains(member), "{member} in {text}");
    }
    let given_up = get_json(&server, "/api/admin/webhooks?state=dead&limit=1");
    assert!(items(&given_up).is_empty(), "{given_up}");
}
