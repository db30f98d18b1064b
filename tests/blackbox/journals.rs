//! Journals by hand and the review queue over HTTP: two persons, repetition, refusals, reversals.

use reqwest::Method;
use serde_json::{Value, json};
use tests::events::AlpacaAccount;
use tests::providers::{ADMIN_KEY, Providers, VIEWER_KEY, now};
use tests::{Response, Server};

const CHECKER_KEY: &str = "webhook-test-second-Rv5tYw8zBn3mLc6xQk9pGd2sFh";
const COPIES: usize = 64;

/// A server with two administrators, on which one may move 100 dollars, and an account with 500.00.
fn start(providers: &Providers) -> (Server, AlpacaAccount) {
    let keys = format!("{ADMIN_KEY}:admin,{CHECKER_KEY}:admin,{VIEWER_KEY}:viewer");
    let server = providers.options().set("API_KEYS", keys).set("JOURNAL_APPROVAL_ABOVE", "100").start();
    let account = AlpacaAccount::named("by hand");
    let deposit = account.entry(now(), "deposit", "CSD", "500.00", "executed");
    assert_eq!(server.deliver(&providers.alpaca("nta", deposit)).status, 200);
    wait_for_cash(&server, &account, "500.00");
    (server, account)
}

fn cash(server: &Server, account: &AlpacaAccount) -> Option<String> {
    let portfolio = server.get(&format!("/api/portfolio/{}", account.holder()), &[("x-api-key", ADMIN_KEY)]);
    if portfolio.status != 200 {
        return None;
    }
    let balances = portfolio.json()["balances"].as_array().unwrap().clone();
    let is_cash = |balance: &&Value| balance["account"] == "fiat_exposure";
    balances.iter().find(is_cash).map(|balance| balance["amount"].as_str().unwrap().to_owned())
}

fn wait_for_cash(server: &Server, account: &AlpacaAccount, amount: &str) {
    server.wait_until("the cash is there", |server| cash(server, account).as_deref() == Some(amount));
}

fn post(server: &Server, path: &str, key: &str, idempotency_key: &str, body: &Value) -> Response {
    let headers =
        [("x-api-key", key), ("content-type", "application/json"), ("idempotency-key", idempotency_key)];
    server.send(Method::POST, path, &headers, Some(&body.to_string()))
}

fn fee(account: &AlpacaAccount, amount: &str) -> Value {
    let user = format!("user/{}/fiat_exposure", account.holder());
    json!({
        "effective_at": now().to_string(),
        "reference": "invoice 4711",
        "reason": "fee that the broker does not report",
        "postings": [{"kind": "fee", "entries": [
            {"account": user, "amount": format!("-{amount}"), "currency": "USD"},
            {"account": "system/fees", "amount": amount, "currency": "USD"},
        ]}],
    })
}

const JOURNALS: &str = "/api/ledger/journals";

