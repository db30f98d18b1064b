//! Entries of the broker's ledger that are no trades, in both of their shapes.

use domain::{CashKind, EntryStatus, ExternalId, Fact, FactKind, PostingMode, Provider, Quantity, Subject};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::currency::CurrencyFields;
use crate::alpaca::settings::{ACTIVITIES, CASH, ENTRIES, NTA, TRANSFERS};
use crate::extract;
use crate::interpretation::{Interpretation, Outcome, Unhandled};
use crate::json::Field;
use crate::settings::Settings;

/// Both shapes in one: `id`, `entry_type` and `entry_sub_type` are the older names of `ref_id`, `activity_type` and
/// `activity_subtype`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry<'a> {
    #[serde(borrow)]
    account_id: Field<'a>,
    at: Field<'a>,
    status: Field<'a>,
    currency: Field<'a>,
    swap_rate: Field<'a>,
    swap_fee_bps: Field<'a>,
    net_amount: Field<'a>,
    qty: Field<'a>,
    symbol: Field<'a>,
    id: Field<'a>,
    entry_type: Field<'a>,
    entry_sub_type: Field<'a>,
    ref_id: Field<'a>,
    previous_id: Field<'a>,
    activity_type: Field<'a>,
    activity_subtype: Field<'a>,
    details: Field<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details<'a> {
    #[serde(borrow)]
    symbol: Field<'a>,
    new_symbol: Field<'a>,
    old_qty: Field<'a>,
    new_qty: Field<'a>,
    execution_type: Field<'a>,
}

/// What an entry is for (docs.alpaca.markets/reference, `ActivityType`).
enum Type {
    Cash(CashKind),
    Split,
    Fill,
    ByHand,
    NoEffect,
}

/// The broker's other list has this entry too, and is the one that is used.
const LISTED_ELSEWHERE: Unhandled = Unhandled::NoEffect("an entry of the list that is not used");

pub(super) fn interpret_nta(body: &[u8], settings: &Settings) -> Outcome {
    if settings.is(&ENTRIES, ACTIVITIES) {
        return Err(LISTED_ELSEWHERE);
    }
    let entry: Entry<'_> = extract::fields(body)?;
    entry.interpret(entry.id, entry.entry_type, entry.entry_sub_type, settings)
}

pub(super) fn interpret_activity(body: &[u8], settings: &Settings) -> Outcome {
    if settings.is(&ENTRIES, NTA) {
        return Err(LISTED_ELSEWHERE);
    }
    let entry: Entry<'_> = extract::fields(body)?;
    entry.interpret(entry.ref_id, entry.activity_type, entry.activity_subtype, settings)
}

impl Entry<'_> {
    fn interpret(&self, id: Field<'_>, kind: Field<'_>, subtype: Field<'_>, settings: &Settings) -> Outcome {
        let kind = kind.text().unwrap_or_default();
        match Type::parse(&kind, subtype.text().as_deref()) {
            Some(Type::Cash(kind)) => self.cash(entry_id(id)?, kind, settings),
            Some(Type::Split) => self.split(entry_id(id)?),
            Some(Type::Fill) => self.fill(),
            Some(Type::ByHand) => Err(Unhandled::ByHand("an entry of this type")),
            Some(Type::NoEffect) => Err(Unhandled::NoEffect("a memo")),
            None => Err(Unhandled::UnknownType),
        }
    }

    fn cash(&self, id: ExternalId, kind: CashKind, settings: &Settings) -> Outcome {
        let at = extract::time(self.at, "at")?;
        let kind = FactKind::Cash {
            account: self.account()?,
            kind,
            amount: self.amount()?,
            status: self.status()?,
            posting_mode: posting_mode(kind, settings),
        };
        let mut facts = vec![Fact { subject: Subject::CashEntry(id.clone()), at, kind }];
        let previous = extract::id_if_present(Provider::Alpaca, self.previous_id, "previous_id")?;
        if let Some(previous) = previous.filter(|previous| *previous != id) {
            let kind = FactKind::Superseded { by: id };
            facts.push(Fact { subject: Subject::CashEntry(previous), at, kind });
        }
        Ok(Interpretation::Facts(facts))
    }

    /// A fact about shares cannot be reversed, so only an executed split that corrects nothing is interpreted.
    fn split(&self, entry: ExternalId) -> Outcome {
        let details: Details<'_> = self.details.fields();
        let symbol = if details.symbol.is_present() { details.symbol } else { self.symbol };
        let renames = details.new_symbol.is_present() && details.new_symbol.text() != symbol.text();
        let is_plain = self.status.text().as_deref() == Some("executed") && !self.previous_id.is_present();
        if renames || !is_plain {
            return Err(Unhandled::ByHand("a split that renames, corrects or is not executed"));
        }
        let change = self.change(&details)?;
        let subject = Subject::Holding { account: self.account()?, symbol: extract::symbol(symbol)? };
        Ok(Fact { subject, at: extract::time(self.at, "at")?, kind: FactKind::Split { entry, change } }
            .into())
    }

    /// How many more shares a split leaves.
    ///
    /// The broker reports one split in two entries: all old shares leave, all new ones arrive, and both name both quantities
    /// (docs.alpaca.markets/docs/activity-sse, samples of `SPLIT`). The arriving entry is the whole split here, and the leaving one
    /// has no effect. An entry of the older shape names only its own quantity: the other cannot be known from it, and is not
    /// guessed.
    fn change(&self, details: &Details<'_>) -> Result<Quantity, Unhandled> {
        const NAME: &str = "qty";
        let new = extract::number_if_present(details.new_qty, "details.new_qty")?;
        let old = extract::number_if_present(details.old_qty, "details.old_qty")?;
        let moved = extract::number_if_present(self.qty, NAME)?;
        let (Some(new), Some(old), Some(moved)) = (new, old, moved) else {
            return Err(Unhandled::ByHand("a split without its quantities before and after"));
        };
        let is_one_side =
            !new.is_zero() && !old.is_zero() && new.is_sign_negative() == old.is_sign_negative();
        if !is_one_side {
            return Err(Unhandled::ByHand("a split from nothing, to nothing or to the other side"));
        }
        let change = new.checked_sub(old).ok_or(extract::unreadable(NAME, "it is out of range"))?;
        if moved == -old {
            return Err(Unhandled::NoEffect("the leaving half of a split, which the arriving half posts"));
        }
        // In one entry, the quantity is the change itself.
        if moved != new && moved != change {
            return Err(Unhandled::ByHand("a split whose quantities contradict each other"));
        }
        Quantity::new(change).map_err(|_| extract::unreadable(NAME, "it is out of range"))
    }

    /// Fills are posted by trade events, which say what an order cost so far; a bust is interpreted here too.
    fn fill(&self) -> Outcome {
        let details: Details<'_> = self.details.fields();
        if details.execution_type.text().as_deref() != Some("trade_bust") {
            return Err(Unhandled::NoEffect("a fill among activities"));
        }
        let named = if self.previous_id.is_present() { self.previous_id } else { self.ref_id };
        let execution = extract::id(Provider::Alpaca, named, "previous_id")?;
        let subject = Subject::Holding { account: self.account()?, symbol: extract::symbol(details.symbol)? };
        Ok(Fact { subject, at: extract::time(self.at, "at")?, kind: FactKind::Bust { execution } }.into())
    }

    fn account(&self) -> Result<ExternalId, Unhandled> {
        extract::id(Provider::Alpaca, self.account_id, "account_id")
    }

    /// Positive to the account, negative from it, as the entry says.
    fn amount(&self) -> Result<domain::Money, Unhandled> {
        let currency = CurrencyFields::new(self.currency, self.swap_rate, self.swap_fee_bps).currency()?;
        let amount: Decimal = extract::number(self.net_amount, "net_amount")?;
        extract::money(amount, currency, "net_amount")
    }

    /// A correction is valid; what it corrects is superseded.
    fn status(&self) -> Result<EntryStatus, Unhandled> {
        match self.status.text().as_deref() {
            Some("executed" | "correct") => Ok(EntryStatus::Executed),
            Some("pending" | "queued") => Ok(EntryStatus::Pending),
            Some("canceled") => Ok(EntryStatus::Canceled),
            _ => Err(Unhandled::UnknownStatus("status")),
        }
    }
}

