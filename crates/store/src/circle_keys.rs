//! Public keys of Circle that have proved a delivery. They are asked of Circle again after a restart; here is what they were,
//! for the time in which Circle cannot be asked.

use audit::Entry;
use jiff::Timestamp;
use serde_json::json;

use crate::actor::Actor;
use crate::chain;
use crate::database::{Row, Tries, values};
use crate::error::Error;
use crate::store::Store;

/// Most keys that are kept: Circle uses a few. The one that was fetched longest ago gives way.
pub const CIRCLE_KEYS_MAX: u32 = 64;

/// A public key of Circle, as Circle told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircleKey {
    /// Its id.
    pub id: String,
    /// What it is for, in Circle's words.
    pub algorithm: String,
    /// The key, in Circle's notation.
    pub public_key: String,
    /// When Circle told it last.
    pub fetched_at: Timestamp,
}

const ALL: &str =
    "SELECT id, algorithm, public_key, fetched_at FROM circle_keys ORDER BY fetched_at DESC, id LIMIT $1";
/// What another server has fetched since is not replaced.
const KEEP: &str = "INSERT INTO circle_keys (id, algorithm, public_key, fetched_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (id) DO UPDATE SET algorithm = excluded.algorithm, public_key = excluded.public_key, \
    fetched_at = excluded.fetched_at WHERE circle_keys.fetched_at < excluded.fetched_at";
const MAKE_ROOM: &str = "DELETE FROM circle_keys WHERE id NOT IN \
    (SELECT id FROM circle_keys ORDER BY fetched_at DESC, id LIMIT $1)";
const DROP: &str = "DELETE FROM circle_keys WHERE id = $1";

impl Store {
    /// The keys that are kept, those that were fetched last first.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn circle_keys(&self) -> Result<Vec<CircleKey>, Error> {
        let mut reader = self.shared.database.reader().await?;
        let rows = reader.begin().await?.rows(ALL, values![CIRCLE_KEYS_MAX]).await?;
        rows.iter().map(CircleKey::read).collect()
    }

    /// Keeps a key that Circle told and that has proved a delivery, as it was told last.
    ///
    /// # Errors
    /// [`Error`] of the database; then it is not kept.
    pub async fn keep_circle_key(
        &self,
        key: &CircleKey,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let CircleKey { id, algorithm, public_key, fetched_at } = key;
        let detail = json!({ "algorithm": algorithm, "public_key": public_key, "fetched_at": fetched_at });
        let entry = entry("circle_keys.keep", id, &detail, actor, now)?;
        let mut tries = Tries::default();
        loop {
            match self.try_keep_circle_key(key, entry.clone()).await {
                Err(error) if tries.again(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    /// Keeps a key no longer: Circle says that it has none of this id.
    ///
    /// # Errors
    /// [`Error`] of the database; then it is still kept.
    pub async fn drop_circle_key(&self, id: &str, actor: Actor<'_>, now: Timestamp) -> Result<(), Error> {
        let entry = entry("circle_keys.drop", id, &json!({}), actor, now)?;
        let mut tries = Tries::default();
        loop {
            match self.try_drop_circle_key(id, entry.clone()).await {
                Err(error) if tries.again(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    async fn try_keep_circle_key(&self, key: &CircleKey, entry: Entry) -> Result<(), Error> {
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        let CircleKey { id, algorithm, public_key, fetched_at } = key.clone();
        if tx.execute(KEEP, values![id, algorithm, public_key, fetched_at]).await? == 0 {
            return Ok(());
        }
        tx.execute(MAKE_ROOM, values![CIRCLE_KEYS_MAX]).await?;
        chain::append(&mut tx, &self.shared.key, entry).await?;
        tx.commit().await
    }

    async fn try_drop_circle_key(&self, id: &str, entry: Entry) -> Result<(), Error> {
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        if tx.execute(DROP, values![id]).await? == 0 {
            return Ok(());
        }
        chain::append(&mut tx, &self.shared.key, entry).await?;
        tx.commit().await
    }
}

impl CircleKey {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.text("id")?,
            algorithm: row.text("algorithm")?,
            public_key: row.text("public_key")?,
            fetched_at: row.time("fetched_at")?,
        })
    }
}

fn entry(
    action: &str,
    id: &str,
    detail: &serde_json::Value,
    actor: Actor<'_>,
    now: Timestamp,
) -> Result<Entry, Error> {
    Ok(Entry::new(now, actor.name, action, id, actor.request_id, &detail.to_string())?)
}