#[test]
fn a_journal_is_posted_once_and_a_large_one_by_two_persons() {
    let providers = Providers::new();
    let (server, account) = start(&providers);
    let small = fee(&account, "50.00");
    let ids: std::collections::BTreeSet<String> = std::thread::scope(|scope| {
        let copies: Vec<_> = (0..COPIES)
            .map(|_| scope.spawn(|| post(&server, JOURNALS, ADMIN_KEY, "small", &small)))
            .collect();
        let id = |response: Response| {
            assert_eq!(response.status, 201, "{response:?}");
            response.json()["id"].as_str().unwrap().to_owned()
        };
        copies.into_iter().map(|copy| id(copy.join().unwrap())).collect()
    });
    assert_eq!((ids.len(), cash(&server, &account).as_deref()), (1, Some("450.00")));
    let other = post(&server, JOURNALS, ADMIN_KEY, "small", &fee(&account, "50.01"));
    assert_eq!(other.status, 422, "{other:?}");
    assert!(other.problem()["detail"].as_str().unwrap().contains("idempotency key"), "{other:?}");

    let large = post(&server, JOURNALS, ADMIN_KEY, "large", &fee(&account, "200.00"));
    assert_eq!((large.status, &large.json()["state"]), (201, &json!("pending")));
    let path = format!("{JOURNALS}/{}", large.json()["id"].as_str().unwrap());
    let own = post(&server, &format!("{path}/approve"), ADMIN_KEY, "", &Value::Null);
    assert_eq!(own.status, 403, "{own:?}");
    assert!(own.problem()["detail"].as_str().unwrap().contains("another person must approve it"), "{own:?}");
    assert_eq!(cash(&server, &account).as_deref(), Some("450.00"));
    let approved = post(&server, &format!("{path}/approve"), CHECKER_KEY, "", &Value::Null);
    assert_eq!((approved.status, &approved.json()["state"]), (200, &json!("posted")));
    assert_ne!(approved.json()["checked_by"], approved.json()["made_by"]);
    assert_eq!(cash(&server, &account).as_deref(), Some("250.00"));

    let reason = json!({"reason": "the broker reported it after all"});
    // The reversal moves 200.00 as well.
    let reversal = post(&server, &format!("{path}/reverse"), CHECKER_KEY, "back", &reason);
    assert_eq!(reversal.status, 201, "{reversal:?}");
    let again = post(&server, &format!("{path}/reverse"), CHECKER_KEY, "again", &reason);
    assert_eq!((again.status, &again.problem()["code"]), (409, &json!("conflict")));
    let reversal_path = format!("{JOURNALS}/{}", reversal.json()["id"].as_str().unwrap());
    assert_eq!(post(&server, &format!("{reversal_path}/approve"), ADMIN_KEY, "", &Value::Null).status, 200);
    assert_eq!(cash(&server, &account).as_deref(), Some("450.00"));
    assert_eq!(server.admin_json(&path)["reversed_by"], reversal.json()["id"]);
    assert_eq!(
        server.admin_json(&format!("{JOURNALS}?state=posted"))["journals"].as_array().unwrap().len(),
        3
    );
    assert_eq!(server.admin_json("/api/admin/audit/verify")["is_intact"], true);
}

#[test]
fn a_refusal_says_what_to_do_and_posts_nothing() {
    let providers = Providers::new();
    let (server, account) = start(&providers);
    let text = fee(&account, "5.00").to_string();
    let edited = |from: &str, to: &str| -> Value { serde_json::from_str(&text.replace(from, to)).unwrap() };
    for (body, detail) in [
        (edited("\"5.00\"", "\"4.99\""), "sum to -0.01 USD"),
        (edited("\"5.00\"", "\"5.001\""), "more decimal places than USD"),
        (edited("system/fees", "system/gold"), "ledger account must be"),
        (edited("\"USD\"", "\"DOGE\""), "unknown variant"),
        (edited(&account.holder(), "alpaca:nobody"), "account alpaca:nobody is unknown"),
        (edited("\"fee\"", "\"shortfall\""), "is not posted by hand"),
        (edited("invoice 4711", ""), "reference must be"),
    ] {
        let refused = post(&server, JOURNALS, ADMIN_KEY, "refused", &body);
        assert_eq!(refused.status, 422, "{refused:?}");
        assert!(refused.problem()["detail"].as_str().unwrap().contains(detail), "{detail}: {refused:?}");
    }
    let keyless = server.post_json(JOURNALS, &[("x-api-key", ADMIN_KEY)], &text);
    assert_eq!(keyless.status, 400, "{keyless:?}");
    assert!(keyless.problem()["detail"].as_str().unwrap().contains("Idempotency-Key"), "{keyless:?}");
    assert_eq!(post(&server, &format!("{JOURNALS}/99/approve"), ADMIN_KEY, "", &Value::Null).status, 404);
    assert_eq!(server.admin_json(JOURNALS)["journals"], json!([]));
    assert_eq!(cash(&server, &account).as_deref(), Some("500.00"));
}

