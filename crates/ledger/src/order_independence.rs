//! Facts in any order, any number of times and in any batches give the same ledger.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Bucket, ChangeKind, ChangeStatus, Elsewhere, FoldDiff, LedgerAccount, Rules, State, fold, fold_diff,
    fold_incremental, shortfall,
};
use domain::{
    AccountStatus, CashKind, Currency, Direction, EntryStatus, ExternalId, Fact, FactKind, Money,
    OrderStatus, PostingMode, Provider, Quantity, Side, Subject, TransferStatus,
};
use jiff::Timestamp;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;

/// Few ids, amounts and instants, so that facts meet: contradict, repeat, correct and overtake each other.
const IDS: [&str; 3] = ["1", "2", "3"];
const INSTANTS: i64 = 6;

fn id(provider: Provider, prefix: &'static str) -> impl Strategy<Value = ExternalId> {
    select(&IDS[..]).prop_map(move |id| ExternalId::new(provider, &format!("{prefix}{id}")).unwrap())
}

fn money(currencies: &'static [Currency]) -> impl Strategy<Value = Money> {
    (1..500_i64, select(currencies)).prop_map(|(minor, currency)| Money::from_minor(minor, currency))
}

fn posting_mode() -> impl Strategy<Value = PostingMode> {
    select(&[PostingMode::Post, PostingMode::Post, PostingMode::Post, PostingMode::Memo][..])
}

fn side() -> impl Strategy<Value = Side> {
    select(&[Side::Buy, Side::Buy, Side::Sell][..])
}

fn shares() -> impl Strategy<Value = Quantity> {
    (1..40_i64).prop_map(|tenths| format!("{}.{}", tenths / 10, tenths % 10).parse().unwrap())
}

fn account() -> impl Strategy<Value = (Subject, FactKind)> {
    use AccountStatus::{Active, Approved, Closed, InReview, Rejected, Restricted, Submitted};
    let status = select(&[Submitted, InReview, Approved, Active, Restricted, Rejected, Closed][..]);
    (id(Provider::Alpaca, "a"), status)
        .prop_map(|(id, status)| (Subject::Account(id), FactKind::Account { status }))
}

fn transfer() -> impl Strategy<Value = (Subject, FactKind)> {
    use TransferStatus::{Failed, Pending, Returned, Settled};
    let status = select(&[Pending, Settled, Settled, Failed, Returned][..]);
    let direction = select(&[Direction::Inbound, Direction::Inbound, Direction::Outbound][..]);
    let amount = proptest::option::weighted(0.8, money(&[Currency::Usd, Currency::Usdc, Currency::Eurc]));
    let account = proptest::option::weighted(0.8, id(Provider::Alpaca, "a"));
    let direction = proptest::option::weighted(0.9, direction);
    (id(Provider::Bridge, "t"), account, direction, amount, status, posting_mode()).prop_map(
        |(id, account, direction, amount, status, posting_mode)| {
            (Subject::Transfer(id), FactKind::Transfer { account, direction, amount, status, posting_mode })
        },
    )
}

fn holding() -> impl Strategy<Value = Subject> {
    let symbol = select(&["AAPL", "BRK.B"][..]).prop_map(|symbol| symbol.parse().unwrap());
    (id(Provider::Alpaca, "a"), symbol).prop_map(|(account, symbol)| Subject::Holding { account, symbol })
}

fn trade() -> impl Strategy<Value = FactKind> {
    use OrderStatus::{Canceled, Expired, Filled, Open, PartiallyFilled, Rejected, Replaced};
    let status = select(&[Open, Open, PartiallyFilled, Filled, Canceled, Expired, Rejected, Replaced][..]);
    let order = || id(Provider::Alpaca, "o");
    let execution = || id(Provider::Alpaca, "e");
    let cash = || money(&[Currency::Usd, Currency::Usd, Currency::Usd, Currency::Eur]);
    proptest::prop_oneof![
        2 => (order(), side(), status, proptest::option::of(shares()), proptest::option::of(cash())).prop_map(
            |(order, side, status, quantity, reserve)| FactKind::Order { order, side, status, quantity, reserve }
        ),
        5 => (order(), execution(), side(), shares(), cash()).prop_map(
            |(order, execution, side, cumulative, notional)| FactKind::Fill { order, execution, side, cumulative, notional }
        ),
        1 => execution().prop_map(|execution| FactKind::Bust { execution }),
        1 => (id(Provider::Alpaca, "s"), shares(), any::<bool>()).prop_map(|(entry, change, grows)| {
            let change = if grows { change } else { Quantity::ZERO.minus(change).unwrap() };
            FactKind::Split { entry, change }
        }),
    ]
}

