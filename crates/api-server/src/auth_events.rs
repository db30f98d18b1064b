//! Failed authentications, refused uses and first uses of keys, reads of books and of what is everybody's, for the audit chain:
//! counted in memory, and written once a minute, so that no request waits for the database and no client fills it.

use std::collections::HashMap;
use std::fmt;
use std::mem::discriminant;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use config::api_keys::Label;
use jiff::Timestamp;
use rate_limit::Network;
use serde_json::json;
use store::{Actor, Store};
use telemetry::Clock;

/// Time between two writes.
const PERIOD: Duration = Duration::from_secs(60);
/// Events of one kind in one period with an entry of their own; the others share one entry.
const ENTRIES_MAX: usize = 20;

/// What is counted, and of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AuthEvent {
    /// An invalid key came from this network.
    Rejected(Option<Network>),
    /// This key does not have the required scope.
    Forbidden(Option<Label>),
    /// This key was used after it had expired.
    Expired(Option<Label>),
    /// This key was used from an address that its networks do not have.
    AddressRefused(Option<Label>),
    /// This key was not used since the start.
    FirstUse(Option<Label>),
    /// This key read books.
    BooksRead(Option<Label>),
    /// This key read what is everybody's, such as events and reviews.
    AdminRead(Option<Label>),
}

impl AuthEvent {
    fn action(self) -> &'static str {
        match self {
            Self::Rejected(_) => "auth.reject",
            Self::Forbidden(_) => "auth.forbid",
            Self::FirstUse(_) => "auth.first_use",
            Self::BooksRead(_) => "books.read",
            Self::Expired(_) => "auth.expired",
            Self::AddressRefused(_) => "auth.address",
            Self::AdminRead(_) => "admin.read",
        }
    }

    /// The event of all subjects that have no entry of their own.
    fn of_others(self) -> Self {
        match self {
            Self::Rejected(_) => Self::Rejected(None),
            Self::Forbidden(_) => Self::Forbidden(None),
            Self::FirstUse(_) => Self::FirstUse(None),
            Self::BooksRead(_) => Self::BooksRead(None),
            Self::Expired(_) => Self::Expired(None),
            Self::AddressRefused(_) => Self::AddressRefused(None),
            Self::AdminRead(_) => Self::AdminRead(None),
        }
    }
}

/// The actor of an entry.
impl fmt::Display for AuthEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(Some(network)) => write!(formatter, "network:{network}"),
            Self::Rejected(None) => formatter.write_str("others"),
            Self::Forbidden(key)
            | Self::Expired(key)
            | Self::AddressRefused(key)
            | Self::FirstUse(key)
            | Self::BooksRead(key)
            | Self::AdminRead(key) => match key {
                Some(key) => write!(formatter, "key:{key}"),
                None => formatter.write_str("others"),
            },
        }
    }
}

/// The events that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct AuthEvents {
    counts: Mutex<HashMap<AuthEvent, u64>>,
}

impl AuthEvents {
    pub(crate) fn record(&self, event: AuthEvent) {
        let mut counts = self.counts();
        // For each kind, so that one who sends wrong keys hides no use of a key.
        let kind = discriminant(&event);
        let of_kind = || counts.keys().filter(|other| discriminant(*other) == kind).count();
        let has_entry = counts.contains_key(&event) || of_kind() < ENTRIES_MAX;
        let event = if has_entry { event } else { event.of_others() };
        *counts.entry(event).or_default() += 1;
    }

    /// Writes once a minute; never returns.
    pub(crate) async fn run(&self, store: &Store, clock: Clock) {
        loop {
            tokio::time::sleep(PERIOD).await;
            self.flush(store, clock.now()).await;
        }
    }

    /// Writes what was counted. What cannot be written is kept for the next time.
    pub(crate) async fn flush(&self, store: &Store, now: Timestamp) {
        // Copied, so that nothing is lost if this is cancelled.
        let counts: Vec<_> = self.counts().iter().map(|(event, count)| (*event, *count)).collect();
        for (event, count) in counts {
            let (actor, detail) = (event.to_string(), json!({ "count": count }));
            let actor = Actor::named(&actor);
            if let Err(error) = store.record_audit(actor, event.action(), "api_keys", &detail, now).await {
                tracing::warn!(%error, "auditing authentication failed");
                return;
            }
            self.subtract(event, count);
        }
    }

