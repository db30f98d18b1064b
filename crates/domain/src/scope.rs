//! What an API key may do.

use std::fmt;
use std::str::FromStr;

/// One thing that an API key may do. Every route requires one.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumString, strum::IntoStaticStr,
)]
pub enum Scope {
    /// Read market data and analyses.
    #[strum(serialize = "market:read")]
    MarketRead,
    /// Read positions and values of accounts.
    #[strum(serialize = "portfolio:read")]
    PortfolioRead,
    /// Read orders.
    #[strum(serialize = "orders:read")]
    OrdersRead,
    /// Read entries, balances and reports of the ledger.
    #[strum(serialize = "ledger:read")]
    LedgerRead,
    /// Read events and dead letters.
    #[strum(serialize = "webhooks:read")]
    WebhooksRead,
    /// Trade with simulated money.
    #[strum(serialize = "trade:paper")]
    TradePaper,
    /// Trade with real money.
    #[strum(serialize = "trade:live")]
    TradeLive,
    /// Replay and requeue events, test signatures, remove bodies.
    #[strum(serialize = "webhooks:admin")]
    WebhooksAdmin,
    /// Post journals, resolve reviews, link accounts to customers.
    #[strum(serialize = "ledger:admin")]
    LedgerAdmin,
    /// Create, rotate and revoke API keys.
    #[strum(serialize = "keys:admin")]
    KeysAdmin,
    /// Ban addresses.
    #[strum(serialize = "bans:admin")]
    BansAdmin,
    /// Verify the audit chain.
    #[strum(serialize = "audit:read")]
    AuditRead,
    /// Read metrics.
    #[strum(serialize = "metrics:read")]
    MetricsRead,
}

impl Scope {
    /// Every scope, in the order in which they are listed.
    pub const ALL: [Self; 13] = [
        Self::MarketRead,
        Self::PortfolioRead,
        Self::OrdersRead,
        Self::LedgerRead,
        Self::WebhooksRead,
        Self::TradePaper,
        Self::TradeLive,
        Self::WebhooksAdmin,
        Self::LedgerAdmin,
        Self::KeysAdmin,
        Self::BansAdmin,
        Self::AuditRead,
        Self::MetricsRead,
    ];

    /// The name, such as `ledger:read`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether it shows or changes what is everybody's, so that its key must not be limited to some accounts.
    #[must_use]
    pub const fn needs_all_accounts(self) -> bool {
        match self {
            Self::MarketRead
            | Self::PortfolioRead
            | Self::OrdersRead
            | Self::LedgerRead
            | Self::TradePaper
            | Self::TradeLive => false,
            Self::WebhooksRead
            | Self::WebhooksAdmin
            | Self::LedgerAdmin
            | Self::KeysAdmin
            | Self::BansAdmin
            | Self::AuditRead
            | Self::MetricsRead => true,
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// The scopes of an API key. The text form is their names, separated by spaces; `read` stands for all of [`Scopes::READ`].
///
/// ```
/// use domain::{Role, Scope, Scopes};
///
/// let scopes: Scopes = "read trade:paper".parse().unwrap();
/// assert!(scopes.contains(Scope::LedgerRead) && !scopes.contains(Scope::AuditRead));
/// assert!(Role::Trader.scopes().includes(scopes) && !Role::Viewer.scopes().includes(scopes));
/// assert!("ledger:write".parse::<Scopes>().is_err());
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u16);

/// The text is not a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a scope")]
pub struct ScopeError(Box<str>);

impl Scopes {
    /// What reads, and shows a client nothing but its own accounts. Not `webhooks:read`, `audit:read` and `metrics:read`, which
    /// show what is everybody's.
    pub const READ: Self =
        Self::of(&[Scope::MarketRead, Scope::PortfolioRead, Scope::OrdersRead, Scope::LedgerRead]);
    /// What trades.
    pub const TRADE: Self = Self::of(&[Scope::TradePaper, Scope::TradeLive]);
    /// Every scope.
    pub const ALL: Self = Self::of(&Scope::ALL);

    /// Exactly these.
    #[must_use]
    pub const fn of(scopes: &[Scope]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < scopes.len() {
            bits |= scopes[index].bit();
            index += 1;
        }
        Self(bits)
    }

    /// Those of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether this scope is one of them.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether all of the others are among them.
    #[must_use]
    pub const fn includes(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    /// Whether they change nothing.
    #[must_use]
    pub fn only_read(self) -> bool {
        self.iter().all(|scope| scope.as_str().ends_with(":read"))
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Scope::as_str).collect();
        out.write_str(&names.join(" "))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for Scopes {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        text.split_ascii_whitespace().try_fold(Self::default(), |scopes, name| {
            let named = match name {
                "read" => Self::READ,
                name => Self::of(&[name.parse().map_err(|_| ScopeError(name.into()))?]),
            };
            Ok(scopes.and(named))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    #[test]
    fn a_role_includes_the_scopes_of_those_below_it() {
        let [viewer, trader, admin] = [Role::Viewer, Role::Trader, Role::Admin].map(Role::scopes);
        assert!(trader.includes(viewer) && admin.includes(trader));
        assert!(!viewer.includes(trader) && !trader.includes(admin));
        // Whoever may be limited to accounts has no scope of what is everybody's.
        assert!(trader.iter().all(|scope| !scope.needs_all_accounts()), "{trader}");
        assert!(viewer.only_read() && !trader.only_read() && Scopes::default().only_read());
    }

    #[test]
    fn each_scope_has_a_name_of_its_own() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
            assert_eq!(Scopes::of(&[scope]).iter().collect::<Vec<_>>(), [scope]);
        }
        assert_eq!(Scopes::ALL.to_string().parse(), Ok(Scopes::ALL));
        assert_eq!(Scopes::ALL.iter().count(), Scope::ALL.len());
    }
}
