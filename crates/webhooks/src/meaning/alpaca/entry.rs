//! Entries of the broker's book that are no trades, in both shapes that the broker gives them.

use domain::{Booking, CashKind, Currency, ExternalId, Fact, Provider, Quantity, Standing, Subject, What};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::content::Field;
use crate::meaning::{AlpacaCash, AlpacaEntries, Meaning, Read, Reading, Unhandled, reader};

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

/// Told by the other of the broker's two books too, which is the one that is read.
const TOLD_ELSEWHERE: Unhandled = Unhandled::NoEffect("an entry of the broker's other book");

pub(super) fn read_nta(body: &[u8], reading: &Reading) -> Read {
    if reading.alpaca_entries == AlpacaEntries::Activities {
        return Err(TOLD_ELSEWHERE);
    }
    let entry: Entry<'_> = reader::fields(body)?;
    entry.read(entry.id, entry.entry_type, entry.entry_sub_type, reading)
}

pub(super) fn read_activity(body: &[u8], reading: &Reading) -> Read {
    if reading.alpaca_entries == AlpacaEntries::Nta {
        return Err(TOLD_ELSEWHERE);
    }
    let entry: Entry<'_> = reader::fields(body)?;
    entry.read(entry.ref_id, entry.activity_type, entry.activity_subtype, reading)
}

impl Entry<'_> {
    fn read(&self, id: Field<'_>, kind: Field<'_>, subtype: Field<'_>, reading: &Reading) -> Read {
        let kind = kind.text().unwrap_or_default();
        match Type::parse(&kind, subtype.text().as_deref()) {
            Some(Type::Cash(kind)) => self.cash(entry_id(id)?, kind, reading),
            Some(Type::Split) => self.split(entry_id(id)?),
            Some(Type::Fill) => self.fill(),
            Some(Type::ByHand) => Err(Unhandled::ByHand("an entry of this type")),
            Some(Type::NoEffect) => Err(Unhandled::NoEffect("a memo")),
            None => Err(Unhandled::UnknownType),
        }
    }

    fn cash(&self, id: ExternalId, kind: CashKind, reading: &Reading) -> Read {
        let at = reader::time(self.at, "at")?;
        let what = What::Cash {
            account: self.account()?,
            kind,
            amount: self.amount()?,
            standing: self.standing()?,
            booking: booking(kind, reading),
        };
        let mut facts = vec![Fact { subject: Subject::CashEntry(id.clone()), at, what }];
        let previous = reader::id_if_there(Provider::Alpaca, self.previous_id, "previous_id")?;
        if let Some(previous) = previous.filter(|previous| *previous != id) {
            let what = What::Superseded { by: id };
            facts.push(Fact { subject: Subject::CashEntry(previous), at, what });
        }
        Ok(Meaning::Facts(facts))
    }

    /// A fact about shares has no way to be taken back, so only a split that simply holds is read.
    fn split(&self, entry: ExternalId) -> Read {
        let details: Details<'_> = self.details.fields();
        let symbol = if details.symbol.is_there() { details.symbol } else { self.symbol };
        let renames = details.new_symbol.is_there() && details.new_symbol.text() != symbol.text();
        let is_plain = self.status.text().as_deref() == Some("executed") && !self.previous_id.is_there();
        if renames || !is_plain {
            return Err(Unhandled::ByHand("a split that renames, corrects or is not executed"));
        }
        let change = self.change(&details)?;
        let subject = Subject::Holding { account: self.account()?, symbol: reader::symbol(symbol)? };
        Ok(Fact { subject, at: reader::time(self.at, "at")?, what: What::Split { entry, change } }.into())
    }

    /// How many more shares a split leaves.
    ///
    /// The broker tells of one split in two entries: all old shares go, all new ones come, and both name both quantities
    /// (docs.alpaca.markets/docs/activity-sse, samples of `SPLIT`). The one that comes tells of the whole split here, so
    /// that the other has nothing more to tell. An entry of the older shape names its own quantity alone: what the other
    /// was cannot be known from it, and is not guessed.
    fn change(&self, details: &Details<'_>) -> Result<Quantity, Unhandled> {
        const NAME: &str = "qty";
        let new = reader::number_if_there(details.new_qty, "details.new_qty")?;
        let old = reader::number_if_there(details.old_qty, "details.old_qty")?;
        let moved = reader::number_if_there(self.qty, NAME)?;
        let (Some(new), Some(old), Some(moved)) = (new, old, moved) else {
            return Err(Unhandled::ByHand("a split that does not name its shares before and after"));
        };
        if new <= Decimal::ZERO || old <= Decimal::ZERO {
            return Err(Unhandled::ByHand("a split from nothing or to nothing"));
        }
        let change = new.checked_sub(old).ok_or(reader::unreadable(NAME, "it is out of range"))?;
        if moved == -old {
            return Err(Unhandled::NoEffect(
                "the leaving half of a split, which the coming half tells whole",
            ));
        }
        // Told in one entry, its quantity is the change itself.
        if moved != new && moved != change {
            return Err(Unhandled::ByHand("a split whose quantities contradict each other"));
        }
        Quantity::new(change).map_err(|_| reader::unreadable(NAME, "it is out of range"))
    }

    /// Fills are told, and booked, by events of trades, which say what an order cost so far; a bust is told here too.
    fn fill(&self) -> Read {
        let details: Details<'_> = self.details.fields();
        if details.execution_type.text().as_deref() != Some("trade_bust") {
            return Err(Unhandled::NoEffect("a fill among activities"));
        }
        let named = if self.previous_id.is_there() { self.previous_id } else { self.ref_id };
        let execution = reader::id(Provider::Alpaca, named, "previous_id")?;
        let subject = Subject::Holding { account: self.account()?, symbol: reader::symbol(details.symbol)? };
        Ok(Fact { subject, at: reader::time(self.at, "at")?, what: What::Bust { execution } }.into())
    }

    fn account(&self) -> Result<ExternalId, Unhandled> {
        reader::id(Provider::Alpaca, self.account_id, "account_id")
    }

    /// Positive to the account, negative from it, as the entry says.
    fn amount(&self) -> Result<domain::Money, Unhandled> {
        let currency =
            if self.currency.is_there() { reader::currency(self.currency)? } else { Currency::Usd };
        let amount: Decimal = reader::number(self.net_amount, "net_amount")?;
        reader::money(amount, currency, "net_amount")
    }

    /// A correction holds; what it corrects does not any more.
    fn standing(&self) -> Result<Standing, Unhandled> {
        match self.status.text().as_deref() {
            Some("executed" | "correct") => Ok(Standing::Executed),
            Some("pending" | "queued") => Ok(Standing::Pending),
            Some("canceled") => Ok(Standing::Canceled),
            _ => Err(Unhandled::UnknownStatus("status")),
        }
    }
}

fn entry_id(field: Field<'_>) -> Result<ExternalId, Unhandled> {
    reader::id(Provider::Alpaca, field, "id or ref_id")
}

/// Deposits and withdrawals are told by transfers too, and exactly one of the two moves the books.
fn booking(kind: CashKind, reading: &Reading) -> Booking {
    let is_told_twice = matches!(kind, CashKind::Deposit | CashKind::Withdrawal);
    match reading.alpaca_cash {
        AlpacaCash::Transfers if is_told_twice => Booking::Memo,
        AlpacaCash::Transfers | AlpacaCash::Activities => Booking::Books,
    }
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
