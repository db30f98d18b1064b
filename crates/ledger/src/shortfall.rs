//! Keeps a holder's balances from going negative.

use domain::{Bucket, ExternalId, LedgerAccount, Money, TransactionKind};
use jiff::Timestamp;

use crate::error::LedgerError;
use crate::posting::Posting;

/// The posting that lifts one of `holder`'s buckets to zero from the receivable, which then says what the holder owes. `raw`
/// is the bucket's balance in one currency without shortfall postings. The posting has no legs when nothing is missing. It
/// depends on that balance alone, and therefore only on the set of facts.
///
/// # Errors
/// [`LedgerError::Money`] for `i64::MIN`, which cannot be negated.
///
/// ```
/// use domain::{Currency, Money};
/// let holder = "bridge:cust_1".parse().unwrap();
/// let raw = Money::from_minor(-500, Currency::Usdc);
/// let now = "2026-01-02T10:00:00Z".parse().unwrap();
/// let posting = ledger::shortfall(&holder, ledger::Bucket::SpendingBalance, raw, now).unwrap();
/// assert_eq!(posting.effect(), "shortfall/bridge:cust_1/spending_balance/USDC");
/// assert_eq!(posting.legs()[0].money.minor() + posting.legs()[1].money.minor(), 0);
/// ```
pub fn shortfall(
    holder: &ExternalId,
    bucket: Bucket,
    raw: Money,
    now: Timestamp,
) -> Result<Posting, LedgerError> {
    let missing = if bucket == Bucket::Receivable { 0 } else { raw.minor().min(0) };
    let missing = Money::from_minor(missing, raw.currency()).negated()?;
    let user = |bucket| LedgerAccount::User(holder.clone(), bucket);
    let effect = format!("shortfall/{holder}/{bucket}/{}", raw.currency());
    let between = (user(Bucket::Receivable), user(bucket));
    Posting::movement(effect, TransactionKind::Shortfall, now, missing, between)
}

#[cfg(test)]
mod tests {
    use domain::Currency;

    use super::*;

    #[test]
    fn exactly_what_is_missing_is_owed() {
        let holder = "alpaca:a1".parse().unwrap();
        for (bucket, raw, expected) in [
            (Bucket::FiatExposure, -1, Some((1, -1))),
            (Bucket::FiatExposure, 0, None),
            (Bucket::FiatExposure, 1, None),
            (Bucket::Receivable, -1, None),
        ] {
            let raw = Money::from_minor(raw, Currency::Usd);
            let posting = shortfall(&holder, bucket, raw, Timestamp::UNIX_EPOCH).unwrap();
            let legs = posting.legs();
            let got = (!legs.is_empty()).then(|| (legs[0].money.minor(), legs[1].money.minor()));
            assert_eq!(got, expected, "{bucket:?} {raw}");
        }
    }
}
