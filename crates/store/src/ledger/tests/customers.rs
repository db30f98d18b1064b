//! Customers, and what a scope shows of the books.

use domain::{AccountScope, CashKind, CustomerId, EntryStatus, Money, Side};

use super::day;
use super::fixture::{TestLedger, now};
use crate::actor::Actor;
use crate::business::AssetPrice;
use crate::customers::CustomerError;
use crate::ledger::{EntryFilter, Moment};
use crate::reports::{ReportKind, ReportRequest};

const ANA: Actor<'_> = Actor::named("key:ana");

pub(super) async fn all<F: Future<Output = TestLedger>>(mut open: impl FnMut() -> F) {
    an_account_belongs_to_one_customer(&open().await).await;
    a_customer_has_the_sums_of_its_accounts(&open().await).await;
    a_scope_shows_its_accounts_and_no_others(&open().await).await;
}

fn customer(id: &str) -> CustomerId {
    id.parse().unwrap()
}

/// 1,000.00 and 10 shares for 250.00 in alpaca:a1, and 100 USDC in bridge:c1.
async fn fund(ledger: &TestLedger) {
    super::journals::fund(ledger).await;
    ledger.post(&[day::deposit_of_usdc("12:00:00", "bridge:t1", 100_000_000)]).await;
}

async fn link(ledger: &TestLedger, id: &str, account: &str) -> Result<(), CustomerError> {
    ledger.store.link_account(&customer(id), &account.parse().unwrap(), ANA, now()).await
}

