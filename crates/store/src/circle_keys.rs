//! Public keys of Circle that have verified a delivery. They are fetched again after a restart; the stored copies are used
//! while Circle is unreachable.

use jiff::Timestamp;
use serde_json::json;

use crate::actor::Actor;
use crate::database::{Operation, Row, retry, sql};
use crate::error::Error;
use crate::store::Store;

/// Most stored keys; Circle uses a few. The key with the oldest fetch is deleted first.
pub const CIRCLE_KEYS_MAX: u32 = 64;

/// A public key of Circle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircleKey {
    /// Circle's id of the key, which deliveries name.
    pub id: String,
    /// The algorithm in Circle's notation.
    pub algorithm: String,
    /// The key in Circle's notation.
    pub public_key: String,
    /// Time of the last fetch from Circle.
    pub fetched_at: Timestamp,
}

const ALL: &str =
    "SELECT id, algorithm, public_key, fetched_at FROM circle_keys ORDER BY fetched_at DESC, id LIMIT $1";
/// Does not replace a later fetch of another server.
const SAVE: &str = "INSERT INTO circle_keys (id, algorithm, public_key, fetched_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (id) DO UPDATE SET algorithm = excluded.algorithm, public_key = excluded.public_key, \
    fetched_at = excluded.fetched_at WHERE circle_keys.fetched_at < excluded.fetched_at";
const DELETE_OLDEST: &str = "DELETE FROM circle_keys WHERE id NOT IN \
    (SELECT id FROM circle_keys ORDER BY fetched_at DESC, id LIMIT $1)";
const DELETE: &str = "DELETE FROM circle_keys WHERE id = $1";

impl Store {
    /// The stored keys, last fetched first.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn circle_keys(&self) -> Result<Vec<CircleKey>, Error> {
        self.read(Operation::Other, sql!(ALL, CIRCLE_KEYS_MAX)).await?.iter().map(circle_key).collect()
    }

    /// Stores a key that has verified a delivery, unless a later copy of it is stored.
    ///
    /// # Errors
    /// [`Error`] of the database; the key is not stored.
    pub async fn save_circle_key(
        &self,
        key: &CircleKey,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let CircleKey { id, algorithm, public_key, fetched_at } = key;
        let detail = json!({ "algorithm": algorithm, "public_key": public_key, "fetched_at": fetched_at });
        let entry = actor.entry("circle_keys.save", id, &detail, now)?;
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::Other).await?;
            let mut tx = writer.begin().await?;
            if tx.execute(sql!(SAVE, id, algorithm, public_key, *fetched_at)).await?.rows == 0 {
                return Ok(());
            }
            tx.execute(sql!(DELETE_OLDEST, CIRCLE_KEYS_MAX)).await?;
            self.commit(tx, entry.clone()).await
        })
        .await
    }

    /// Deletes a key that Circle no longer has.
    ///
    /// # Errors
    /// [`Error`] of the database; the key is still stored.
    pub async fn delete_circle_key(&self, id: &str, actor: Actor<'_>, now: Timestamp) -> Result<(), Error> {
        let entry = actor.entry("circle_keys.delete", id, &json!({}), now)?;
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::Other).await?;
            let mut tx = writer.begin().await?;
            if tx.execute(sql!(DELETE, id)).await?.rows == 0 {
                return Ok(());
            }
            self.commit(tx, entry.clone()).await
        })
        .await
    }
}

fn circle_key(row: &Row) -> Result<CircleKey, Error> {
    Ok(CircleKey {
        id: row.text("id")?,
        algorithm: row.text("algorithm")?,
        public_key: row.text("public_key")?,
        fetched_at: row.time("fetched_at")?,
    })
}
