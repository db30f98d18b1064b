//! Categories of events, and what happened to their resources.

/// A category (apidocs.bridge.xyz/platform/additional-information/webhooks/structure). More are promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Category {
    Customer,
    KycLink,
    /// Tokens that were sent to an address and forwarded.
    LiquidationAddressDrain,
    /// Deposits that are distinguished by a memo.
    StaticMemoActivity,
    Transfer,
    VirtualAccountActivity,
    CardAccount,
    CardTransaction,
    PostedCardAccountTransaction,
    CardWithdrawal,
    Unknown(Box<str>),
}

/// What happened to a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mutation {
    Created,
    Updated,
    StatusTransitioned,
    Deleted,
    /// Earlier relays send `completed`, `failed`, `deposit.received` and the like.
    Other(Box<str>),
}

impl Category {
    /// Parses a full type such as `transfer.updated.status_transitioned`.
    pub(super) fn parse(full_type: &str) -> (Self, Mutation) {
        const KNOWN: [(&str, Category); 10] = [
            ("customer", Category::Customer),
            ("kyc_link", Category::KycLink),
            ("liquidation_address.drain", Category::LiquidationAddressDrain),
            ("static_memo.activity", Category::StaticMemoActivity),
            ("transfer", Category::Transfer),
            ("virtual_account.activity", Category::VirtualAccountActivity),
            // Earlier relays send virtual_account.deposit.received.
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
            Some((category, rest)) => (category, Mutation::parse(rest)),
            None => (Self::Unknown(full_type.into()), Mutation::Other("".into())),
        }
    }
}

impl Mutation {
    fn parse(text: &str) -> Self {
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
    fn a_full_type_has_a_category_and_a_mutation() {
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
            assert_eq!(Category::parse(text), (category, mutation), "{text}");
        }
    }
}
