//! The audit chain: reads it page by page, verifies it as a stream, and records actions outside of the store.

use audit::{ChainError, Head, SealedEntry, StoredHead, VerifiedChain, Verifier};
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::actor::Actor;
use crate::chain;
use crate::database::{Operation, Transaction, retry, sql};
use crate::error::Error;
use crate::store::Store;

/// Most entries of one page.
pub const AUDIT_PAGE_MAX: u32 = 1_000;

/// The audit chain could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The chain was changed.
    #[error("audit chain is damaged")]
    Damaged(#[source] ChainError),
    /// The configured keys lack one, so that nothing is known of the chain.
    #[error("audit chain cannot be verified")]
    KeyMissing(#[source] ChainError),
    /// The chain was deleted.
    #[error("audit chain has no head")]
    NoHead,
    /// The chain could not be read.
    #[error("reading the audit chain failed")]
    Unread(#[from] Error),
}

impl From<ChainError> for VerifyError {
    fn from(fault: ChainError) -> Self {
        match fault {
            ChainError::UnknownKey { .. } => Self::KeyMissing(fault),
            fault => Self::Damaged(fault),
        }
    }
}

impl Store {
    /// Records an action outside of the store, such as a login or a changed setting.
    ///
    /// # Errors
    /// [`Error`] of the database or of the entry; nothing is recorded.
    pub async fn record_audit(
        &self,
        actor: Actor<'_>,
        action: &str,
        object: &str,
        detail: &Json,
        now: Timestamp,
    ) -> Result<(), Error> {
        let entry = actor.entry(action, object, detail, now)?;
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::Audit).await?;
            self.commit(writer.begin().await?, entry.clone()).await
        })
        .await
    }

    /// The stored head of the audit chain, not verified.
    ///
    /// # Errors
    /// [`Error`] of the database, and [`Error::NoHead`].
    pub async fn audit_head(&self) -> Result<StoredHead, Error> {
        let mut reader = self.shared.database.reader(Operation::Audit).await?;
        chain::head(&mut reader.begin().await?).await?.ok_or(Error::NoHead)
    }

    /// Up to [`AUDIT_PAGE_MAX`] stored entries of the audit chain after a number, in order, not verified.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn audit_page(&self, after: u64) -> Result<Vec<SealedEntry>, Error> {
        let mut reader = self.shared.database.reader(Operation::Audit).await?;
        page(&mut reader.begin().await?, after).await
    }

    /// Verifies the audit chain up to its present head, one page at a time. Calls `progress` with the number of verified
    /// entries and of all entries. With a checkpoint (an older head), the chain must contain it.
    ///
    /// # Errors
    /// [`VerifyError`] with the first fault.
    pub async fn verify_audit(
        &self,
        checkpoint: Option<Head>,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<VerifiedChain, VerifyError> {
        let key = &*self.shared.key.load();
        let mut reader = self.shared.database.reader(Operation::Audit).await?;
        let head = outermost_head(&mut reader.begin().await?).await?.verify(key)?;
        drop(reader);
        let mut verifier = Verifier::new(key);
        if let Some(checkpoint) = checkpoint {
            verifier = verifier.with_checkpoint(checkpoint);
        }
        let mut verified = 0;
        while verified < head.sequence() {
            let page = self.audit_page(verified).await?;
            let Some(last) = page.last().map(|sealed| sealed.sequence.min(head.sequence())) else {
                break;
            };
            // Entries after the head are left to the next verification.
            for sealed in page.iter().filter(|sealed| sealed.sequence <= head.sequence()) {
                verifier.feed(sealed)?;
            }
            verified = last;
            progress(verified, head.sequence());
        }
        Ok(verifier.finish(&head)?)
    }
}

/// Up to [`AUDIT_PAGE_MAX`] stored entries after a number, in order, not verified.
pub(crate) async fn page(tx: &mut Transaction<'_>, after: u64) -> Result<Vec<SealedEntry>, Error> {
    let page = "SELECT sequence, at_us, actor, action, object, request_id, detail, previous, key_id, hash \
                FROM audit_entries WHERE sequence > $1 ORDER BY sequence LIMIT $2";
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    tx.fetch_all(sql!(page, after, AUDIT_PAGE_MAX)).await?.iter().map(chain::entry).collect()
}

/// The head, checked against the first and last entry in one state of the database: entries outside of this range would
/// not be on any page.
pub(crate) async fn outermost_head(tx: &mut Transaction<'_>) -> Result<StoredHead, VerifyError> {
    let head = chain::head(tx).await?.ok_or(VerifyError::NoHead)?;
    let bounds = "SELECT MIN(sequence) AS first, MAX(sequence) AS last FROM audit_entries";
    let row = tx.fetch_optional(sql!(bounds)).await?.ok_or(Error::from(sqlx::Error::RowNotFound))?;
    if row.optional_int("first")?.is_some_and(|first| first < 1) {
        return Err(ChainError::OutOfOrder { sequence: 0, expected: 1 }.into());
    }
    let last = row.optional_int("last")?.unwrap_or_default().cast_unsigned();
    if last > head.sequence {
        return Err(ChainError::BeyondHead { sequence: head.sequence + 1 }.into());
    }
    Ok(head)
}
