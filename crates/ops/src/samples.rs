//! What providers send, so that the product can be tried with none of them: one sample of each kind of event.
//!
//! Each is a file below `samples/`, whose path is its name. Those of one provider tell one small story in the order of
//! this list; names and accounts in them are invented.

/// A sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// `alpaca/trade/fill`: the source, the kind where a source has several paths, and what happened.
    pub(crate) name: &'static str,
    /// What happened, in words.
    pub(crate) what: &'static str,
    /// What is sent; of Amazon SNS the message inside the envelope.
    pub(crate) body: &'static str,
}

macro_rules! sample {
    ($name:literal, $what:literal) => {
        Sample { name: $name, what: $what, body: include_str!(concat!("../samples/", $name, ".json")) }
    };
}

impl Sample {
    /// Every sample.
    pub(crate) const ALL: &[Self] = &[
        sample!("alpaca/account/submitted", "an account is asked for"),
        sample!("alpaca/account/approved", "it is accepted"),
        sample!("alpaca/account/active", "it is open"),
        sample!("alpaca/account/account_updated", "data of an account change"),
        sample!("alpaca/account/disabled", "an account is closed to trading"),
        sample!("alpaca/account/rejected", "an account is refused"),
        sample!("alpaca/transfer/queued", "a transfer waits"),
        sample!("alpaca/transfer/sent_to_clearing", "it is on its way"),
        sample!("alpaca/transfer/complete", "it has arrived"),
        sample!("alpaca/transfer/returned", "a transfer went back"),
        sample!("alpaca/transfer/canceled", "a transfer was taken back"),
        sample!("alpaca/transfer/funding", "a transfer has arrived, in the form of the funding stream"),
        sample!("alpaca/nta/deposit", "money comes in"),
        sample!("alpaca/nta/withdrawal", "money goes out"),
        sample!("alpaca/nta/dividend", "a company pays"),
        sample!("alpaca/nta/interest", "cash earns"),
        sample!("alpaca/nta/fee", "a service costs"),
        sample!("alpaca/nta/tax", "a state withholds"),
        sample!("alpaca/nta/journal", "money comes from another account at the broker"),
        sample!("alpaca/trade/pending_new", "an order is being placed"),
        sample!("alpaca/trade/accepted", "it is accepted"),
        sample!("alpaca/trade/new", "it is placed"),
        sample!("alpaca/trade/partial_fill", "one share of two is bought"),
        sample!("alpaca/trade/fill", "the second share is bought"),
        sample!("alpaca/trade/held", "an order waits for another"),
        sample!("alpaca/trade/canceled", "an order is taken back"),
        sample!("alpaca/trade/expired", "an order runs out of time"),
        sample!("alpaca/trade/done_for_day", "an order rests until tomorrow"),
        sample!("alpaca/trade/replaced", "another order stands in its place"),
        sample!("alpaca/trade/rejected", "an order is refused"),
        sample!("alpaca/trade/stopped", "a price is guaranteed"),
        sample!("alpaca/trade/pending_cancel", "an order is being taken back"),
        sample!("alpaca/trade/pending_replace", "an order is being replaced"),
        sample!("alpaca/trade/calculated", "an order is done, its settlement is not"),
        sample!("alpaca/trade/suspended", "an order may not trade"),
        sample!("alpaca/trade/restated", "the broker changes an order"),
        sample!("alpaca/trade/order_replace_rejected", "an order is not replaced"),
        sample!("alpaca/trade/order_cancel_rejected", "an order is not taken back"),
        sample!("alpaca/trade/trade_bust", "an execution did not happen after all"),
        sample!("alpaca/trade/trade_correct", "an execution happened otherwise"),
        sample!("alpaca/nta/split", "half of a split in the older form, which people book"),
        sample!("alpaca/journal/queued", "money between accounts waits"),
        sample!("alpaca/journal/executed", "it has moved"),
        sample!("alpaca/journal/canceled", "it has not moved"),
        sample!("alpaca/journal/shares", "shares between accounts have moved"),
        sample!("alpaca/activity/deposit", "money comes in"),
        sample!("alpaca/activity/withdrawal", "money goes out"),
        sample!("alpaca/activity/dividend", "a company pays"),
        sample!("alpaca/activity/fee", "a service costs"),
        sample!("alpaca/activity/split", "two shares become four"),
        sample!("bridge/customer.created", "a customer is known"),
        sample!("bridge/customer.updated", "data of a customer change"),
        sample!("bridge/customer.updated.status_transitioned", "a customer is accepted"),
        sample!("bridge/customer.deleted", "a customer is gone"),
        sample!("bridge/kyc_link.created", "an identity check is begun"),
        sample!("bridge/kyc_link.updated", "it goes on"),
        sample!("bridge/kyc_link.updated.status_transitioned", "it is passed"),
        sample!("bridge/transfer.created", "money is awaited"),
        sample!("bridge/transfer.updated", "it was received"),
        sample!("bridge/transfer.updated.status_transitioned", "it was paid out"),
        sample!("bridge/transfer.returned", "it went back"),
        sample!("bridge/virtual_account.activity.created", "money came to a virtual account"),
        sample!("bridge/virtual_account.activity.payment_processed", "it was paid out"),
        sample!("bridge/virtual_account.activity.updated", "it is looked at"),
        sample!("bridge/liquidation_address.drain.created", "tokens came to be paid out"),
        sample!("bridge/liquidation_address.drain.updated", "data of it change"),
        sample!("bridge/liquidation_address.drain.updated.status_transitioned", "they were paid out"),
        sample!("bridge/static_memo.activity.created", "money came with a memo"),
        sample!("bridge/static_memo.activity.updated", "it was paid out"),
        sample!("bridge/card_account.created", "a card is there"),
        sample!("bridge/card_account.updated", "its balance changes"),
        sample!("bridge/card_account.updated.status_transitioned", "it is frozen"),
        sample!("bridge/card_transaction.created", "a card is used"),
        sample!("bridge/card_transaction.updated", "data of it change"),
        sample!("bridge/card_transaction.updated.status_transitioned", "it is settled"),
        sample!("bridge/posted_card_account_transaction.created", "it stands in the card's book"),
        sample!("bridge/card_withdrawal.created", "money leaves a card"),
        sample!("circle/transactions.inbound.confirmed", "tokens arrive"),
        sample!("circle/transactions.inbound.complete", "they have arrived"),
        sample!("circle/transactions.outbound.initiated", "tokens leave"),
        sample!("circle/transactions.outbound.complete", "they have left"),
        sample!("circle/transactions.outbound.failed", "they did not leave"),
        sample!("circle/challenges.initialize", "a user set up a wallet"),
        sample!("circle/challenges.createTransaction", "a user is asked to confirm"),
        sample!("circle/contracts.eventLog", "a contract logs"),
        sample!("circle/modularWallet.userOperation", "an operation of a modular wallet"),
        sample!("circle/modularWallet.inboundTransfer", "tokens arrive at a modular wallet"),
        sample!("circle/travelRule.statusUpdate", "a travel rule is checked"),
        sample!("circle/rampSession.completed", "somebody bought tokens"),
        sample!("circle/cpn.payment.completed", "a payment through a partner"),
        sample!("circle/cpn.transaction.completed", "its transaction"),
        sample!("circle/cpn.rfi.informationRequired", "a partner asks for more"),
        sample!("circle/gateway.deposit.finalized", "a deposit at the gateway"),
        sample!("circle/webhooks.test", "Circle's button says hello"),
        sample!("circle-sns/transfers.pending", "tokens are on their way to the account"),
        sample!("circle-sns/transfers.complete", "they have arrived"),
        sample!("circle-sns/transfers.failed", "they did not arrive"),
        sample!("circle-sns/payments", "a payment"),
        sample!("circle-sns/payouts", "money is paid out to a bank"),
        sample!("circle-sns/deposits", "money came from a bank"),
        sample!("circle-sns/paymentIntents", "somebody means to pay"),
        sample!("circle-sns/addressBookRecipients", "a recipient is known"),
    ];