fn entry() -> impl Strategy<Value = (Subject, FactKind)> {
    use CashKind::{Deposit, Dividend, Fee, Interest, Journal, Tax, Withdrawal};
    let kind = select(&[Deposit, Withdrawal, Dividend, Interest, Fee, Tax, Journal][..]);
    let status = select(
        &[EntryStatus::Pending, EntryStatus::Executed, EntryStatus::Executed, EntryStatus::Canceled][..],
    );
    let cash = (id(Provider::Alpaca, "a"), kind, -500..500_i64, status, posting_mode()).prop_map(
        |(account, kind, minor, status, posting_mode)| {
            let amount = Money::from_minor(minor, Currency::Usd);
            FactKind::Cash { account, kind, amount, status, posting_mode }
        },
    );
    let superseded = id(Provider::Alpaca, "n").prop_map(|by| FactKind::Superseded { by });
    let kind = proptest::prop_oneof![6 => cash, 1 => superseded];
    (id(Provider::Alpaca, "n"), kind).prop_map(|(id, kind)| (Subject::CashEntry(id), kind))
}

fn fact() -> impl Strategy<Value = Fact> {
    let kind = proptest::prop_oneof![
        1 => account(),
        3 => transfer(),
        6 => (holding(), trade()),
        3 => entry(),
    ];
    (kind, 0..INSTANTS).prop_map(|((subject, kind), second)| {
        let at = Timestamp::from_second(1_767_348_000 + second).unwrap();
        Fact { subject, at, kind }
    })
}

pub(crate) fn facts_of_a_holding() -> impl Strategy<Value = Vec<Fact>> {
    let trades = proptest::collection::vec((trade(), 0..INSTANTS), 1..30);
    (holding(), trades).prop_map(|(subject, trades)| {
        let fact = |(kind, second)| Fact {
            subject: subject.clone(),
            at: Timestamp::from_second(second).unwrap(),
            kind,
        };
        trades.into_iter().map(fact).collect()
    })
}

/// Writes differences as the store does, into sums by effect, account and currency.
#[derive(Default)]
struct TestLedger {
    facts: BTreeMap<Subject, Vec<Fact>>,
    states: BTreeMap<Subject, State>,
    sums: BTreeMap<(String, LedgerAccount, Currency), i64>,
}

impl TestLedger {
    fn from_batches(batches: &[Vec<Fact>]) -> Self {
        let mut ledger = Self::default();
        for batch in batches {
            ledger.apply(batch);
        }
        ledger
    }

    /// Adds the facts, folds their subjects, writes the difference, and covers shortfalls.
    fn apply(&mut self, batch: &[Fact]) {
        for fact in batch {
            self.facts.entry(fact.subject.clone()).or_default().push(fact.clone());
        }
        let subjects: BTreeSet<Subject> = batch.iter().map(|fact| fact.subject.clone()).collect();
        for subject in subjects {
            let state = fold(&subject, &self.facts[&subject], &Rules::default()).unwrap();
            self.write(&format!("{subject}#"), &state.postings);
            self.states.insert(subject, state);
        }
        self.cover_shortfalls();
    }

    /// Replaces the postings of `subject`.
    fn write(&mut self, subject: &str, postings: &[crate::Posting]) {
        self.sums.retain(|(effect, ..), _| !effect.starts_with(subject));
        for posting in postings {
            for leg in posting.legs() {
                let key =
                    (format!("{subject}{}", posting.effect()), leg.account.clone(), leg.money.currency());
                *self.sums.entry(key).or_default() += leg.money.minor();
            }
        }
    }

    fn balances(&self, is_raw: bool) -> BTreeMap<(LedgerAccount, Currency), i64> {
        let mut balances = BTreeMap::new();
        for ((effect, account, currency), minor) in &self.sums {
            if !is_raw || !effect.starts_with("shortfall") {
                *balances.entry((account.clone(), *currency)).or_insert(0) += minor;
            }
        }
        balances
    }

    fn cover_shortfalls(&mut self) {
        let mut postings = Vec::new();
        for ((account, currency), minor) in self.balances(true) {
            if let LedgerAccount::User(holder, bucket) = account {
                let raw = Money::from_minor(minor, currency);
                postings.push(shortfall(&holder, bucket, raw, Timestamp::UNIX_EPOCH).unwrap());
            }
        }
        self.write("shortfall#", &postings);
    }
}

