//! A key with a list of accounts sees nothing of other accounts, on any route.

use ::webhooks::{Interpretation, alpaca};
use config::api_keys::{Key, KeySet, Label};
use domain::{CashKind, Currency, EntryStatus, Fact, FactKind, Money, PostingMode, Subject};
use rate_limit::Limit;
use store::Actor;

use super::*;
use crate::auth_events::AuthEvent;
use crate::request_context::Caller;

const SCOPED: &str = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1";
const WHOLE: &str = "Zq8Wm3Xc6Vb9Nn2Ll5Kk7Jj1Hh4Gg0Ff";
/// The account of the key, and that of somebody else.
const OWN: &str = "alpaca:own-a1";
const OTHER: &str = "alpaca:other-b2";
/// Groups of routes without books.
const OTHER_TAGS: [&str; 4] = ["analysis", "webhooks", "probes", "documentation"];

/// A deposit in each of the two accounts, and a customer for each.
async fn deposit(store: &Store, now: jiff::Timestamp) {
    for (id, account, customer) in [("e1", OWN, "c-own"), ("e2", OTHER, "c-other")] {
        let delivery = alpaca::from_stream(alpaca::Kind::Trade, id, r#"{"event_id":"e"}"#.into()).unwrap();
        store.receive(&delivery, now).await.unwrap();
        let account: domain::ExternalId = account.parse().unwrap();
        let kind = FactKind::Cash {
            account: account.clone(),
            kind: CashKind::Deposit,
            amount: Money::from_minor(1_000, Currency::Usd),
            status: EntryStatus::Executed,
            posting_mode: PostingMode::Post,
        };
        let subject = Subject::CashEntry(format!("alpaca:{id}").parse().unwrap());
        let interpretation = Interpretation::Facts(vec![Fact { subject, at: now, kind }]);
        let jobs = store.lease("test", 1, std::time::Duration::from_secs(60), now).await.unwrap();
        let jobs: Vec<_> = jobs.into_iter().map(|job| (job, interpretation.clone())).collect();
        store.apply_all(&jobs, &ledger::Rules::default(), now).await.unwrap();
        let customer = customer.parse().unwrap();
        store.link_account(&customer, &account, Actor::named("test"), now).await.unwrap();
    }
}

async fn send_with(router: &Router, method: &str, path: &str, key: &Arc<Key>, number: u32) -> TestResponse {
    let mut request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    RequestContext::attach_from(
        &mut request,
        &std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).to_string(),
    );
    let context = RequestContext::get(request.extensions()).unwrap();
    context.caller.set(Caller::with_key(Arc::clone(key))).unwrap();
    TestResponse::new(router.clone().oneshot(request).await.unwrap()).await
}

/// What a client sees of a response, without the name that it sent.
fn seen(response: &TestResponse, name: &str) -> (StatusCode, String) {
    let problem = response.problem.as_ref().map(|problem| format!("{:?} {}", problem.kind, problem.detail));
    let body = String::from_utf8_lossy(&response.body).replace(name, "{name}");
    (response.status, problem.unwrap_or_default().replace(name, "{name}") + &body)
}

/// Each of two keys asks, on every route and with every parameter that names an account or a customer, for its own, for those of
/// the other key, and for those of nobody.
#[tokio::test]
async fn an_account_of_another_key_is_as_unknown_as_one_that_does_not_exist() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts_in(directory.path(), &[]).await;
    deposit(parts.admin.store(), Clock::System.now()).await;
    let router = all(parts);
    let list = format!("{SCOPED}:viewer[{OWN}],{WHOLE}:trader[{OTHER}]");
    let per_minute = std::num::NonZeroU32::new(1_000).unwrap();
    let keys = KeySet::parse(&list, Limit { per_minute, burst: per_minute }).unwrap();
    let [first, second] = [SCOPED, WHOLE].map(|text| keys.find(text.as_bytes()).unwrap());
    let document = serde_json::to_value(crate::openapi::document()).unwrap();
    let (mut number, mut compared) = (10_000, 0);
    for (method, path, tag) in operations() {
        if OTHER_TAGS.contains(&&*tag) {
            continue;
        }
        let operation = &document["paths"][&path][method.to_lowercase()];
        let parameters = operation["parameters"].as_array().map_or(&[][..], |parameters| parameters);
        for parameter in parameters {
            let name = parameter["name"].as_str().unwrap();
            if !["account", "customer"].contains(&name) {
                continue;
            }
            for (key, own, foreign) in [(&first, "own", "other"), (&second, "other", "own")] {
                let subject = |whose: &str| match (name, whose) {
                    ("customer", whose) => format!("c-{whose}"),
                    (_, "own") => OWN.to_owned(),
                    (_, "other") => OTHER.to_owned(),
                    (_, whose) => format!("alpaca:{whose}"),
                };
                let mut answers = Vec::new();
                for whose in [own, foreign, "nobody"] {
                    let subject = subject(whose);
                    let filled = match parameter["in"].as_str().unwrap() {
                        "path" => path.replace(&format!("{{{name}}}"), &subject),
                        _ => format!("{path}?{name}={subject}"),
                    };
                    let filled = filled.replace("{report}", "statement").replace("{id}", "1");
                    let response = send_with(&router, &method, &filled, key, number).await;
                    number += 1;
                    answers.push(seen(&response, &subject));
                }
                let [own, foreign, absent] = answers.try_into().unwrap();
                assert_eq!(foreign, absent, "{method} {path} {name}");
                let is_refused = own.0 == StatusCode::FORBIDDEN;
                assert_eq!(is_refused, foreign.0 == StatusCode::FORBIDDEN, "{method} {path} {name}");
                if !is_refused {
                    assert_eq!(own.0, StatusCode::OK, "{method} {path} {name}: {own:?}");
                    assert_ne!(own, foreign, "{method} {path} {name} shows its own");
                    compared += 1;
                }
            }
        }
    }
    // Portfolios of accounts and customers, entries, balances and reports, for each key.
    assert!(compared >= 8, "{compared}");
}

