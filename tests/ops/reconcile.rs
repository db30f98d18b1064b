//! `investiq reconcile` with a file and with a provider's API, on the books of a server.

use serde_json::json;
use tests::statements::{FakeStatements, Fault};

use crate::fixture::Fixture;

/// What the samples `alpaca/nta/deposit` and `alpaca/nta/fee` say, and an entry that the books do not have.
fn statement(workspace: &crate::command::Workspace, rows: &str) {
    let header = "kind,date,id,account,amount,currency,status";
    std::fs::write(workspace.path("statement.csv"), format!("{header}\n{rows}")).unwrap();
}

fn sample(name: &str) -> serde_json::Value {
    let path = format!("crates/webhooks/src/alpaca/samples/{name}.json");
    serde_json::from_str(&std::fs::read_to_string(tests::workspace_root().join(path)).unwrap()).unwrap()
}

#[test]
fn a_statement_is_compared_in_every_format_and_the_exit_code_tells() {
    let fixture = Fixture::start();
    let deposit = sample("nta/deposit");
    assert_eq!(fixture.outcome("--sample alpaca/nta/deposit").1, "stored");
    fixture.wait_until_applied();
    let (id, account) = (deposit["id"].as_str().unwrap(), deposit["account_id"].as_str().unwrap());
    let (day, amount) = (deposit["at"].as_str().unwrap().split('T').next().unwrap(), &deposit["net_amount"]);
    let row = |id: &str, amount: &str| format!("cash_entry,{day},{id},{account},{amount},USD,settled\n");
    let workspace = &fixture.workspace;
    statement(workspace, &row(id, &amount.to_string()));
    let equal = workspace.run("reconcile alpaca --file statement.csv");
    assert_eq!(equal.exit_code, 0, "{equal:?}");
    assert!(
        equal.stdout.starts_with(&format!("alpaca, {day} to {day}: 1 matched, 0 missing here")),
        "{equal:?}"
    );
    statement(workspace, &(row(id, "0.01") + &row("x1", "7.00")));
    let run = |format: &str| {
        let result = workspace.run(&format!("reconcile alpaca --file statement.csv --format {format}"));
        assert_eq!(result.exit_code, 3, "{result:?}");
        result
    };
    let json = run("json").json();
    assert_eq!(json["schema"], "investiq.reconciliation.v1");
    let kinds: Vec<_> = json["mismatches"].as_array().unwrap().iter().map(|found| &found["kind"]).collect();
    assert_eq!(kinds, ["missing_here", "different"]);
    assert_eq!(
        (&json["mismatches"][0]["there"]["amount"], &json["mismatches"][0]["here"]),
        (&json!("7.00"), &json!(null))
    );
    assert!(run("table").stdout.contains("missing here  cash_entry  alpaca:x1"));
    let csv = run("csv").stdout;
    let expected =
        format!("missing here,cash_entry,alpaca:x1,alpaca:{account},{day},7.00 USD settled,,missing_here");
    assert_eq!(csv.lines().nth(1), Some(expected.as_str()));
    assert!(run("markdown").stdout.contains("| missing here | cash_entry | alpaca:x1 |"));
    let refused = workspace.run("reconcile bridge");
    assert_eq!(refused.exit_code, 2);
    assert!(refused.stderr.contains("no API key of bridge: set bridge_api_key"), "{refused:?}");
    statement(workspace, "cash_entry,yesterday,,,,,\n");
    let refused = workspace.run("reconcile alpaca --file statement.csv");
    assert!(refused.stderr.contains("line 2 of the file: date must be"), "{refused:?}");
}

#[test]
fn the_api_is_called_with_the_key_of_the_server() {
    const KEY: &str = "bridge-Jp4wRk7nXt9vMq1zGc6y";
    let mut fixture = Fixture::start();
    fixture.stop();
    let provider = FakeStatements::start("api-key", KEY);
    for path in ["/v0/transfers", "/v0/virtual_accounts/history", "/v0/static_memos/history"] {
        provider.put(path, vec![]);
    }
    let drain = json!({
        "id": "l1", "state": "payment_processed", "amount": "5.0", "currency": "usdc", "customer_id": "c1",
        "source": { "payment_rail": "polygon", "currency": "usdc" },
        "destination": { "payment_rail": "ach", "currency": "usd" },
        "receipt": { "initial_amount": "5.0", "final_amount": "5.0" },
        "created_at": "2026-03-05T10:00:00Z", "updated_at": "2026-03-05T10:00:00Z",
    });
    provider.put("/v0/liquidation_addresses/drains", vec![drain]);
    fixture.workspace.write_secret("bridge_api_key", KEY, 0o444);
    let workspace = fixture.workspace.set("BRIDGE_BASE_URL", &provider.base_url());
    let found = workspace.run("reconcile bridge --from 2026-03-01 --to 2026-03-31");
    assert_eq!(found.exit_code, 3, "{found:?}");
    assert!(found.stdout.contains("missing here  transfer  bridge:l1"), "{found:?}");
    // An empty list is not one that the key does not have.
    provider.put("/v0/liquidation_addresses/drains", vec![]);
    assert_eq!(workspace.run("reconcile bridge").exit_code, 0);
    provider.next([Fault::Status(404)]);
    let incomplete = workspace.run("reconcile bridge");
    assert_eq!(incomplete.exit_code, 4, "{incomplete:?}");
    assert!(
        incomplete.stderr.contains("the list was not read: /v0/transfers: not available to this API key"),
        "{incomplete:?}"
    );
    let refused = workspace.set("BRIDGE_API_KEY", "bridge-Zq8Wm3Xc6Vb9Nn2Ll5Kk7").run("reconcile bridge");
    assert_eq!(refused.exit_code, 4, "{refused:?}");
    assert!(refused.stderr.contains("API key refused (HTTP 401)"), "{refused:?}");
}