fn entry_id(field: Field<'_>) -> Result<ExternalId, Unhandled> {
    extract::id(Provider::Alpaca, field, "id or ref_id")
}

/// Deposits and withdrawals are reported by transfers too, and exactly one of the two is posted.
fn posting_mode(kind: CashKind, settings: &Settings) -> PostingMode {
    let is_reported_twice = matches!(kind, CashKind::Deposit | CashKind::Withdrawal);
    if is_reported_twice && settings.is(&CASH, TRANSFERS) { PostingMode::Memo } else { PostingMode::Post }
}

impl Type {
    fn parse(text: &str, subtype: Option<&str>) -> Option<Self> {
        Some(match text {
            "CSD" => Self::Cash(CashKind::Deposit),
            "CSW" => Self::Cash(CashKind::Withdrawal),
            "DIV" => match subtype {
                Some("DIVNRA" | "DIVWH" | "DIVTW" | "DIVFT") => Self::Cash(CashKind::Tax),
                Some("SDIV") => Self::ByHand,
                _ => Self::Cash(CashKind::Dividend),
            },
            "DIVCGL" | "DIVCGS" | "DIVROC" | "DIVTXEX" | "CGD" => Self::Cash(CashKind::Dividend),
            "DIVNRA" | "DIVWH" | "DIVTW" | "DIVFT" | "INTNRA" | "INTTW" | "WH" => Self::Cash(CashKind::Tax),
            "INT" => Self::Cash(CashKind::Interest),
            "FEE" | "DIVFEE" | "PTC" | "PTR" => Self::Cash(CashKind::Fee),
            "JNLC" => Self::Cash(CashKind::Journal),
            "SPLIT" | "SSP" | "FSPLIT" | "RSPLIT" => match subtype {
                Some("USPLIT") => Self::ByHand,
                _ => Self::Split,
            },
            "FILL" | "TRD" => Self::Fill,
            "MEM" => Self::NoEffect,
            "ACATC" | "ACATS" | "ALLOC" | "CFEE" | "CIL" | "CORR" | "CSR" | "ECEXP" | "EXTRD" | "FIMAT"
            | "FOPT" | "FXCNV" | "FXTRD" | "INVPNL" | "JNL" | "JNLS" | "MA" | "NC" | "OCT" | "OPASN"
            | "OPCA" | "OPCSH" | "OPEXC" | "OPEXP" | "OPTRD" | "REO" | "REORG" | "SC" | "SEG" | "SPIN"
            | "SPLITU" | "SSO" | "SUB" | "SWP" | "TRANS" | "VOF" | "DVF" | "DTCS" | "WRM" => Self::ByHand,
            _ => return None,
        })
    }
}
