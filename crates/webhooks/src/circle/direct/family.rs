//! Families of notification types.

/// The part before the first dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Transactions,
    /// As earlier relays send them.
    Transfers,
    /// What a user is asked to confirm.
    Challenges,
    /// Log entries of contracts.
    Contracts,
    ModularWallet,
    TravelRule,
    /// Buying and selling of tokens by users.
    RampSession,
    /// Circle's payment network.
    Cpn,
    /// One balance over many chains.
    Gateway,
    Unknown,
}

impl Family {
    /// The family of a type such as `transactions.inbound`.
    pub(super) fn parse(notification_type: &str) -> Self {
        match notification_type.split('.').next().unwrap_or_default() {
            "transactions" => Self::Transactions,
            "transfers" => Self::Transfers,
            "challenges" => Self::Challenges,
            "contracts" => Self::Contracts,
            "modularWallet" => Self::ModularWallet,
            "travelRule" => Self::TravelRule,
            "rampSession" => Self::RampSession,
            "cpn" => Self::Cpn,
            "gateway" => Self::Gateway,
            _ => Self::Unknown,
        }
    }
}