/// The facts in another order and in batches, some of them repeated; each fact at least once.
fn shuffled(facts: &[Fact], keys: &[(u32, u8)]) -> Vec<Vec<Fact>> {
    let mut shuffled: Vec<(u32, Fact)> = Vec::new();
    for (index, (place, again)) in keys.iter().enumerate() {
        let fact = &facts[index % facts.len()];
        if index < facts.len() || again % 2 == 0 {
            shuffled.push((*place, fact.clone()));
        }
    }
    for fact in facts.iter().skip(keys.len()) {
        shuffled.push((0, fact.clone()));
    }
    shuffled.sort_by_key(|(place, _)| *place);
    let size = 1 + usize::from(keys.first().map_or(0, |(_, size)| *size)) % 7;
    let facts: Vec<Fact> = shuffled.into_iter().map(|(_, fact)| fact).collect();
    facts.chunks(size).map(<[Fact]>::to_vec).collect()
}

proptest! {
    #[test]
    fn any_order_repetition_and_batching_gives_the_same(
        facts in proptest::collection::vec(fact(), 1..60),
        keys in proptest::collection::vec(any::<(u32, u8)>(), 1..120),
    ) {
        let at_once = TestLedger::from_batches(std::slice::from_ref(&facts));
        let piecemeal = TestLedger::from_batches(&shuffled(&facts, &keys));
        prop_assert_eq!(&at_once.states, &piecemeal.states);
        prop_assert_eq!(at_once.balances(false), piecemeal.balances(false));
        prop_assert_eq!(at_once.sums, piecemeal.sums);
    }

    #[test]
    fn the_ledger_balances_and_no_holder_is_negative_after_each_batch(
        facts in proptest::collection::vec(fact(), 1..60),
    ) {
        let mut ledger = TestLedger::default();
        for batch in facts.chunks(5) {
            ledger.apply(batch);
            let mut totals: BTreeMap<Currency, i64> = BTreeMap::new();
            for ((account, currency), minor) in ledger.balances(false) {
                *totals.entry(currency).or_default() += minor;
                if let LedgerAccount::User(_, bucket) = &account {
                    let is_sound = if *bucket == Bucket::Receivable { minor <= 0 } else { minor >= 0 };
                    prop_assert!(is_sound, "{account} {minor} {currency}");
                }
            }
            prop_assert!(totals.values().all(|total| *total == 0), "{totals:?}");
        }
    }

    /// What counts moves shares and money, both in full, and nothing else moves any.
    #[test]
    fn a_position_is_the_sum_of_what_counted(facts in facts_of_a_holding()) {
        let state = fold(&facts[0].subject, &facts, &Rules::default()).unwrap();
        let holding = holding_of(&state);
        let (mut shares, mut cash) = (Quantity::ZERO, 0);
        for change in holding.changes.iter().filter(|change| change.status == ChangeStatus::Counted) {
            let (is_sale, minor) = match &change.kind {
                ChangeKind::Fill { side, notional, .. } => (*side == Side::Sell, notional.minor()),
                ChangeKind::Split { .. } | ChangeKind::Unknown => (false, 0),
            };
            let moved = if is_sale { shares.minus(change.quantity) } else { shares.plus(change.quantity) };
            shares = moved.unwrap();
            cash += if is_sale { minor } else { -minor };
        }
        let (quantity, cost) = (holding.position.quantity, holding.position.cost);
        prop_assert_eq!(quantity, shares);
        prop_assert_eq!(cost.is_none(), quantity.is_zero());
        let is_short = quantity < Quantity::ZERO;
        let has_its_sign = |minor: i64| if is_short { minor <= 0 } else { minor >= 0 };
        prop_assert!(cost.is_none_or(|cost| has_its_sign(cost.minor())), "{cost:?} for {quantity}");
        let fills = state.postings.iter().filter(|posting| posting.effect().starts_with("fill/"));
        let legs = fills.flat_map(crate::Posting::legs).filter(|leg| leg.account.holder().is_some());
        prop_assert_eq!(legs.map(|leg| leg.money.minor()).sum::<i64>(), cash);
    }

    /// The diff of late facts, applied to the state before them, is the fold of all facts, and contains nothing unchanged.
    #[test]
    fn a_fold_diff_gives_the_whole_fold(facts in facts_of_a_holding(), is_new in any::<u32>()) {
        let part = |in_new: bool| {
            let chosen = (0..).zip(&facts).filter(|(index, _)| (is_new >> (index % 32) & 1 == 1) == in_new);
            chosen.map(|(_, fact)| fact.clone()).collect::<Vec<_>>()
        };
        // A repeated fact is not new.
        let older = part(false);
        let new: Vec<Fact> = part(true).into_iter().filter(|fact| !older.contains(fact)).collect();
        proptest::prop_assume!(!older.is_empty());
        let Subject::Holding { account, symbol } = &facts[0].subject else { panic!("expected a holding") };
        let before = fold(&facts[0].subject, &older, &Rules::default()).unwrap();
        let whole = fold(&facts[0].subject, &facts, &Rules::default()).unwrap();
        let diff = fold_diff(account, *symbol, &facts, &new, &Elsewhere::new()).unwrap();
        for posting in &diff.state.postings {
            prop_assert!(!diff.removed_effects.contains(&posting.effect().to_owned()));
        }
        for (order, change) in holding_of(&diff.state).orders.iter().zip(&holding_of(&diff.state).changes) {
            prop_assert!(!holding_of(&before).orders.contains(order));
            prop_assert!(!holding_of(&before).changes.contains(change));
        }
        prop_assert_eq!(diff_over(&before, &diff), sorted(whole));
    }

    /// An incremental fold, applied to the state before it, is the fold of all facts.
    #[test]
    fn an_incremental_fold_gives_the_whole_fold(facts in facts_of_a_holding(), size in 1..4_usize, is_new in any::<u64>()) {
        let facts = apart(facts, is_new);
        let subject = facts[0].subject.clone();
        let mut before = fold(&subject, &facts[..1], &Rules::default()).unwrap();
        let mut latest = facts[0].at;
        let mut count = 1;
        for batch in facts[1..].chunks(size) {
            count += batch.len();
            let whole = fold(&subject, &facts[..count], &Rules::default()).unwrap();
            if let Some(next) = fold_incremental(holding_of(&before), latest, batch, &Elsewhere::new()).unwrap() {
                prop_assert_eq!(state_over(&before, &next), sorted(whole.clone()));
            }
            before = whole;
            latest = batch.last().unwrap().at;
        }
    }
}