async fn an_account_belongs_to_one_customer(ledger: &TestLedger) {
    fund(ledger).await;
    let racing = (0..16).map(|number| {
        let ledger = ledger.clone();
        tokio::spawn(async move { link(&ledger, &format!("c-{}", number % 4), "alpaca:a1").await })
    });
    let mut refused = 0;
    for outcome in racing.collect::<Vec<_>>() {
        match outcome.await.unwrap() {
            Ok(()) => {}
            Err(CustomerError::LinkedElsewhere { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(refused, 12, "one customer of four, named four times");
    let links = ledger.store.customer_accounts(None, None, 10).await.unwrap();
    let [linked] = &links[..] else { panic!("{links:?}") };
    assert_eq!((linked.account.to_string(), &*linked.linked_by), ("alpaca:a1".to_owned(), "key:ana"));
    let unknown = link(ledger, "c-1", "alpaca:a9").await.unwrap_err().to_string();
    assert!(unknown.contains("account alpaca:a9 is unknown"), "{unknown}");
    let other = customer("other");
    for id in [&other, &linked.customer, &linked.customer] {
        ledger.store.unlink_account(id, &linked.account, ANA, now()).await.unwrap();
    }
    assert_eq!(ledger.store.customer_accounts(None, None, 10).await.unwrap(), []);
    let audited =
        "SELECT COUNT(*) AS number FROM audit_entries WHERE action IN ('customers.link', 'customers.unlink')";
    assert_eq!(ledger.number(audited).await, 2, "what changed nothing is not in the chain");
    ledger.store.verify_audit(None, |_, _| ()).await.unwrap();
}

async fn a_customer_has_the_sums_of_its_accounts(ledger: &TestLedger) {
    fund(ledger).await;
    ledger.post(&[day::account_of("alpaca:a2")]).await;
    let price = |asset: &str, price: &str| AssetPrice {
        asset: asset.parse().unwrap(),
        price: price.parse().unwrap(),
        at: now(),
    };
    ledger.store.set_prices(&[price("currency/USDC", "1"), price("AAPL", "30")], ANA, now()).await.unwrap();
    for account in ["alpaca:a1", "alpaca:a2", "bridge:c1"] {
        link(ledger, "c-1", account).await.unwrap();
        link(ledger, "c-1", account).await.unwrap();
    }
    let id = customer("c-1");
    let whole = ledger.store.customer_portfolio(&AccountScope::All, &id, now()).await.unwrap().unwrap();
    assert_eq!(whole.accounts.len(), 3);
    let sums: Vec<String> = whole
        .balances
        .iter()
        .filter(|balance| !balance.is_zero())
        .map(|balance| format!("{} {:?}", balance.bucket, balance.available().minor()))
        .collect();
    assert_eq!(sums, ["fiat_exposure 75000", "spending_balance 70000000", "stash_balance 30000000"]);
    // 750.00 of cash, 10 shares at 30.00, 100 USDC at 1.
    let [position] = &whole.positions[..] else { panic!("{:?}", whole.positions) };
    let usd = |cents| Money::from_minor(cents, domain::Currency::Usd);
    assert_eq!((position.cost, position.value), (Some(usd(25_000)), Some(usd(30_000))));
    assert_eq!((whole.market_value.value, whole.market_value.unpriced), (usd(115_000), 0));
    assert_eq!(
        ledger.store.customer_portfolio(&AccountScope::All, &customer("c-2"), now()).await.unwrap(),
        None
    );
}

async fn a_scope_shows_its_accounts_and_no_others(ledger: &TestLedger) {
    fund(ledger).await;
    let pay = |number: i64| {
        day::cash(
            "13:00:00",
            &format!("alpaca:p{number}"),
            CashKind::Deposit,
            100 * number,
            EntryStatus::Executed,
        )
    };
    // Later entries of another account, so that a page that is filtered afterwards is empty.
    ledger.post(&(1..=40).map(pay).collect::<Vec<_>>()).await;
    let sale = day::fill("14:00:00", "AAPL", ("alpaca:o2", "alpaca:e2"), Side::Sell, ("1", 2_500));
    ledger.post(&[sale]).await;
    link(ledger, "c-1", "bridge:c1").await.unwrap();
    let of =
        |account: &str| EntryFilter { account: Some(account.parse().unwrap()), ..EntryFilter::default() };
    for scope in ["bridge:c1", "c-1", "c-1+bridge:c1+c-9"] {
        let scope: AccountScope = scope.parse().unwrap();
        let page = ledger.store.entries(&scope, &EntryFilter::default(), None, 3).await.unwrap();
        let accounts: Vec<String> = page.entries.iter().map(|entry| entry.account.to_string()).collect();
        assert_eq!(accounts.len(), 3, "{accounts:?}");
        assert!(accounts.iter().all(|account| account.starts_with("user/bridge:c1/")), "{accounts:?}");
        let next = ledger.store.entries(&scope, &EntryFilter::default(), page.next_after, 3).await.unwrap();
        // The deposit has one entry of the account, and its split three.
        assert_eq!((next.entries.len(), next.next_after), (1, None));
        for hidden in [
            of("alpaca:a1"),
            of("system/clearing/bridge"),
            EntryFilter { subject: Some("cash/alpaca:p1".to_owned()), ..EntryFilter::default() },
        ] {
            assert_eq!(
                ledger.store.entries(&scope, &hidden, None, 3).await.unwrap().entries,
                [],
                "{hidden:?}"
            );
        }
        for moment in [Moment::default(), Moment { as_of: Some(now()), known_at: None }] {
            let page = ledger.store.account_balances((&scope, None), moment, None, 500).await.unwrap();
            let is_visible = |balance: &crate::AccountBalance| balance.account.starts_with("user/bridge:c1/");
            assert!(!page.balances.is_empty() && page.balances.iter().all(is_visible), "{page:?}");
        }
        let holdings = ReportRequest { kind: ReportKind::Holdings, filter: EntryFilter::default() };
        let (pages, mut rows) = tokio::sync::mpsc::channel(9);
        ledger.store.report(&scope, &holdings, pages).await.unwrap();
        assert!(rows.recv().await.is_none_or(|page| page.is_empty()));
        let portfolio = async |account: &str| {
            ledger.store.portfolio(&scope, &account.parse().unwrap(), now()).await.unwrap()
        };
        assert!(portfolio("bridge:c1").await.is_some());
        assert_eq!((portfolio("alpaca:a1").await, portfolio("alpaca:none").await), (None, None));
        assert!(ledger.store.customer_portfolio(&scope, &customer("c-1"), now()).await.unwrap().is_some());
    }
    // A customer with one account more than the scope is not shown in parts.
    link(ledger, "c-1", "alpaca:a1").await.unwrap();
    let part: AccountScope = "bridge:c1".parse().unwrap();
    assert_eq!(ledger.store.customer_portfolio(&part, &customer("c-1"), now()).await.unwrap(), None);
    // One that has no accounts yet shows nothing.
    let nobody: AccountScope = "c-9".parse().unwrap();
    assert_eq!(ledger.store.entries(&nobody, &EntryFilter::default(), None, 3).await.unwrap().entries, []);
}