#[test]
fn a_review_is_resolved_with_a_reason_or_a_journal() {
    let providers = Providers::new();
    let (server, account) = start(&providers);
    for name in ["one", "two"] {
        let dividend = account.entry(now(), name, "DIV", "2.40", "executed");
        assert_eq!(server.deliver(&providers.alpaca("nta", dividend)).status, 200);
    }
    let arrived = account.entry(now(), "arrived", "SSO", "0.00", "executed");
    assert_eq!(server.deliver(&providers.alpaca("nta", arrived)).status, 200);
    let open = |kind: &str| {
        server.admin_json(&format!("/api/admin/reviews?kind={kind}"))["reviews"].as_array().unwrap().clone()
    };
    server.wait_until("the reviews are open", |_| {
        !open("repeated_entry").is_empty() && !open("by_hand").is_empty()
    });
    server.wait_until("they are counted", |server| {
        server.metric("reviews_open{kind=\"repeated_entry\"}") == Some(1.0)
            && server.metric("reviews_open{kind=\"by_hand\"}") == Some(1.0)
    });
    assert_eq!(cash(&server, &account).as_deref(), Some("504.80"));
    let path = format!("/api/admin/reviews/{}", open("repeated_entry")[0]["id"].as_str().unwrap());
    let detail = server.admin_json(&path);
    assert_eq!(
        (detail["facts"].as_array().unwrap().len(), &detail["account"]),
        (1, &json!(account.holder()))
    );
    let suggestions = detail["suggestions"].as_array().unwrap();
    let journal = &suggestions.iter().find(|each| each["action"] == "journal").unwrap()["journal"];
    let body = json!({"reason": "reported twice", "journal": journal});
    let keyless =
        server.post_json(&format!("{path}/resolve"), &[("x-api-key", ADMIN_KEY)], &body.to_string());
    assert_eq!(keyless.status, 400, "{keyless:?}");
    let resolved = post(&server, &format!("{path}/resolve"), ADMIN_KEY, "reversal", &body);
    assert_eq!(resolved.status, 200, "{resolved:?}");
    assert!(resolved.json()["journal"].is_string() && resolved.json()["resolved_at"].is_string());
    assert_eq!(cash(&server, &account).as_deref(), Some("502.40"));

    let by_hand = open("by_hand")[0].clone();
    assert!(by_hand["subject"].as_str().unwrap().starts_with("event/"), "{by_hand}");
    let path = format!("/api/admin/reviews/{}", by_hand["id"].as_str().unwrap());
    assert!(
        server.admin_json(&path)["event"]["reason"].as_str().unwrap().contains("not posted automatically")
    );
    let reason = json!({"reason": "nothing was spun off"});
    for _ in 0..2 {
        assert_eq!(post(&server, &format!("{path}/resolve"), ADMIN_KEY, "reason", &reason).status, 200);
    }
    let other = post(&server, &format!("{path}/resolve"), CHECKER_KEY, "reason", &reason);
    assert_eq!((other.status, &other.problem()["code"]), (409, &json!("conflict")));
    assert_eq!(server.admin_json("/api/admin/reviews")["reviews"], json!([]));
    assert_eq!(
        server.admin_json("/api/admin/reviews?state=resolved")["reviews"].as_array().unwrap().len(),
        2
    );
    assert_eq!(server.admin_json("/api/admin/audit/verify")["is_intact"], true);
}

