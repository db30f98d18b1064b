//! What bodies of vendors mean.

mod alpaca;
mod bridge;
mod circle;

use domain::{Booking, Direction, ExternalId, Fact, Money, Subject, TransferStatus, What};
use webhooks::{Channel, Meaning, Reading, meaning};

fn reading() -> Reading {
    // A token id of Circle's pages: USDC on Ethereum's test net.
    let usdc = ("36b6931a-873a-56a8-8a27-b706b17104ee".to_owned(), domain::Currency::Usdc);
    Reading { circle_tokens: [usdc].into(), ..Reading::default() }
}

fn read(channel: &str, body: &str, reading: &Reading) -> Meaning {
    let channel: Channel = channel.parse().unwrap();
    meaning(channel, body.as_bytes(), reading)
}

/// The facts of a body, or a panic with what it meant instead.
fn facts(channel: &str, body: &str) -> Vec<Fact> {
    match read(channel, body, &reading()) {
        Meaning::Facts(facts) => facts,
        other => panic!("{other:?}: {body}"),
    }
}

/// Why a body means nothing for the books.
fn reason(channel: &str, body: &str) -> &'static str {
    match read(channel, body, &reading()) {
        Meaning::Unhandled(unhandled) => unhandled.reason(),
        other => panic!("{other:?}: {body}"),
    }
}

fn id(text: &str) -> ExternalId {
    text.parse().unwrap()
}

fn money(text: &str) -> Money {
    let (amount, currency) = text.split_once(' ').unwrap();
    Money::parse(amount, currency.parse().unwrap()).unwrap()
}

/// A fact about a transfer, with what most tests say of one.
struct Expected {
    transfer: &'static str,
    at: &'static str,
    account: Option<&'static str>,
    direction: Option<Direction>,
    amount: Option<&'static str>,
    status: TransferStatus,
    booking: Booking,
}

impl Expected {
    fn fact(&self) -> Fact {
        Fact {
            subject: Subject::Transfer(id(self.transfer)),
            at: self.at.parse().unwrap(),
            what: What::Transfer {
                account: self.account.map(id),
                direction: self.direction,
                amount: self.amount.map(money),
                status: self.status,
                booking: self.booking,
            },
        }
    }
}