    /// The sample of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|sample| sample.name == name)
    }

    /// The source that sends it: what stands before the first `/`.
    pub(crate) fn source(&self) -> &'static str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// The kind of event, for the source that has several paths.
    pub(crate) fn kind(&self) -> Option<&'static str> {
        let mut parts = self.name.split('/').skip(1);
        parts.next().filter(|_| parts.next().is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn files(directory: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => files(&entry.path(), found),
                false => drop(found.insert(entry.path().with_extension("").to_string_lossy().into_owned())),
            }
        }
    }

    #[test]
    fn every_file_is_a_sample_and_every_sample_is_json() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
        let mut found = BTreeSet::new();
        files(&root, &mut found);
        let named = Sample::ALL.iter().map(|sample| root.join(sample.name).to_string_lossy().into_owned());
        assert_eq!(found, named.collect());
        for sample in Sample::ALL {
            assert!(serde_json::from_str::<serde_json::Value>(sample.body).is_ok(), "{}", sample.name);
        }
    }

    #[test]
    fn a_name_says_source_and_kind() {
        let fill = Sample::named("alpaca/trade/fill").unwrap();
        assert_eq!((fill.source(), fill.kind()), ("alpaca", Some("trade")));
        let test = Sample::named("circle/webhooks.test").unwrap();
        assert_eq!((test.source(), test.kind()), ("circle", None));
    }
}
