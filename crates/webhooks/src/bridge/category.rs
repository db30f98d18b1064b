//! Categories of events, and what happened to their objects.

/// A category (apidocs.bridge.xyz/platform/additional-information/webhooks/structure). More are promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Category {
    /// A customer.
    Customer,
    /// A customer's identity check.
    KycLink,
    /// Tokens that were sent to an address and paid on.
    LiquidationAddressDrain,
    /// Deposits that are told apart by a memo.
    StaticMemoActivity,
    /// A transfer.
    Transfer,
    /// Deposits into a virtual bank account.
    VirtualAccountActivity,
    /// A card's account.
    CardAccount,
    /// A payment by card that is asked for or allowed.
    CardTransaction,
    /// A payment by card that is booked.
    PostedCardAccountTransaction,
    /// A withdrawal from a card.
    CardWithdrawal,
    /// Another one.
    Unknown(Box<str>),
}

/// What happened to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// It came to be.
    Created,
    /// It changed.
    Updated,
    /// Its status changed.
    StatusTransitioned,
    /// It is gone.
    Deleted,
    /// Something else: the seed's server spoke of `completed`, `failed`, `deposit.received` and the like.
    Other(Box<str>),
}

impl Category {
    /// Takes a full type such as `transfer.updated.status_transitioned` apart.
    pub(crate) fn of(full_type: &str) -> (Self, Mutation) {
        const KNOWN: [(&str, Category); 10] = [
            ("customer", Category::Customer),
            ("kyc_link", Category::KycLink),
            ("liquidation_address.drain", Category::LiquidationAddressDrain),
            ("static_memo.activity", Category::StaticMemoActivity),
            ("transfer", Category::Transfer),
            ("virtual_account.activity", Category::VirtualAccountActivity),
            // What the seed's server expected instead: virtual_account.deposit.received.
            ("virtual_account", Category::VirtualAccountActivity),
            ("card_account", Category::CardAccount),
            ("card_transaction", Category::CardTransaction),
            ("posted_card_account_transaction", Category::PostedCardAccountTransaction),
        ];
        let rest_of = |name: &str| match full_type.strip_prefix(name) {
            Some("") => Some(""),
            Some(rest) => rest.strip_prefix('.'),
            None => None,
        };
        let found = KNOWN.into_iter().find_map(|(name, category)| Some((category, rest_of(name)?)));
        let withdrawal = || rest_of("card_withdrawal").map(|rest| (Self::CardWithdrawal, rest));
        match found.or_else(withdrawal) {
            Some((category, rest)) => (category, Mutation::of(rest)),
            None => (Self::Unknown(full_type.into()), Mutation::Other("".into())),
        }
    }
}

impl Mutation {
    fn of(text: &str) -> Self {
        match text {
            "created" => Self::Created,
            "updated" => Self::Updated,
            "updated.status_transitioned" => Self::StatusTransitioned,
            "deleted" => Self::Deleted,
            other => Self::Other(other.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_types_are_taken_apart() {
        for (text, category, mutation) in [
            ("transfer.updated.status_transitioned", Category::Transfer, Mutation::StatusTransitioned),
            ("virtual_account.activity.created", Category::VirtualAccountActivity, Mutation::Created),
            (
                "virtual_account.deposit.received",
                Category::VirtualAccountActivity,
                Mutation::Other("deposit.received".into()),
            ),
            ("customer.deleted", Category::Customer, Mutation::Deleted),
            ("card_withdrawal.created", Category::CardWithdrawal, Mutation::Created),
            ("transfers.created", Category::Unknown("transfers.created".into()), Mutation::Other("".into())),
        ] {
            assert_eq!(Category::of(text), (category, mutation), "{text}");
        }
    }
}
