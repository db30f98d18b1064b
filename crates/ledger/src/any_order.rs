//! Facts of a day, told in any order, any number of times, in any portions, come to the same books.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Amended, Bucket, LedgerAccount, Rules, State, amend, fold, follow, shortfall};
use domain::{
    AccountStatus, Booking, CashKind, Currency, Direction, ExternalId, Fact, Money, OrderStatus, Provider,
    Quantity, Side, Standing, Subject, TransferStatus, What,
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

fn booking() -> impl Strategy<Value = Booking> {
    select(&[Booking::Books, Booking::Books, Booking::Books, Booking::Memo][..])
}

fn side() -> impl Strategy<Value = Side> {
    select(&[Side::Buy, Side::Buy, Side::Sell][..])
}

fn shares() -> impl Strategy<Value = Quantity> {
    (1..40_i64).prop_map(|tenths| format!("{}.{}", tenths / 10, tenths % 10).parse().unwrap())
}

fn account() -> impl Strategy<Value = (Subject, What)> {
    use AccountStatus::{Active, Approved, Closed, InReview, Rejected, Restricted, Submitted};
    let status = select(&[Submitted, InReview, Approved, Active, Restricted, Rejected, Closed][..]);
    (id(Provider::Alpaca, "a"), status)
        .prop_map(|(id, status)| (Subject::Account(id), What::Account { status }))
}

fn transfer() -> impl Strategy<Value = (Subject, What)> {
    use TransferStatus::{Failed, Pending, Returned, Settled};
    let status = select(&[Pending, Settled, Settled, Failed, Returned][..]);
    let direction = select(&[Direction::Inbound, Direction::Inbound, Direction::Outbound][..]);
    let amount = proptest::option::weighted(0.8, money(&[Currency::Usd, Currency::Usdc, Currency::Eurc]));
    let account = proptest::option::weighted(0.8, id(Provider::Alpaca, "a"));
    let direction = proptest::option::weighted(0.9, direction);
    (id(Provider::Bridge, "t"), account, direction, amount, status, booking()).prop_map(
        |(id, account, direction, amount, status, booking)| {
            (Subject::Transfer(id), What::Transfer { account, direction, amount, status, booking })
        },
    )
}

fn holding() -> impl Strategy<Value = Subject> {
    let symbol = select(&["AAPL", "BRK.B"][..]).prop_map(|symbol| symbol.parse().unwrap());
    (id(Provider::Alpaca, "a"), symbol).prop_map(|(account, symbol)| Subject::Holding { account, symbol })
}

fn trade() -> impl Strategy<Value = What> {
    use OrderStatus::{Canceled, Expired, Filled, Open, PartiallyFilled, Rejected, Replaced};
    let status = select(&[Open, Open, PartiallyFilled, Filled, Canceled, Expired, Rejected, Replaced][..]);
    let order = || id(Provider::Alpaca, "o");
    let execution = || id(Provider::Alpaca, "e");
    let cash = || money(&[Currency::Usd, Currency::Usd, Currency::Usd, Currency::Eur]);
    proptest::prop_oneof![
        2 => (order(), side(), status, proptest::option::of(cash()))
            .prop_map(|(order, side, status, reserve)| What::Order { order, side, status, reserve }),
        5 => (order(), execution(), side(), shares(), cash()).prop_map(
            |(order, execution, side, cumulative, notional)| What::Fill { order, execution, side, cumulative, notional }
        ),
        1 => execution().prop_map(|execution| What::Bust { execution }),
        1 => (id(Provider::Alpaca, "s"), shares(), any::<bool>()).prop_map(|(entry, change, grows)| {
            let change = if grows { change } else { Quantity::ZERO.minus(change).unwrap() };
            What::Split { entry, change }
        }),
    ]
}

fn entry() -> impl Strategy<Value = (Subject, What)> {
    use CashKind::{Deposit, Dividend, Fee, Interest, Journal, Tax, Withdrawal};
    let kind = select(&[Deposit, Withdrawal, Dividend, Interest, Fee, Tax, Journal][..]);
    let standing =
        select(&[Standing::Pending, Standing::Executed, Standing::Executed, Standing::Canceled][..]);
    let cash = (id(Provider::Alpaca, "a"), kind, -500..500_i64, standing, booking()).prop_map(
        |(account, kind, minor, standing, booking)| {
            let amount = Money::from_minor(minor, Currency::Usd);
            What::Cash { account, kind, amount, standing, booking }
        },
    );
    let superseded = id(Provider::Alpaca, "n").prop_map(|by| What::Superseded { by });
    let what = proptest::prop_oneof![6 => cash, 1 => superseded];
    (id(Provider::Alpaca, "n"), what).prop_map(|(id, what)| (Subject::CashEntry(id), what))
}

fn fact() -> impl Strategy<Value = Fact> {
    let what = proptest::prop_oneof![
        1 => account(),
        3 => transfer(),
        6 => (holding(), trade()),
        3 => entry(),
    ];
    (what, 0..INSTANTS).prop_map(|((subject, what), second)| {
        let at = Timestamp::from_second(1_767_348_000 + second).unwrap();
        Fact { subject, at, what }
    })
}

fn facts_of_a_holding() -> impl Strategy<Value = Vec<Fact>> {
    let trades = proptest::collection::vec((trade(), 0..INSTANTS), 1..30);
    (holding(), trades).prop_map(|(subject, trades)| {
        let fact = |(what, second)| Fact {
            subject: subject.clone(),
            at: Timestamp::from_second(second).unwrap(),
            what,
        };
        trades.into_iter().map(fact).collect()
    })
}

/// What has been written: for each effect what it has come to on each account. It does as the store does.
#[derive(Default)]
struct Books {
    facts: BTreeMap<Subject, Vec<Fact>>,
    states: BTreeMap<Subject, State>,
    written: BTreeMap<(String, LedgerAccount, Currency), i64>,
}

impl Books {
    fn of(portions: &[Vec<Fact>]) -> Self {
        let mut books = Self::default();
        for portion in portions {
            books.take(portion);
        }
        books
    }

    /// Keeps the facts, folds the sets that they belong to, writes the difference, and what holders are short of.
    fn take(&mut self, portion: &[Fact]) {
        for fact in portion {
            self.facts.entry(fact.subject.clone()).or_default().push(fact.clone());
        }
        let subjects: BTreeSet<Subject> = portion.iter().map(|fact| fact.subject.clone()).collect();
        for subject in subjects {
            let state = fold(&subject, &self.facts[&subject], &Rules::default()).unwrap();
            self.write(&format!("{subject}#"), &state.postings);
            self.states.insert(subject, state);
        }
        self.cover();
    }

    /// What stands in the books under `subject` becomes what its postings say.
    fn write(&mut self, subject: &str, postings: &[crate::Posting]) {
        self.written.retain(|(effect, ..), _| !effect.starts_with(subject));
        for posting in postings {
            for leg in posting.legs() {
                let key =
                    (format!("{subject}{}", posting.effect()), leg.account.clone(), leg.money.currency());
                *self.written.entry(key).or_default() += leg.money.minor();
            }
        }
    }

    fn balances(&self, is_raw: bool) -> BTreeMap<(LedgerAccount, Currency), i64> {
        let mut balances = BTreeMap::new();
        for ((effect, account, currency), minor) in &self.written {
            if !is_raw || !effect.starts_with("shortfall") {
                *balances.entry((account.clone(), *currency)).or_insert(0) += minor;
            }
        }
        balances
    }

    fn cover(&mut self) {
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

/// The facts in another order, some of them again, in portions; each fact at least once.
fn retold(facts: &[Fact], keys: &[(u32, u8)]) -> Vec<Vec<Fact>> {
    let mut told: Vec<(u32, Fact)> = Vec::new();
    for (index, (place, again)) in keys.iter().enumerate() {
        let fact = &facts[index % facts.len()];
        if index < facts.len() || again % 2 == 0 {
            told.push((*place, fact.clone()));
        }
    }
    for fact in facts.iter().skip(keys.len()) {
        told.push((0, fact.clone()));
    }
    told.sort_by_key(|(place, _)| *place);
    let size = 1 + usize::from(keys.first().map_or(0, |(_, size)| *size)) % 7;
    let told: Vec<Fact> = told.into_iter().map(|(_, fact)| fact).collect();
    told.chunks(size).map(<[Fact]>::to_vec).collect()
}

proptest! {
    #[test]
    fn any_order_repetition_and_portion_comes_to_the_same(
        facts in proptest::collection::vec(fact(), 1..60),
        keys in proptest::collection::vec(any::<(u32, u8)>(), 1..120),
    ) {
        let at_once = Books::of(std::slice::from_ref(&facts));
        let piecemeal = Books::of(&retold(&facts, &keys));
        prop_assert_eq!(&at_once.states, &piecemeal.states);
        prop_assert_eq!(at_once.balances(false), piecemeal.balances(false));
        prop_assert_eq!(at_once.written, piecemeal.written);
    }

    #[test]
    fn the_books_balance_and_no_holder_is_below_zero_after_each_portion(
        facts in proptest::collection::vec(fact(), 1..60),
    ) {
        let mut books = Books::default();
        for portion in facts.chunks(5) {
            books.take(portion);
            let mut totals: BTreeMap<Currency, i64> = BTreeMap::new();
            for ((account, currency), minor) in books.balances(false) {
                *totals.entry(currency).or_default() += minor;
                if let LedgerAccount::User(_, bucket) = &account {
                    let is_sound = if *bucket == Bucket::Receivable { minor <= 0 } else { minor >= 0 };
                    prop_assert!(is_sound, "{account} {minor} {currency}");
                }
            }
            prop_assert!(totals.values().all(|total| *total == 0), "{totals:?}");
        }
    }

    #[test]
    fn a_position_is_never_below_zero(facts in facts_of_a_holding()) {
        let state = fold(&facts[0].subject, &facts, &Rules::default()).unwrap();
        let crate::Row::Holding(holding) = state.row else { panic!("a holding") };
        prop_assert!(holding.position.quantity >= Quantity::ZERO);
        prop_assert!(holding.position.cost.is_none_or(|cost| cost.minor() >= 0));
        prop_assert_eq!(holding.position.cost.is_none(), holding.position.quantity.is_zero());
    }

    /// What late facts amended, laid over what was known, is the fold of all; and it names nothing that stays as it was.
    #[test]
    fn amending_is_folding(facts in facts_of_a_holding(), is_new in any::<u32>()) {
        let of = |wanted: bool| {
            let part = (0..).zip(&facts).filter(|(index, _)| (is_new >> (index % 32) & 1 == 1) == wanted);
            part.map(|(_, fact)| fact.clone()).collect::<Vec<_>>()
        };
        // A fact that is known is not new when it is told again.
        let known = of(false);
        let new: Vec<Fact> = of(true).into_iter().filter(|fact| !known.contains(fact)).collect();
        proptest::prop_assume!(!known.is_empty());
        let Subject::Holding { account, symbol } = &facts[0].subject else { panic!("a holding") };
        let before = fold(&facts[0].subject, &known, &Rules::default()).unwrap();
        let whole = fold(&facts[0].subject, &facts, &Rules::default()).unwrap();
        let amended = amend(account, *symbol, &facts, &new).unwrap();
        for posting in &amended.state.postings {
            prop_assert!(!amended.gone.contains(&posting.effect().to_owned()));
        }
        for (order, change) in holding_of(&amended.state).orders.iter().zip(&holding_of(&amended.state).changes) {
            prop_assert!(!holding_of(&before).orders.contains(order));
            prop_assert!(!holding_of(&before).changes.contains(change));
        }
        prop_assert_eq!(amended_over(&before, &amended), sorted(whole));
    }

    /// What followed on what was known, laid over it, is the fold of all.
    #[test]
    fn following_is_folding(facts in facts_of_a_holding(), size in 1..4_usize, is_new in any::<u64>()) {
        let facts = apart(facts, is_new);
        let subject = facts[0].subject.clone();
        let mut known = fold(&subject, &facts[..1], &Rules::default()).unwrap();
        let mut latest = facts[0].at;
        let mut told = 1;
        for portion in facts[1..].chunks(size) {
            told += portion.len();
            let whole = fold(&subject, &facts[..told], &Rules::default()).unwrap();
            if let Some(next) = follow(holding_of(&known), latest, portion).unwrap() {
                prop_assert_eq!(laid_over(&known, &next), sorted(whole.clone()));
            }
            known = whole;
            latest = portion.last().unwrap().at;
        }
    }
}

/// Each fact one second after the other, executions of every second one never told of before.
fn apart(mut facts: Vec<Fact>, is_new: u64) -> Vec<Fact> {
    for (index, fact) in (0..).zip(&mut facts) {
        fact.at = Timestamp::from_second(index).unwrap();
        if let What::Fill { execution, .. } = &mut fact.what
            && is_new >> (index % 64) & 1 == 1
        {
            *execution = ExternalId::new(Provider::Alpaca, &format!("new{index}")).unwrap();
        }
    }
    facts
}

fn holding_of(state: &State) -> &crate::Holding {
    let crate::Row::Holding(holding) = &state.row else { panic!("a holding") };
    holding
}

fn sorted(mut state: State) -> State {
    state.postings.sort_by(|one, other| one.effect().cmp(other.effect()));
    state.reviews.sort();
    state
}

/// What was amended in place of what it names, without what is gone, the rest as it was.
fn amended_over(known: &State, amended: &Amended) -> State {
    let is_again =
        |change: &crate::Change| holding_of(&amended.state).changes.iter().any(|other| other.id == change.id);
    let mut known = known.clone();
    let crate::Row::Holding(holding) = &mut known.row else { panic!("a holding") };
    holding.changes.retain(|change| !is_again(change));
    known.postings.retain(|posting| !amended.gone.iter().any(|effect| effect == posting.effect()));
    // Reviews are all told of again.
    known.reviews.clear();
    laid_over(&known, &amended.state)
}

/// `next` in place of what it names, the rest as it was.
fn laid_over(known: &State, next: &State) -> State {
    let (before, after) = (holding_of(known), holding_of(next));
    let mut whole = after.clone();
    let orders = before.orders.iter().filter(|order| after.orders.iter().all(|other| other.id != order.id));
    whole.orders.extend(orders.cloned());
    whole.orders.sort_by(|one, other| one.id.cmp(&other.id));
    whole.changes.extend(before.changes.iter().cloned());
    whole.changes.sort_by(|one, other| one.id.cmp(&other.id));
    let mut postings = next.postings.clone();
    let is_kept = |effect: &str| next.postings.iter().all(|posting| posting.effect() != effect);
    postings.extend(known.postings.iter().filter(|posting| is_kept(posting.effect())).cloned());
    let reviews: BTreeSet<_> = known.reviews.iter().chain(&next.reviews).cloned().collect();
    sorted(State { row: crate::Row::Holding(whole), postings, reviews: reviews.into_iter().collect() })
}
