//! Reports and earlier states of the books over HTTP.

use serde_json::{Value, json};
use tests::events::{AlpacaAccount, Trade};
use tests::providers::{Providers, VIEWER_KEY, now};
use tests::{Response, Server};

fn get(server: &Server, path: &str) -> Response {
    server.get(path, &[("x-api-key", VIEWER_KEY)])
}

/// 500.00 deposited, then 10 shares bought at 20.00, 4 of them sold at 25.00.
fn deliver(server: &Server, providers: &Providers) -> AlpacaAccount {
    let account = AlpacaAccount::named("reports");
    let deposit = account.entry(now(), "deposit", "CSD", "500.00", "executed");
    assert_eq!(server.deliver(&providers.alpaca("nta", deposit)).status, 200);
    for (order, side, (shares, price)) in [("one", "buy", ("10", "20")), ("two", "sell", ("4", "25"))] {
        let trade = Trade {
            event: "fill",
            order,
            side,
            symbol: "AAPL",
            qty: shares,
            filled: Some((shares, price)),
            execution: Some((shares, price)),
            limit: None,
        };
        assert_eq!(server.deliver(&providers.alpaca("trade", account.trade(now(), &trade))).status, 200);
    }
    let path = format!("/api/ledger/reports/gains?account={}", account.holder());
    server.wait_until("the sale is posted", |server| {
        get(server, &path).json()["rows"].as_array().is_some_and(|rows| !rows.is_empty())
    });
    account
}

#[test]
fn reports_are_json_csv_and_json_lines() {
    let providers = Providers::new();
    let server = providers.options().start();
    let account = deliver(&server, &providers).holder();
    let report = |name: &str, query: &str| get(&server, &format!("/api/ledger/reports/{name}?{query}"));
    let gains = report("gains", &format!("account={account}")).json();
    let row = &gains["rows"][0];
    // 4 × 25.00 less 4 × 20.00.
    let found = ["quantity", "proceeds", "cost", "gain", "term", "wash_sale"].map(|name| row[name].clone());
    assert_eq!(json!(found), json!(["4", "100.00", "80.00", "20.00", "short", false]));
    assert_eq!((&gains["report"], &gains["as_of"]), (&json!("gains"), &Value::Null));
    let lots = report("lots", "format=jsonl");
    let lines: Vec<Value> = lots.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["quantity"], &lines[0]["cost"]), (1, &json!("6"), &json!("120.00")));
    let holdings = report("holdings", "format=csv");
    assert_eq!(holdings.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(holdings.header("content-disposition"), Some("attachment; filename=\"holdings.csv\""));
    assert_eq!(
        holdings.body,
        format!("account,symbol,quantity,cost,currency\r\n{account},AAPL,6,120.00,USD\r\n")
    );
    let statement = report("statement", &format!("account=user/{account}/fiat_exposure")).json();
    let closing = statement["rows"].as_array().unwrap().last().unwrap().clone();
    // 500.00 − 200.00 + 100.00.
    assert_eq!((&closing["row"], &closing["balance"]), (&json!("closing"), &json!("400.00")));
    let trial = report("trial-balance", "").json();
    let total = trial["rows"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&total["account"], &total["balance"]), (&json!("total"), &json!("0.00")));
    let csv = get(&server, &format!("/api/ledger/entries?format=csv&account={account}&kind=investment"));
    assert!(csv.body.starts_with("id,transaction,subject,effect,revision,kind,at,"), "{}", csv.body);
    assert!(csv.body.lines().skip(1).all(|line| line.contains(",investment,")), "{}", csv.body);
    for (path, detail) in [
        ("/api/ledger/reports/statement", "account: a statement needs"),
        ("/api/ledger/reports/lots?account=system/fees", "account: must be a holder"),
        (
            "/api/ledger/reports/lots?effective_from=2026-01-01T00:00:00Z",
            "effective_from: this report has no period",
        ),
        ("/api/ledger/reports/tax", "report: must be trial-balance"),
        ("/api/ledger/reports/entries", "report: must be trial-balance"),
        ("/api/ledger/entries?format=csv&limit=5", "limit: only the format json has pages"),
    ] {
        let refused = get(&server, path);
        assert_eq!(refused.status, 422, "{path}: {refused:?}");
        assert!(refused.problem()["detail"].as_str().unwrap().contains(detail), "{path}: {refused:?}");
    }
}

#[test]
fn the_past_has_balances_and_positions_and_no_prices() {
    let providers = Providers::new();
    let server = providers.options().start();
    let before = now();
    let account = deliver(&server, &providers).holder();
    let portfolio = |query: &str| get(&server, &format!("/api/portfolio/{account}?{query}")).json();
    let empty = portfolio(&format!("known_at={before}"));
    assert_eq!((&empty["balances"], &empty["positions"]), (&json!([]), &json!([])));
    let past = portfolio("as_of=2199-01-01T00:00:00Z");
    assert_eq!(
        (&past["positions"][0]["quantity"], &past["positions"][0]["price"]),
        (&json!("6"), &Value::Null)
    );
    let none = ["value_usd", "unpriced", "year_to_date", "reviews"].map(|name| past[name].clone());
    assert_eq!(none, [Value::Null, Value::Null, Value::Null, Value::Null]);
    let present = portfolio("");
    let posted = |portfolio: &Value| portfolio["balances"][0]["amount"].clone();
    assert_eq!((posted(&past), &past["balances"][0]["available"]), (posted(&present), &Value::Null));
    assert!(present["value_usd"].is_string(), "{present}");
    // Two pages of the accounts of all holders and of the system.
    let balances = |query: &str| get(&server, &format!("/api/ledger/balances?{query}")).json();
    let (mut sum, mut after) = (0, String::new());
    for _ in 0..10 {
        let page = balances(&format!("limit=2{after}"));
        sum += page["balances"]
            .as_array()
            .unwrap()
            .iter()
            .map(|each| each["amount_minor"].as_i64().unwrap())
            .sum::<i64>();
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!((sum, after.is_empty()), (0, false));
    let cash = balances(&format!("account=user/{account}/fiat_exposure"));
    let of = |balances: &Value| balances["balances"][0].clone();
    assert_eq!((&of(&cash)["amount"], &of(&cash)["available"]), (&json!("400.00"), &json!("400.00")));
    let past = balances(&format!("account={account}&as_of=2199-01-01T00:00:00Z"));
    assert_eq!((&of(&past)["amount"], &of(&past)["available"]), (&json!("400.00"), &Value::Null));
    assert_eq!(balances(&format!("known_at={before}"))["balances"], json!([]));
}
