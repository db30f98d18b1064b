//! The administrator's view of the inbox and the ledger.

use std::collections::BTreeMap;

use serde_json::Value;
use tests::Server;
use tests::load::send_until_acknowledged;
use tests::providers::{ADMIN_KEY, SignedRequest};

const PAGE_ENTRIES: usize = 200;

/// The items of a page, whatever their member's name.
pub(crate) fn items(page: &Value) -> &Vec<Value> {
    let object = page.as_object().unwrap_or_else(|| panic!("a page is an object: {page}"));
    object.values().find_map(Value::as_array).unwrap_or_else(|| panic!("a page has items: {page}"))
}

/// Delivers all, one after the other.
pub(crate) fn deliver_in_order(server: &Server, requests: &[SignedRequest]) {
    for request in requests {
        drop(send_until_acknowledged(&[server.address()], std::slice::from_ref(request), 1));
    }
}

/// An administrator's GET, retried while a busy server responds with 503.
pub(crate) fn get_json(server: &Server, path: &str) -> Value {
    let mut found = Value::Null;
    server.wait_until(path, |_| {
        let response = server.get(path, &[("x-api-key", ADMIN_KEY)]);
        assert!(matches!(response.status, 200 | 503), "{path}: {response:?}");
        if response.status == 200 {
            found = response.json();
        }
        response.status == 200
    });
    found
}

/// Waits until no job is left.
pub(crate) fn wait_until_applied(server: &Server) {
    let none = |state: &str| {
        items(&get_json(server, &format!("/api/admin/webhooks?state={state}&limit=1"))).is_empty()
    };
    // A failed job goes from leased back to pending, so pending is checked twice.
    server.wait_until("no job is left", |_| none("pending") && none("leased") && none("pending"));
}

/// Every entry of the ledger, of one holder or of all, page after page.
pub(crate) fn entries(server: &Server, holder: Option<&str>) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    let account = holder.map_or_else(String::new, |holder| format!("&account={holder}"));
    let mut after = String::new();
    loop {
        let page = get_json(server, &format!("/api/ledger/entries?limit={PAGE_ENTRIES}{account}{after}"));
        let found = items(&page);
        all.extend(found.iter().cloned());
        let next = page.get("next").filter(|next| !next.is_null());
        let Some(next) = next else { return all };
        let next = next.as_str().map_or_else(|| next.to_string(), str::to_owned);
        after = format!("&after={next}");
    }
}

/// The sums of all entries, by ledger account and currency, in minor units.
pub(crate) fn balances(server: &Server) -> BTreeMap<(String, String), i64> {
    let mut sums = BTreeMap::new();
    for entry in entries(server, None) {
        let text =
            |member: &str| entry[member].as_str().unwrap_or_else(|| panic!("{member} in {entry}")).to_owned();
        let amount = entry["amount_minor"].as_i64().unwrap_or_else(|| panic!("amount_minor in {entry}"));
        *sums.entry((text("account"), text("currency"))).or_insert(0) += amount;
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

/// The balance of one account of a holder, in minor units.
pub(crate) fn balance(server: &Server, holder: &str, account: &str, currency: &str) -> i64 {
    let matches = |name: &str| name.contains(holder) && name.ends_with(account);
    let sums = balances(server);
    let found = sums.iter().filter(|((name, in_currency), _)| matches(name) && in_currency == currency);
    found.map(|(_, sum)| sum).sum()
}
