//! Families of notification types.

/// What the part before the first dot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Transactions of wallets.
    Transactions,
    /// Transfers, as the seed's server expected them.
    Transfers,
    /// What a user is asked to confirm.
    Challenges,
    /// Log entries of contracts.
    Contracts,
    /// Wallets made of modules.
    ModularWallet,
    /// Questions of the travel rule.
    TravelRule,
    /// Buying and selling of tokens by users.
    RampSession,
    /// Circle's payment network.
    Cpn,
    /// One balance over many chains.
    Gateway,
    /// Another one.
    Unknown,
}

impl Family {
    /// The family of a type such as `transactions.inbound`.
    #[must_use]
    pub fn of(notification_type: &str) -> Self {
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
