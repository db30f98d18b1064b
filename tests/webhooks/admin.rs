//! What an administrator sees of the inbox and of the books.

use std::collections::BTreeMap;

use serde_json::Value;
use tests::Server;
use tests::providers::{ADMIN_KEY, SignedRequest};
use tests::volley::volley_until_acknowledged;

/// Entries on one page.
const PAGE: usize = 200;

/// The entries of a page, whatever it calls them.
pub(crate) fn items(page: &Value) -> &Vec<Value> {
    let object = page.as_object().unwrap_or_else(|| panic!("a page is an object: {page}"));
    object.values().find_map(Value::as_array).unwrap_or_else(|| panic!("a page has entries: {page}"))
}

/// Tells it all of this, one after the other.
pub(crate) fn tell(server: &Server, requests: &[SignedRequest]) {
    for request in requests {
        drop(volley_until_acknowledged(&[server.address()], std::slice::from_ref(request), 1));
    }
}

/// What an administrator reads there, asked again while a busy server refuses it for now.
pub(crate) fn read(server: &Server, path: &str) -> Value {
    let mut found = Value::Null;
    server.until(path, |_| {
        let answer = server.get(path, &[("x-api-key", ADMIN_KEY)]);
        assert!(matches!(answer.status, 200 | 503), "{path}: {answer:?}");
        if answer.status == 200 {
            found = answer.json();
        }
        answer.status == 200
    });
    found
}

/// Waits until everything that was kept has had its effect.
pub(crate) fn settle(server: &Server) {
    let none =
        |state: &str| items(&read(server, &format!("/api/admin/webhooks?state={state}&limit=1"))).is_empty();
    // A piece of work that fails goes from leased back to pending, so pending is looked at twice.
    server.until("nothing is left to do", |_| none("pending") && none("leased") && none("pending"));
}

/// Every entry of the ledger, of one holder or of all, page after page.
pub(crate) fn entries(server: &Server, holder: Option<&str>) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    let account = holder.map_or_else(String::new, |holder| format!("&account={holder}"));
    let mut after = String::new();
    loop {
        let page = read(server, &format!("/api/ledger/entries?limit={PAGE}{account}{after}"));
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
    let is_meant = |name: &str| name.contains(holder) && name.ends_with(account);
    let sums = balances(server);
    let found = sums.iter().filter(|((name, in_currency), _)| is_meant(name) && in_currency == currency);
    found.map(|(_, sum)| sum).sum()
}
