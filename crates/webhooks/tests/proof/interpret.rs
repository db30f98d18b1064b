//! What bodies of vendors mean.

mod alpaca;
mod bridge;
mod circle;

use domain::{Direction, ExternalId, Fact, FactKind, Money, PostingMode, Subject, TransferStatus};
use webhooks::{Channel, Interpretation, ProviderSettings, SettingValue, interpret};

fn config() -> ProviderSettings {
    // A token id of Circle's pages: USDC on Ethereum's test net.
    let usdc = vec!["36b6931a-873a-56a8-8a27-b706b17104ee".to_owned()];
    let both = SettingValue::Text(Some("either".to_owned()));
    let settings =
        ProviderSettings::default().with("webhooks.circle.usdc_token_ids", &SettingValue::List(usdc));
    settings.with("ledger.alpaca_entries", &both)
}

fn read(channel: &str, body: &str, config: &ProviderSettings) -> Interpretation {
    let channel: Channel = channel.parse().unwrap();
    interpret(channel, body.as_bytes(), config)
}

/// The facts of a body, or a panic with what it meant instead.
fn facts(channel: &str, body: &str) -> Vec<Fact> {
    match read(channel, body, &config()) {
        Interpretation::Facts(facts) => facts,
        other => panic!("{other:?}: {body}"),
    }
}

/// Why a body is unhandled.
fn reason(channel: &str, body: &str) -> &'static str {
    match read(channel, body, &config()) {
        Interpretation::Unhandled(unhandled) => unhandled.reason(),
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
    posting_mode: PostingMode,
}

impl Expected {
    fn fact(&self) -> Fact {
        Fact {
            subject: Subject::Transfer(id(self.transfer)),
            at: self.at.parse().unwrap(),
            kind: FactKind::Transfer {
                account: self.account.map(id),
                direction: self.direction,
                amount: self.amount.map(money),
                status: self.status,
                posting_mode: self.posting_mode,
            },
        }
    }
}
