//! Accounts at providers: those that facts name, with their status and last activity.

use std::collections::HashMap;

use domain::Fact;
use ledger::Account;

use super::{PAGE, Place, Problem, Run};
use crate::database::{Row, sql};
use crate::error::Error;
use crate::ledger::accounts::account;
use crate::ledger::columns::enum_name;

const PAGE_OF: &str = "SELECT account, status, status_at, registered_at, last_seen_at FROM provider_accounts \
    WHERE account > $1 ORDER BY account LIMIT $2";

/// What facts say of an account; times in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::ledger) struct Expected {
    pub(in crate::ledger) status: Option<(String, i64, i64)>,
    pub(in crate::ledger) last_seen_at: Option<i64>,
}

/// Adds what a fact says of its account.
pub(in crate::ledger) fn add_fact(accounts: &mut HashMap<String, Expected>, fact: &Fact) {
    if let Some((id, active_at)) = account(fact) {
        let expected = accounts.entry(id.to_string()).or_default();
        expected.last_seen_at = expected.last_seen_at.max(active_at.map(jiff::Timestamp::as_microsecond));
    }
}

/// Sets the status of a folded account.
pub(in crate::ledger) fn add_status(
    accounts: &mut HashMap<String, Expected>,
    Account { id, status, status_at, registered_at }: &Account,
) -> Result<(), Error> {
    let status = (enum_name(status)?, status_at.as_microsecond(), registered_at.as_microsecond());
    accounts.entry(id.to_string()).or_default().status = Some(status);
    Ok(())
}

impl Run<'_, '_> {
    pub(super) async fn check_accounts(&mut self) -> Result<(), Error> {
        let mut last = String::new();
        loop {
            let rows = self.tx.fetch_all(sql!(PAGE_OF, &last, PAGE)).await?;
            for row in &rows {
                last = row.text("account")?;
                let place = Place::ProviderAccounts(last.clone());
                match self.accounts.remove(&last) {
                    None => self.find(place, Problem::Extra, "no fact names it"),
                    Some(expected) if stored(row)? != expected => {
                        self.find(place, Problem::Different, "status or activity is not that of its facts");
                    }
                    Some(_) => {}
                }
            }
            if rows.is_empty() {
                break;
            }
        }
        for account in std::mem::take(&mut self.accounts).into_keys() {
            self.find(Place::ProviderAccounts(account), Problem::Missing, "facts name it");
        }
        Ok(())
    }
}

fn stored(row: &Row) -> Result<Expected, Error> {
    let status = match (row.optional_text("status")?, row.optional_int("status_at")?) {
        (Some(status), Some(at)) => {
            Some((status, at, row.optional_int("registered_at")?.unwrap_or_default()))
        }
        (None, None) if row.optional_int("registered_at")?.is_none() => None,
        (status, at) => Some((status.unwrap_or_default(), at.unwrap_or_default(), 0)),
    };
    Ok(Expected { status, last_seen_at: row.optional_int("last_seen_at")? })
}
