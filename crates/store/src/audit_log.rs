//! The audit chain as it is read: page by page, checked as a stream, and added to by whoever changes something elsewhere.

use audit::{Entry, Fault, Head, Sealed, Verified, Verifier, WrittenHead};
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::actor::Actor;
use crate::chain;
use crate::database::{Tries, values};
use crate::error::Error;
use crate::store::Store;

/// Entries that one page of the chain has, at most.
pub const AUDIT_PAGE_MAX: u32 = 1_000;

/// The audit chain could not be shown to be whole.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Something is wrong with it.
    #[error("the audit chain is damaged")]
    Damaged(#[source] Fault),
    /// It has no head.
    #[error("the audit chain has no head")]
    NoHead,
    /// It could not be read.
    #[error("read the audit chain")]
    Unread(#[from] Error),
}

impl From<Fault> for VerifyError {
    fn from(fault: Fault) -> Self {
        Self::Damaged(fault)
    }
}

impl Store {
    /// Records something that was done elsewhere: a login, a changed setting. What the store itself does it records itself.
    ///
    /// # Errors
    /// [`Error`] of the database, and when the entry is none; then nothing is recorded.
    pub async fn record(
        &self,
        actor: Actor<'_>,
        action: &str,
        object: &str,
        detail: &Json,
        now: Timestamp,
    ) -> Result<(), Error> {
        let entry = Entry::new(now, actor.name, action, object, actor.request_id, &detail.to_string())?;
        let mut tries = Tries::default();
        loop {
            match self.try_record(entry.clone()).await {
                Err(error) if tries.again(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    async fn try_record(&self, entry: Entry) -> Result<(), Error> {
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        chain::append(&mut tx, &self.shared.key, entry).await?;
        tx.commit().await
    }

    /// The head of the audit chain as it is written, not yet checked.
    ///
    /// # Errors
    /// [`Error`] of the database, and when there is none.
    pub async fn audit_head(&self) -> Result<WrittenHead, Error> {
        let mut reader = self.shared.database.reader().await?;
        chain::head(&mut reader.begin().await?).await?.ok_or(Error::NoHead)
    }

    /// Up to [`AUDIT_PAGE_MAX`] entries of the audit chain after a number, in their order, as they are written.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn audit_page(&self, after: u64) -> Result<Vec<Sealed>, Error> {
        let sql = "SELECT sequence, at_us, actor, action, object, request_id, detail, previous, key_id, hash \
                   FROM audit_entries WHERE sequence > $1 ORDER BY sequence LIMIT $2";
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let mut reader = self.shared.database.reader().await?;
        let rows = reader.begin().await?.rows(sql, values![after, AUDIT_PAGE_MAX]).await?;
        rows.iter().map(chain::sealed).collect()
    }

    /// Checks the whole audit chain up to the head that it has now, holding one page of it at a time. `progress` is told how
    /// many entries are checked and how many there are. With a witness, the chain must go through that older head.
    ///
    /// # Errors
    /// [`VerifyError`]: the first thing that is wrong.
    pub async fn verify_audit(
        &self,
        witness: Option<Head>,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<Verified, VerifyError> {
        let key = &self.shared.key;
        let head = self.audit_head_with_nothing_beyond().await?.open(key)?;
        let mut verifier = Verifier::new(key);
        if let Some(witness) = witness {
            verifier = verifier.witness(witness);
        }
        let mut checked = 0;
        while checked < head.sequence() {
            let page = self.audit_page(checked).await?;
            let Some(last) = page.last().map(|sealed| sealed.sequence.min(head.sequence())) else {
                break;
            };
            // What was added since the head was read is the next check's.
            for sealed in page.iter().filter(|sealed| sealed.sequence <= head.sequence()) {
                verifier.feed(sealed)?;
            }
            checked = last;
            progress(checked, head.sequence());
        }
        Ok(verifier.finish(&head)?)
    }

    /// The head, after a look at it and at the outermost entries in one state of the database: nothing may stand beyond
    /// it, nor before the first, where no page would show it.
    async fn audit_head_with_nothing_beyond(&self) -> Result<WrittenHead, VerifyError> {
        let mut reader = self.shared.database.reader().await?;
        let mut tx = reader.begin().await?;
        let head = chain::head(&mut tx).await?.ok_or(VerifyError::NoHead)?;
        let sql = "SELECT MIN(sequence) AS first, MAX(sequence) AS last FROM audit_entries";
        let row = tx.row(sql, values![]).await?.ok_or_else(|| Error::unreadable("last"))?;
        if row.maybe_int("first")?.is_some_and(|first| first < 1) {
            return Err(Fault::OutOfOrder { sequence: 0, expected: 1 }.into());
        }
        let last = row.maybe_int("last")?.unwrap_or_default().cast_unsigned();
        if last > head.sequence {
            return Err(Fault::BeyondHead { sequence: head.sequence + 1 }.into());
        }
        Ok(head)
    }
}
