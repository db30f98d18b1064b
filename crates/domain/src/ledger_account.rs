//! The accounts of the ledger: those of holders, and those of the system.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

use crate::external_id::{ExternalId, Provider};
use crate::money::Currency;
use crate::text::text_form;

/// An account of the ledger. A positive entry increases its balance. One account has a separate balance in each currency.
///
/// Its text form is `user/<holder>/<bucket>`, `system/<name>` or `system/clearing/<provider>`.
///
/// ```
/// let account: domain::LedgerAccount = "user/alpaca:a1/fiat_exposure".parse().unwrap();
/// assert_eq!(account.to_string(), "user/alpaca:a1/fiat_exposure");
/// assert!("user/alpaca:a1/gold".parse::<domain::LedgerAccount>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LedgerAccount {
    /// A bucket of a holder.
    User(ExternalId, Bucket),
    /// An account of the system.
    System(System),
}

/// The accounts that each holder has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Bucket {
    /// Tokens that are not split into spending and stash yet.
    UsdcBalance,
    /// Buying power at the broker.
    FiatExposure,
    /// Money set aside for open orders.
    PendingInvestment,
    /// The part of deposits for spending.
    SpendingBalance,
    /// The part of deposits that is saved and invested.
    StashBalance,
    /// What the holder owes: never positive, and part of the holder's net worth.
    Receivable,
}

/// Accounts of the system. All but the buffers may be negative: they represent the outside world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum System {
    /// Tokens kept for conversions.
    #[strum(serialize = "system_buffer_usdc")]
    BufferUsdc,
    /// Cash kept for conversions.
    #[strum(serialize = "system_buffer_fiat")]
    BufferFiat,
    /// The firm's own cash at the broker, the counterpart of journals.
    BrokerOperational,
    /// Cost of shares bought less proceeds of shares sold.
    SecuritiesClearing,
    /// Fees paid.
    Fees,
    /// Taxes withheld.
    Taxes,
    /// Source of dividends and interest.
    Income,
    /// Negative of the money that came in through a provider.
    #[strum(disabled)]
    Clearing(Provider),
}

/// The text is not the name of a ledger account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ledger account must be user/<holder>/<bucket>, system/<name> or system/clearing/<provider>")]
pub struct LedgerAccountError;

impl Bucket {
    /// The bucket that receives deposits in `currency`: fiat money goes to the broker, tokens to the wallet.
    #[must_use]
    pub const fn arriving(currency: Currency) -> Self {
        if currency.is_token() { Self::UsdcBalance } else { Self::FiatExposure }
    }

    /// The bucket that withdrawals in `currency` leave from. USDC is split on arrival, and leaves from the spending part.
    #[must_use]
    pub const fn leaving(currency: Currency) -> Self {
        if matches!(currency, Currency::Usdc) { Self::SpendingBalance } else { Self::arriving(currency) }
    }
}

impl System {
    /// Every account but those of providers.
    const NAMED: [Self; 7] = [
        Self::BufferUsdc,
        Self::BufferFiat,
        Self::BrokerOperational,
        Self::SecuritiesClearing,
        Self::Fees,
        Self::Taxes,
        Self::Income,
    ];
}

impl LedgerAccount {
    /// What [`FromStr`] accepts, as a regular expression without anchors.
    #[must_use]
    pub fn pattern() -> String {
        let buckets = Bucket::VARIANTS.iter().map(Bucket::to_string);
        let clearings = Provider::ALL.map(System::Clearing);
        let systems = System::NAMED.iter().chain(&clearings).map(System::to_string);
        let [buckets, systems] =
            [buckets.collect::<Vec<_>>(), systems.collect()].map(|names| names.join("|"));
        format!("user/{}/({buckets})|system/({systems})", ExternalId::pattern())
    }

    /// The holder, unless it is a system account.
    #[must_use]
    pub const fn holder(&self) -> Option<&ExternalId> {
        match self {
            Self::User(holder, _) => Some(holder),
            Self::System(_) => None,
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clearing(provider) => write!(out, "clearing/{provider}"),
            named => out.write_str(named.into()),
        }
    }
}

impl fmt::Display for LedgerAccount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(holder, bucket) => write!(out, "user/{holder}/{bucket}"),
            Self::System(system) => write!(out, "system/{system}"),
        }
    }
}

impl Serialize for LedgerAccount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

text_form!(LedgerAccount);

impl FromStr for LedgerAccount {
    type Err = LedgerAccountError;

    fn from_str(text: &str) -> Result<Self, LedgerAccountError> {
        let (owner, rest) = text.split_once('/').ok_or(LedgerAccountError)?;
        match owner {
            "system" => match rest.strip_prefix("clearing/") {
                Some(provider) => provider.parse().ok().map(System::Clearing),
                None => rest.parse().ok(),
            }
            .map(Self::System),
            "user" => rest
                .split_once('/')
                .and_then(|(holder, bucket)| Some(Self::User(holder.parse().ok()?, bucket.parse().ok()?))),
            _ => None,
        }
        .ok_or(LedgerAccountError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_parses_from_its_text() {
        let holder: ExternalId = "bridge:cust_1".parse().unwrap();
        let users = Bucket::VARIANTS.iter().map(|bucket| LedgerAccount::User(holder.clone(), *bucket));
        let systems = System::NAMED.map(LedgerAccount::System);
        let clearings = Provider::ALL.map(|provider| LedgerAccount::System(System::Clearing(provider)));
        for account in users.chain(systems).chain(clearings) {
            assert_eq!(account.to_string().parse(), Ok(account));
        }
    }

    #[test]
    fn other_texts_are_not_accounts() {
        for text in [
            "",
            "user",
            "user/a1/fees",
            "user/alpaca:a1",
            "user/alpaca:a1/fees",
            "system/",
            "bank/fees",
            "system/clearing/x",
        ] {
            assert_eq!(text.parse::<LedgerAccount>(), Err(LedgerAccountError), "{text:?}");
        }
    }
}
