//! The accounts of the books: a holder's own, and ours.

use std::fmt;
use std::str::FromStr;

use domain::{Currency, ExternalId, Provider};

/// Where money lies in the books. A positive entry raises what lies there. One account holds any number of currencies,
/// which never mix.
///
/// Its text form is `user/<holder>/<bucket>`, `system/<name>` or `system/clearing/<provider>`.
///
/// ```
/// let account: ledger::LedgerAccount = "user/alpaca:a1/fiat_exposure".parse().unwrap();
/// assert_eq!(account.to_string(), "user/alpaca:a1/fiat_exposure");
/// assert!("user/alpaca:a1/gold".parse::<ledger::LedgerAccount>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LedgerAccount {
    /// A holder's.
    User(ExternalId, Bucket),
    /// Ours.
    System(System),
}

/// The parts of what a holder has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// Tokens that are neither to be spent nor stashed yet.
    UsdcBalance,
    /// Money at the broker that can buy.
    FiatExposure,
    /// Money set aside for open orders.
    PendingInvestment,
    /// The part of deposits that is to be spent.
    SpendingBalance,
    /// The part of deposits that is put by.
    StashBalance,
    /// What the holder owes us: never above zero, and so a part of the holder's net worth like any other.
    Receivable,
}

/// Our own accounts. All but the buffers may go below zero: they stand for the world outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// Tokens kept for conversions.
    BufferUsdc,
    /// Money kept for conversions.
    BufferFiat,
    /// The firm's own money at the broker: the other end of journals.
    BrokerOperational,
    /// What shares were bought for, less what they were sold for.
    SecuritiesClearing,
    /// What services took.
    Fees,
    /// What states withheld.
    Taxes,
    /// Where dividends and interest come from.
    Income,
    /// What came in through a provider, with the sign turned.
    Clearing(Provider),
}

/// The text names no account of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an account of the ledger is user/<holder>/<bucket>, system/<name> or system/clearing/<provider>")]
pub struct LedgerAccountError;

impl Bucket {
    /// Every bucket.
    pub const ALL: [Self; 6] = [
        Self::UsdcBalance,
        Self::FiatExposure,
        Self::PendingInvestment,
        Self::SpendingBalance,
        Self::StashBalance,
        Self::Receivable,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UsdcBalance => "usdc_balance",
            Self::FiatExposure => "fiat_exposure",
            Self::PendingInvestment => "pending_investment",
            Self::SpendingBalance => "spending_balance",
            Self::StashBalance => "stash_balance",
            Self::Receivable => "receivable",
        }
    }

    /// Where money of `currency` arrives: money of states at the broker's, tokens in the wallet.
    #[must_use]
    pub const fn arriving(currency: Currency) -> Self {
        match currency {
            Currency::Usd | Currency::Eur | Currency::Gbp | Currency::Mxn | Currency::Brl => {
                Self::FiatExposure
            }
            Currency::Usdc | Currency::Eurc | Currency::Usdt | Currency::Usdb | Currency::Pyusd => {
                Self::UsdcBalance
            }
        }
    }

    /// Where money of `currency` leaves from. USDC is split when it arrives, and what may be spent is what leaves.
    #[must_use]
    pub const fn leaving(currency: Currency) -> Self {
        match currency {
            Currency::Usdc => Self::SpendingBalance,
            Currency::Usd | Currency::Eur | Currency::Gbp | Currency::Mxn | Currency::Brl => {
                Self::FiatExposure
            }
            Currency::Eurc | Currency::Usdt | Currency::Usdb | Currency::Pyusd => Self::UsdcBalance,
        }
    }
}

impl System {
    /// Every account of ours but the clearings.
    const NAMED: [(Self, &'static str); 7] = [
        (Self::BufferUsdc, "system_buffer_usdc"),
        (Self::BufferFiat, "system_buffer_fiat"),
        (Self::BrokerOperational, "broker_operational"),
        (Self::SecuritiesClearing, "securities_clearing"),
        (Self::Fees, "fees"),
        (Self::Taxes, "taxes"),
        (Self::Income, "income"),
    ];
}

impl LedgerAccount {
    /// Whose it is, when it is a holder's.
    #[must_use]
    pub const fn holder(&self) -> Option<&ExternalId> {
        match self {
            Self::User(holder, _) => Some(holder),
            Self::System(_) => None,
        }
    }
}

impl fmt::Display for LedgerAccount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(holder, bucket) => write!(out, "user/{holder}/{}", bucket.as_str()),
            Self::System(system) => write!(out, "system/{system}"),
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Clearing(provider) = self {
            return write!(out, "clearing/{provider}");
        }
        let found = Self::NAMED.iter().find(|(system, _)| system == self);
        out.write_str(found.map_or("", |(_, name)| name))
    }
}

impl FromStr for Bucket {
    type Err = LedgerAccountError;

    fn from_str(text: &str) -> Result<Self, LedgerAccountError> {
        let found = Self::ALL.into_iter().find(|bucket| bucket.as_str() == text);
        found.ok_or(LedgerAccountError)
    }
}

impl FromStr for System {
    type Err = LedgerAccountError;

    fn from_str(text: &str) -> Result<Self, LedgerAccountError> {
        if let Some(provider) = text.strip_prefix("clearing/") {
            return provider.parse().map(Self::Clearing).map_err(|_| LedgerAccountError);
        }
        let found = Self::NAMED.iter().find(|(_, name)| *name == text);
        found.map(|(system, _)| *system).ok_or(LedgerAccountError)
    }
}

impl FromStr for LedgerAccount {
    type Err = LedgerAccountError;

    fn from_str(text: &str) -> Result<Self, LedgerAccountError> {
        let (owner, rest) = text.split_once('/').ok_or(LedgerAccountError)?;
        match owner {
            "system" => rest.parse().map(Self::System),
            "user" => {
                let (holder, bucket) = rest.split_once('/').ok_or(LedgerAccountError)?;
                let holder = holder.parse().map_err(|_| LedgerAccountError)?;
                Ok(Self::User(holder, bucket.parse()?))
            }
            _ => Err(LedgerAccountError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_is_read_back_from_its_text() {
        let holder: ExternalId = "bridge:cust_1".parse().unwrap();
        let users = Bucket::ALL.map(|bucket| LedgerAccount::User(holder.clone(), bucket));
        let named = System::NAMED.map(|(system, _)| LedgerAccount::System(system));
        let clearings = Provider::ALL.map(|provider| LedgerAccount::System(System::Clearing(provider)));
        for account in users.into_iter().chain(named).chain(clearings) {
            assert_eq!(account.to_string().parse(), Ok(account));
        }
    }

    #[test]
    fn other_texts_name_no_account() {
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