    fn subtract(&self, event: AuthEvent, written: u64) {
        let mut counts = self.counts();
        if let Some(count) = counts.get_mut(&event) {
            *count -= written;
            if *count == 0 {
                counts.remove(&event);
            }
        }
    }

    /// How often this happened since the last write.
    #[cfg(test)]
    pub(crate) fn count(&self, event: AuthEvent) -> u64 {
        self.counts().get(&event).copied().unwrap_or_default()
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<AuthEvent, u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    async fn store(directory: &std::path::Path) -> Store {
        let url = format!("sqlite:{}", directory.join("test.db").display()).parse().unwrap();
        let key = audit::Key::new(&[7; 32]).unwrap();
        Store::open(store::StoreConfig::new(url), key, Clock::System.now()).await.unwrap()
    }

    fn rejected(address: &str) -> AuthEvent {
        AuthEvent::Rejected(Some(address.parse::<IpAddr>().unwrap().into()))
    }

    #[tokio::test]
    async fn events_of_a_minute_are_one_entry_for_each_subject() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path()).await;
        let events = AuthEvents::default();
        let key = Label::from_key("k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1");
        for event in [rejected("192.0.2.1"), rejected("192.0.2.1"), rejected("2001:db8::7")] {
            events.record(event);
        }
        events.record(AuthEvent::FirstUse(Some(key)));
        events.record(AuthEvent::Forbidden(Some(key)));
        events.record(AuthEvent::BooksRead(Some(key)));
        events.record(AuthEvent::BooksRead(Some(key)));
        events.flush(&store, Clock::System.now()).await;
        events.flush(&store, Clock::System.now()).await;
        let entries = store.audit_page(0).await.unwrap();
        let mut found: Vec<_> = entries
            .iter()
            .map(|sealed| {
                format!("{} {} {}", sealed.entry.actor(), sealed.entry.action(), sealed.entry.detail())
            })
            .collect();
        found.sort();
        let label = key.to_string();
        assert_eq!(
            found,
            [
                format!("key:{label} auth.first_use {{\"count\":1}}"),
                format!("key:{label} auth.forbid {{\"count\":1}}"),
                format!("key:{label} books.read {{\"count\":2}}"),
                "network:192.0.2.1 auth.reject {\"count\":2}".to_owned(),
                "network:2001:db8::/64 auth.reject {\"count\":1}".to_owned(),
            ]
        );
    }

    #[tokio::test]
    async fn many_clients_add_a_bounded_number_of_entries_and_none_is_lost() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path()).await;
        let events = AuthEvents::default();
        for host in 0..1000_u16 {
            let [high, low] = host.to_be_bytes();
            events.record(rejected(&format!("10.0.{high}.{low}")));
            events.record(AuthEvent::Forbidden(Some(Label::from_key(&host.to_string()))));
        }
        events.flush(&store, Clock::System.now()).await;
        let entries = store.audit_page(0).await.unwrap();
        assert_eq!(entries.len(), 2 * (ENTRIES_MAX + 1));
        let count = |sealed: &audit::SealedEntry| {
            serde_json::from_str::<serde_json::Value>(sealed.entry.detail()).unwrap()["count"]
                .as_u64()
                .unwrap()
        };
        assert_eq!(entries.iter().map(count).sum::<u64>(), 2000);
    }

    #[tokio::test]
    async fn events_wait_for_a_database_that_is_down() {
        let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let closed = store(directory.path()).await;
        closed.close().await;
        let events = AuthEvents::default();
        events.record(rejected("192.0.2.1"));
        events.flush(&closed, Clock::System.now()).await;
        let store = store(other.path()).await;
        events.flush(&store, Clock::System.now()).await;
        assert_eq!(store.audit_page(0).await.unwrap().len(), 1);
    }
}
