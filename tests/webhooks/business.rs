//! Business metrics after one event of each kind, after a restart and after a replay, against amounts computed by hand.

use std::collections::BTreeMap;

use tests::midnight::wait_out_midnight;
use tests::providers::{ADMIN_KEY, Providers, now};
use tests::{Server, ServerOptions};

use crate::admin::{deliver_in_order, get_json, wait_until_applied};
use crate::day::{
    CASH_CENTS, CUSTOMER_MICROS, DEPOSITED_CENTS, DEPOSITED_MICROS, INVESTED_CENTS, SHARES, WALLET_MICROS,
    day, investor,
};

const FIGURES: [&str; 7] = [
    "aum_usd",
    "deposits_today_usd",
    "investments_today_usd",
    "users_registered",
    "portfolio_return_ytd_ratio",
    "ledger_imbalance_minor",
    "webhook_dead_letters",
];

/// The metrics, computed after everything that was applied until now.
pub(crate) fn figures(server: &Server) -> BTreeMap<&'static str, Option<f64>> {
    let started_s = now().as_duration().as_secs_f64();
    let is_later = |server: &Server| {
        let metric = |name| server.metric(name);
        // Token prices arrive a moment after the start.
        metric("business_computed_at_seconds").is_some_and(|at_s| at_s > started_s)
            && metric("aum_unpriced") == Some(0.0)
    };
    server.wait_until("the metrics are computed again", is_later);
    // NaN is not equal to itself, so it becomes `None`.
    FIGURES.map(|name| (name, server.metric(name).filter(|value| !value.is_nan()))).into_iter().collect()
}

fn cents(value: f64) -> i64 {
    format!("{:.0}", value * 100.0).parse().unwrap()
}

/// The last price of a share: the day's last execution, at 160.00.
const SHARE_PRICE_CENTS: i64 = 16_000;

fn expected() -> BTreeMap<&'static str, i64> {
    // USDC at its price of one dollar, shares at the last price.
    let usdc_cents = |micros: i64| (micros + 5_000) / 10_000;
    let tokens = WALLET_MICROS.0 + WALLET_MICROS.1 + CUSTOMER_MICROS.0 + CUSTOMER_MICROS.1;
    let aum = CASH_CENTS + usdc_cents(tokens) + SHARES.0 * SHARE_PRICE_CENTS;
    BTreeMap::from([
        ("aum_usd", aum),
        ("deposits_today_usd", DEPOSITED_CENTS + usdc_cents(DEPOSITED_MICROS)),
        ("investments_today_usd", INVESTED_CENTS),
        ("ledger_imbalance_minor", 0),
        ("webhook_dead_letters", 0),
    ])
}

fn assert_expected(server: &Server, when: &str) -> BTreeMap<&'static str, Option<f64>> {
    wait_until_applied(server);
    let found = figures(server);
    for (name, cents_expected) in expected() {
        let value = found[name].unwrap_or_else(|| panic!("{when}: {name} is missing"));
        assert_eq!(cents(value), cents_expected, "{when}: {name}; all: {found:?}");
    }
    found
}

fn in_file(providers: &Providers, directory: &std::path::Path) -> ServerOptions {
    providers.options().database_file(&directory.join("investiq.db"))
}

#[test]
fn metrics_are_exact_to_the_cent_after_a_restart_and_a_replay() {
    wait_out_midnight();
    let providers = Providers::new();
    let directory = tempfile::tempdir().unwrap();
    let options = in_file(&providers, directory.path());
    let server = options.start();
    deliver_in_order(&server, &day(&providers, now()));
    let first = assert_expected(&server, "at first");
    drop(server);
    let server = options.start();
    assert_eq!(assert_expected(&server, "after a restart"), first);
    let replay =
        server.post_json("/api/admin/webhooks/replay", &[("x-api-key", ADMIN_KEY)], r#"{"all":true}"#);
    assert_eq!(replay.status, 200, "{replay:?}");
    assert_eq!(assert_expected(&server, "after a replay"), first);
}

#[test]
fn a_portfolio_shows_its_positions() {
    let providers = Providers::new();
    let server = providers.options().start();
    deliver_in_order(&server, &day(&providers, now()));
    wait_until_applied(&server);
    let portfolio = get_json(&server, &format!("/api/portfolio/{}", investor().holder()));
    let positions = portfolio["positions"].as_array().unwrap_or_else(|| panic!("{portfolio}"));
    assert_eq!(positions.len(), 1, "{portfolio}");
    assert_eq!(
        (&positions[0]["symbol"], &positions[0]["quantity"]),
        (&"AAPL".into(), &"3".into()),
        "{portfolio}"
    );
    let text = positions[0].to_string();
    assert!(text.contains("450.3") || text.contains(&SHARES.1.to_string()), "{text}");
}