/// Method, path and group of every route that the description has.
fn operations() -> Vec<(String, String, String)> {
    let document = serde_json::to_value(crate::openapi::document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, operation)| {
            (method.to_uppercase(), path.clone(), operation["tags"][0].as_str().unwrap().to_owned())
        })
    });
    operations.collect()
}

#[tokio::test]
async fn every_route_of_the_books_takes_the_scope_of_the_key() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts_in(directory.path(), &[]).await;
    let (events, now) = (Arc::clone(&parts.admin.auth_events), Clock::System.now());
    deposit(parts.admin.store(), now).await;
    let router = all(parts);
    let list = format!("{SCOPED}:viewer[{OWN}],{WHOLE}:admin");
    let per_minute = std::num::NonZeroU32::new(1_000).unwrap();
    let keys = KeySet::parse(&list, Limit { per_minute, burst: per_minute }).unwrap();
    let [scoped, whole] = [SCOPED, WHOLE].map(|text| keys.find(text.as_bytes()).unwrap());
    let reads = || events.count(AuthEvent::BooksRead(Some(Label::from_key(SCOPED))));
    let (mut number, mut books) = (0, 0);
    for (method, path, tag) in operations() {
        if OTHER_TAGS.contains(&&*tag) {
            continue;
        }
        for (account, customer) in [(OTHER, "c-other"), (OWN, "c-own")] {
            let path = path
                .replace("{account}", account)
                .replace("{customer}", customer)
                .replace("{id}", "1")
                .replace("{report}", "holdings");
            let before = reads();
            let response = send_with(&router, &method, &path, &scoped, number).await;
            number += 1;
            if response.status == StatusCode::FORBIDDEN {
                continue;
            }
            let body = String::from_utf8_lossy(&response.body);
            let names_account = account == OTHER && path.contains("other");
            let expected = if names_account { StatusCode::NOT_FOUND } else { StatusCode::OK };
            assert_eq!(response.status, expected, "{method} {path}: {body}");
            for hidden in ["other-b2", "c-other", "system/"] {
                assert!(!body.contains(hidden), "{method} {path} shows {hidden}: {body}");
            }
            assert_eq!(reads(), before + 1, "{method} {path} must take a BookReader");
            books += 1;
        }
    }
    // Portfolios of accounts and of customers, and entries.
    assert!(books >= 6, "{books}");
    let detail = async |path: &str| {
        let problem = send_with(&router, "GET", path, &scoped, 5_000).await.problem.unwrap();
        (problem.kind, problem.detail)
    };
    let portfolio = |account: &str| format!("/api/portfolio/{account}");
    assert_eq!(detail(&portfolio(OTHER)).await, detail(&portfolio("alpaca:nobody")).await);
    let customer = |id: &str| format!("/api/customers/{id}/portfolio");
    assert_eq!(detail(&customer("c-other")).await, detail(&customer("c-nobody")).await);
    // A key without a list sees what was hidden.
    for (path, shown) in [
        ("/api/ledger/entries".to_owned(), "system/"),
        ("/api/ledger/entries".to_owned(), "other-b2"),
        (portfolio(OTHER), "other-b2"),
        (customer("c-other"), "other-b2"),
    ] {
        let response = send_with(&router, "GET", &path, &whole, 5_001).await;
        assert!(String::from_utf8_lossy(&response.body).contains(shown), "{path}");
    }
}