#[test]
fn a_journal_takes_out_what_is_available_and_the_refusal_says_how_much_that_is() {
    let providers = Providers::new();
    let (server, account) = start(&providers);
    let waiting = fee(&account, "480.00");
    assert_eq!(post(&server, JOURNALS, ADMIN_KEY, "waiting", &waiting).json()["state"], "pending");
    let balance = || {
        let portfolio = server.admin_json(&format!("/api/portfolio/{}", account.holder()));
        portfolio["balances"][0].clone()
    };
    // 500.00 less the 480.00 that wait for another person.
    let cash = balance();
    let shown = ["amount", "pending_in", "pending_out", "available", "available_minor"];
    let expected = [json!("500.00"), json!("0.00"), json!("480.00"), json!("20.00"), json!(2_000)];
    assert_eq!(shown.map(|name| cash[name].clone()), expected, "{cash}");
    let refused = post(&server, JOURNALS, ADMIN_KEY, "more", &fee(&account, "20.01"));
    assert_eq!(refused.status, 422, "{refused:?}");
    let problem = refused.problem();
    let named = ["currency", "available", "asked"].map(|name| problem[name].clone());
    assert_eq!(named, [json!("USD"), json!("20.00"), json!("20.01")], "{problem}");
    assert_eq!(problem["account"], format!("user/{}/fiat_exposure", account.holder()));
    assert_eq!(post(&server, JOURNALS, ADMIN_KEY, "rest", &fee(&account, "20.00")).json()["state"], "posted");
    let mut overdraft = fee(&account, "1.00");
    overdraft["allow_overdraft"] = json!(true);
    let pending = post(&server, JOURNALS, ADMIN_KEY, "overdraft", &overdraft).json();
    assert_eq!(
        (&pending["state"], &pending["journal"]["allow_overdraft"]),
        (&json!("pending"), &json!(true))
    );
    assert_eq!(balance()["available"], "-1.00");
}

#[test]
fn a_key_with_a_list_reads_its_accounts_alone() {
    const SCOPED_KEY: &str = "webhook-test-scoped-Xw3kPz8mQx5tRb7nLc2yHs9dJf";
    let providers = Providers::new();
    let (own, other) = (AlpacaAccount::named("own"), AlpacaAccount::named("other"));
    let keys = format!("{ADMIN_KEY}:admin,{SCOPED_KEY}:viewer[c-1]");
    let server = providers.options().set("API_KEYS", keys).start();
    for account in [&own, &other] {
        let deposit = account.entry(now(), "deposit", "CSD", "500.00", "executed");
        assert_eq!(server.deliver(&providers.alpaca("nta", deposit)).status, 200);
        wait_for_cash(&server, account, "500.00");
    }
    let scoped = |path: &str| server.get(path, &[("x-api-key", SCOPED_KEY)]);
    let entries = || scoped("/api/ledger/entries?limit=500").json()["entries"].as_array().unwrap().clone();
    let path = |account: &AlpacaAccount| format!("/api/portfolio/{}", account.holder());
    assert_eq!((scoped(&path(&own)).status, entries().len()), (404, 0));
    let link = |word: &str, customer: &str| {
        let body = json!({ "account": own.holder() });
        post(&server, &format!("/api/admin/customers/{customer}/{word}"), ADMIN_KEY, "", &body)
    };
    for _ in 0..2 {
        let linked = link("link", "c-1");
        assert_eq!((linked.status, &linked.json()["links"][0]["account"]), (200, &json!(own.holder())));
    }
    assert_eq!(link("link", "c-2").status, 409);
    assert_eq!(scoped(&path(&own)).status, 200);
    let mine = entries();
    let cash = json!(format!("user/{}/fiat_exposure", own.holder()));
    assert!(!mine.is_empty() && mine.iter().all(|entry| entry["account"] == cash), "{mine:?}");
    // What is outside the list is as what does not exist, to the last byte.
    let nobody = format!("alpaca:{}", "0".repeat(other.holder().len() - "alpaca:".len()));
    let body = |account: &str| {
        let response = scoped(&format!("/api/portfolio/{account}"));
        let request_id = response.problem()["request_id"].as_str().unwrap().to_owned();
        response.body.replace(account, "").replace(&request_id, "")
    };
    assert_eq!(body(&other.holder()), body(&nobody));
    assert_eq!(scoped("/api/ledger/journals").status, 403);
    let customer = scoped("/api/customers/c-1/portfolio").json();
    assert_eq!(
        (&customer["value_usd"], customer["accounts"].as_array().unwrap().len()),
        (&json!("500.00"), 1)
    );
    assert_eq!(server.admin_json("/api/admin/customers?customer=c-1")["links"][0]["customer"], "c-1");
    assert_eq!(link("unlink", "c-1").json()["links"], json!([]));
    assert_eq!(scoped(&path(&own)).status, 404);
    assert_eq!(server.admin_json("/api/admin/audit/verify")["is_intact"], true);
}
