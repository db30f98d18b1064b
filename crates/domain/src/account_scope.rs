//! Which accounts a reader of the books may see.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::external_id::ExternalId;
use crate::text::text_form;

/// Longest id of a customer.
const CUSTOMER_BYTES_MAX: usize = 64;
/// Most accounts and customers in a scope.
const SCOPE_ITEMS_MAX: usize = 100;

/// The id of a customer, whose accounts at providers are linked. A person chooses it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomerId(Box<str>);

/// The text is not the id of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "customer must be 1 to {CUSTOMER_BYTES_MAX} letters, digits, -, _ and ., the first a letter or digit"
)]
pub struct CustomerIdError;

impl CustomerId {
    /// What [`FromStr`] accepts, as a regular expression without anchors.
    #[must_use]
    pub fn pattern() -> String {
        format!("[A-Za-z0-9][A-Za-z0-9_.-]{{0,{}}}", CUSTOMER_BYTES_MAX - 1)
    }
}

impl std::fmt::Display for CustomerId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for CustomerId {
    type Err = CustomerIdError;

    fn from_str(text: &str) -> Result<Self, CustomerIdError> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        // In a path, two dots would be the folder above.
        let is_id = is_plain
            && text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.len() <= CUSTOMER_BYTES_MAX;
        if is_id { Ok(Self(text.into())) } else { Err(CustomerIdError) }
    }
}

impl serde::Serialize for CustomerId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

text_form!(CustomerId);

/// The accounts that a reader of the books may see. Its text form is accounts and customers, separated by `+`.
///
/// ```
/// let scope: domain::AccountScope = "alpaca:a1+bridge:c1+c-1042".parse().unwrap();
/// assert!(matches!(scope, domain::AccountScope::Only { accounts, customers } if accounts.len() == 2 && customers.len() == 1));
/// assert!("alpaca:a1+".parse::<domain::AccountScope>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountScope {
    /// All accounts, also those of the system.
    All,
    /// These accounts, and those that are linked to these customers; none of the system.
    Only {
        /// Accounts at providers.
        accounts: BTreeSet<ExternalId>,
        /// Customers.
        customers: BTreeSet<CustomerId>,
    },
}

impl AccountScope {
    /// No account.
    pub const NONE: Self = Self::Only { accounts: BTreeSet::new(), customers: BTreeSet::new() };

    /// Parses a list of accounts and customers, which may be empty.
    ///
    /// # Errors
    /// As the text form, whose items these are.
    pub fn from_items(items: &[impl AsRef<str>]) -> Result<Self, AccountScopeError> {
        let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
        if items.is_empty() { Ok(Self::NONE) } else { items.join("+").parse() }
    }

    /// The accounts and customers of a list; `None` for all.
    #[must_use]
    pub fn items(&self) -> Option<Vec<String>> {
        let Self::Only { accounts, customers } = self else { return None };
        Some(
            accounts
                .iter()
                .map(ToString::to_string)
                .chain(customers.iter().map(ToString::to_string))
                .collect(),
        )
    }
}

/// The text is not a list of accounts and customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use 1 to {SCOPE_ITEMS_MAX} accounts such as alpaca:a1 and customers, separated by +")]
pub struct AccountScopeError;

impl FromStr for AccountScope {
    type Err = AccountScopeError;

    fn from_str(text: &str) -> Result<Self, AccountScopeError> {
        let (mut accounts, mut customers) = (BTreeSet::new(), BTreeSet::new());
        for item in text.split('+') {
            // Only the id of an account has a colon.
            match item.contains(':') {
                true => accounts.insert(item.parse().map_err(|_| AccountScopeError)?),
                false => customers.insert(item.parse().map_err(|_| AccountScopeError)?),
            };
        }
        match accounts.len() + customers.len() {
            1..=SCOPE_ITEMS_MAX => Ok(Self::Only { accounts, customers }),
            _ => Err(AccountScopeError),
        }
    }
}