/// Facts one second apart; some executions get new ids.
fn apart(mut facts: Vec<Fact>, is_new: u64) -> Vec<Fact> {
    for (index, fact) in (0..).zip(&mut facts) {
        fact.at = Timestamp::from_second(index).unwrap();
        if let FactKind::Fill { execution, .. } = &mut fact.kind
            && is_new >> (index % 64) & 1 == 1
        {
            *execution = ExternalId::new(Provider::Alpaca, &format!("new{index}")).unwrap();
        }
    }
    facts
}

fn holding_of(state: &State) -> &crate::Holding {
    let crate::Row::Holding(holding) = &state.row else { panic!("expected a holding") };
    holding
}

fn sorted(mut state: State) -> State {
    state.postings.sort_by(|one, other| one.effect().cmp(other.effect()));
    state.reviews.sort();
    state
}

/// `before` with the orders, changes and postings of `diff`, and without removed effects.
fn diff_over(before: &State, diff: &FoldDiff) -> State {
    let is_changed =
        |change: &crate::Change| holding_of(&diff.state).changes.iter().any(|other| other.id == change.id);
    let mut before = before.clone();
    let crate::Row::Holding(holding) = &mut before.row else { panic!("expected a holding") };
    holding.changes.retain(|change| !is_changed(change));
    before.postings.retain(|posting| !diff.removed_effects.iter().any(|effect| effect == posting.effect()));
    // A diff has all reviews.
    before.reviews.clear();
    state_over(&before, &diff.state)
}

/// `before` with the orders, changes and postings of `next`.
fn state_over(before: &State, next: &State) -> State {
    let (older, newer) = (holding_of(before), holding_of(next));
    let mut whole = newer.clone();
    let orders = older.orders.iter().filter(|order| newer.orders.iter().all(|other| other.id != order.id));
    whole.orders.extend(orders.cloned());
    whole.orders.sort_by(|one, other| one.id.cmp(&other.id));
    whole.changes.extend(older.changes.iter().cloned());
    whole.changes.sort_by(|one, other| one.id.cmp(&other.id));
    let mut postings = next.postings.clone();
    let is_kept = |effect: &str| next.postings.iter().all(|posting| posting.effect() != effect);
    postings.extend(before.postings.iter().filter(|posting| is_kept(posting.effect())).cloned());
    let reviews: BTreeSet<_> = before.reviews.iter().chain(&next.reviews).cloned().collect();
    sorted(State { row: crate::Row::Holding(whole), postings, reviews: reviews.into_iter().collect() })
}
