//! Bans: networks whose requests are refused for a time, by the server or by an operator. All replicas share them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;

use crate::actor::Actor;
use crate::database::{Operation, Row, retry, sql};
use crate::error::Error;
use crate::store::Store;

/// Most bans in force; further networks are not banned.
pub const BANS_MAX: usize = 65_536;

/// Duration of a first ban. Each further one is twice as long.
const FIRST: SignedDuration = SignedDuration::from_mins(1);
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
/// Time after the end of a ban in which the next one is longer.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Doubling beyond it changes nothing.
const DOUBLINGS_MAX: u32 = 16;
/// Old rows that are removed with each new ban.
const FORGOTTEN_MAX: i64 = 100;

const SELECT: &str = "SELECT * FROM bans WHERE network = $1";
const IN_FORCE: &str = "SELECT * FROM bans WHERE banned_until > $1 ORDER BY banned_until DESC LIMIT $2";
const COUNT: &str = "SELECT COUNT(*) AS count FROM bans WHERE banned_until > $1";
const BAN: &str = "INSERT INTO bans (network, reason, times, banned_at, banned_until, banned_by) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (network) DO UPDATE SET reason = excluded.reason, \
    times = excluded.times, banned_at = excluded.banned_at, banned_until = excluded.banned_until, \
    banned_by = excluded.banned_by WHERE bans.banned_until < excluded.banned_until";
const LIFT: &str = "DELETE FROM bans WHERE network = $1";
const FORGET: &str =
    "DELETE FROM bans WHERE network IN (SELECT network FROM bans WHERE banned_until < $1 LIMIT $2)";

/// A ban.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ban {
    /// An address as a network, an IPv6 /64, or a wider network.
    pub network: IpNet,
    /// What its clients did, or what the operator wrote.
    pub reason: String,
    /// How often it was banned, each time within a week of the time before.
    pub times: u32,
    /// When.
    pub banned_at: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// The replica or the operator.
    pub banned_by: String,
}

/// A network is not banned.
#[derive(Debug, thiserror::Error)]
pub enum BanError {
    /// It contains this machine.
    #[error("{0} contains loopback addresses, which are never banned")]
    Loopback(IpNet),
    /// It contains too many addresses.
    #[error("{0} is too large: ban at most an IPv4 /8 or an IPv6 /16")]
    TooLarge(IpNet),
    /// There are too many bans.
    #[error("{BANS_MAX} networks are banned, and no more can be: remove some, or ban wider networks")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Refuses networks that are never banned.
fn check_bannable(network: &IpNet) -> Result<(), BanError> {
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let own: IpNet = IpNet::V4(ipnet::Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8));
    if loopback.iter().any(|address| network.contains(address)) || own.contains(network) {
        return Err(BanError::Loopback(*network));
    }
    let longest = if network.addr().is_ipv4() { 8 } else { 16 };
    if network.prefix_len() < longest { Err(BanError::TooLarge(*network)) } else { Ok(()) }
}

impl Store {
    /// Bans a network: for `duration`, or twice as long as the last time. A longer ban that is in force stays.
    ///
    /// # Errors
    /// [`BanError`]; nothing is changed.
    pub async fn ban(
        &self,
        network: IpNet,
        reason: &str,
        duration: Option<Duration>,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<Ban, BanError> {
        let network = network.trunc();
        check_bannable(&network)?;
        retry(|| self.try_ban(network, reason, duration, actor, now)).await?.ok_or(BanError::TooMany)
    }

    async fn try_ban(
        &self,
        network: IpNet,
        reason: &str,
        duration: Option<Duration>,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<Option<Ban>, Error> {
        let mut writer = self.shared.database.writer(Operation::Other).await?;
        let mut tx = writer.begin().await?;
        let before =
            tx.fetch_optional(sql!(SELECT, network.to_string())).await?.map(|row| ban(&row)).transpose()?;
        let before = before.filter(|ban| now.duration_since(ban.until) < REMEMBERED);
        let is_new = before.as_ref().is_none_or(|ban| ban.until <= now);
        if is_new && tx.count(sql!(COUNT, now)).await? >= BANS_MAX as u64 {
            return Ok(None);
        }
        let times = before.as_ref().map_or(0, |ban| ban.times).saturating_add(u32::from(is_new));
        let duration = match duration {
            Some(duration) => SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX),
            None => growing(times, now),
        };
        let until = now.saturating_add(duration).unwrap_or(Timestamp::MAX);
        if let Some(longer) = before.filter(|ban| ban.until >= until) {
            return Ok(Some(longer));
        }
        let banned_by = actor.name.to_owned();
        let ban = Ban { network, reason: reason.to_owned(), times, banned_at: now, until, banned_by };
        let statement =
            sql!(BAN, network.to_string(), reason, i64::from(times), now, until, ban.banned_by.as_str());
        tx.execute(statement).await?;
        let forgotten = now.saturating_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
        tx.execute(sql!(FORGET, forgotten, FORGOTTEN_MAX)).await?;
        let detail = json!({ "reason": reason, "times": times, "until": until });
        let entry = actor.entry("bans.add", &object(&network), &detail, now)?;
        self.commit(tx, entry).await?;
        Ok(Some(ban))
    }

    /// Lifts the ban of a network, and forgets it; `false` if it has none.
    ///
    /// # Errors
    /// [`Error`] of the database; nothing is changed.
    pub async fn lift_ban(&self, network: IpNet, actor: Actor<'_>, now: Timestamp) -> Result<bool, Error> {
        let network = network.trunc();
        let entry = actor.entry("bans.remove", &object(&network), &json!({}), now)?;
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::Other).await?;
            let mut tx = writer.begin().await?;
            if tx.execute(sql!(LIFT, network.to_string())).await?.rows == 0 {
                return Ok(false);
            }
            self.commit(tx, entry.clone()).await?;
            Ok(true)
        })
        .await
    }

    /// The bans in force, the longest first.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn bans(&self, now: Timestamp) -> Result<Vec<Ban>, Error> {
        let limit = i64::try_from(BANS_MAX).unwrap_or(i64::MAX);
        self.read(Operation::Other, sql!(IN_FORCE, now, limit)).await?.iter().map(ban).collect()
    }
}

/// Twice as long each time, and up to 10 % more or less, so that nobody knows the end.
fn growing(times: u32, now: Timestamp) -> SignedDuration {
    let doubled = FIRST.saturating_mul(1 << times.saturating_sub(1).min(DOUBLINGS_MAX)).min(LONGEST);
    let percent = 90 + i32::try_from(now.as_microsecond().rem_euclid(21)).unwrap_or(10);
    doubled / 100 * percent
}

fn object(network: &IpNet) -> String {
    format!("bans/{network}")
}

fn ban(row: &Row) -> Result<Ban, Error> {
    Ok(Ban {
        network: row.parsed("network")?,
        reason: row.text("reason")?,
        times: row.number("times")?,
        banned_at: row.time("banned_at")?,
        until: row.time("banned_until")?,
        banned_by: row.text("banned_by")?,
    })
}
