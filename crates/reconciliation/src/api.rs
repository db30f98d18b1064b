//! The API of each provider, with the settings and secrets of the server.

use std::collections::BTreeSet;
use std::sync::Arc;

use config::{Config, Credentials};
use domain::{ExternalId, Provider, StatementKind};
use jiff::{SignedDuration, Timestamp};
use outbound::{BaseUrl, Proxy};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrets::SecretHandle;
use webhooks::{ProviderSettings, Setting, bridge, circle};

use crate::client::Client;
pub use crate::client::KeySource;
use crate::collector::Collector;
use crate::error::Error;
use crate::matching::{MARGIN, Statement};

/// What changes within a period was created at most this long before it, or is missing there. Bridge and Circle find objects
/// by the time of their creation.
pub const LEAD: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A provider whose statements can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vendor {
    Alpaca,
    Bridge,
    Circle,
}

/// The vendors, and the secrets of their API keys. What another provider reports is not reconciled.
const VENDORS: [(Provider, Vendor, &[&str]); 3] = [
    (Provider::Alpaca, Vendor::Alpaca, &["alpaca_api_key", "alpaca_api_secret"]),
    (Provider::Bridge, Vendor::Bridge, &["bridge_api_key"]),
    (Provider::Circle, Vendor::Circle, &["circle_api_key"]),
];

/// The API of a provider. Clones share connections.
#[derive(Clone)]
pub struct Api {
    provider: Provider,
    vendor: Vendor,
    client: Client,
    settings: ProviderSettings,
}

impl Api {
    /// The API of a provider; `None` if its API key is not set, or its statements cannot be read.
    ///
    /// # Errors
    /// [`Error::BaseUrl`] or [`Error::Client`].
    pub fn new(
        provider: Provider,
        config: &Config,
        credentials: &Credentials,
    ) -> Result<Option<Self>, Error> {
        let Some((_, vendor, names)) = find(provider) else { return Ok(None) };
        let handles = names.iter().map(|name| credentials.handle(name, "reconciliation"));
        let Ok(handles) = handles.collect::<Result<Vec<_>, _>>() else { return Ok(None) };
        if !handles.iter().all(|handle| matches!(handle.load_optional(), Ok(Some(_)))) {
            return Ok(None);
        }
        let settings = &config.webhooks.providers;
        let of_setting = |setting: &Setting| {
            let url = settings.provider(provider).url(setting).and_then(|url| url.parse().ok());
            url.ok_or(Error::BaseUrl(provider))
        };
        let base_url: BaseUrl = match vendor {
            Vendor::Alpaca => config.alpaca_events.base_url.clone(),
            Vendor::Bridge => of_setting(&bridge::BASE_URL)?,
            Vendor::Circle => of_setting(&circle::BASE_URL)?,
        };
        let key = Arc::new(move || header_value(vendor, &handles));
        Self::connect(provider, base_url, &config.proxy, key, settings.clone()).map(Some)
    }

    /// The API at this base URL, with the header that `key` loads for each request.
    ///
    /// # Errors
    /// [`Error::Client`] or [`Error::NoStatements`].
    pub fn connect(
        provider: Provider,
        base_url: BaseUrl,
        proxy: &Proxy,
        key: KeySource,
        settings: ProviderSettings,
    ) -> Result<Self, Error> {
        let (_, vendor, _) = find(provider).ok_or(Error::NoStatements(provider))?;
        let header = match vendor {
            Vendor::Alpaca | Vendor::Circle => AUTHORIZATION,
            Vendor::Bridge => HeaderName::from_static("api-key"),
        };
        Ok(Self { provider, vendor, client: Client::new(base_url, proxy, header, key)?, settings })
    }

    /// The provider.
    #[must_use]
    pub const fn provider(&self) -> Provider {
        self.provider
    }

    /// The statement of everything that was changed within a time, and of the positions. `accounts` are those whose transfers
    /// are read at Alpaca.
    pub(crate) async fn statement(
        &self,
        (start, end): (Timestamp, Timestamp),
        accounts: &[ExternalId],
    ) -> Result<Statement, Error> {
        let (client, mut collector) = (&self.client, Collector::new(self.provider, &self.settings));
        let first = start.saturating_sub(LEAD).unwrap_or(Timestamp::MIN);
        let (mut kinds, mut as_of, mut covers) = (BTreeSet::new(), start, (first, end));
        match self.vendor {
            Vendor::Alpaca => {
                kinds.extend([StatementKind::CashEntry, StatementKind::Execution]);
                covers = (start, end);
                crate::alpaca::read_activities(client, covers, &mut collector).await?;
                if posts_transfers(&self.settings) {
                    kinds.insert(StatementKind::Transfer);
                    crate::alpaca::read_transfers(client, accounts, &mut collector).await?;
                }
                let positions = crate::alpaca::read_positions(client, &mut collector).await;
                if let Some(end) = collector.unless_unavailable(StatementKind::Position, positions)? {
                    as_of = end;
                    kinds.insert(StatementKind::Position);
                }
            }
            Vendor::Bridge => {
                kinds.insert(StatementKind::Transfer);
                crate::bridge::read(client, first, &mut collector).await?;
            }
            Vendor::Circle => {
                kinds.insert(StatementKind::Transfer);
                crate::circle::read(client, covers, &mut collector).await?;
            }
        }
        Ok(Statement { kinds, covers, as_of, ..collector.finish() })
    }

    /// Whether transfers of this provider are in its statement, account by account.
    pub(crate) fn has_transfers_by_account(&self) -> bool {
        self.vendor == Vendor::Alpaca && posts_transfers(&self.settings)
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Api").field("provider", &self.provider).finish_non_exhaustive()
    }
}

/// Transfers at Alpaca are entries too; only where transfers are posted are they compared.
fn posts_transfers(settings: &ProviderSettings) -> bool {
    settings.provider(Provider::Alpaca).is(&webhooks::alpaca::CASH, webhooks::alpaca::TRANSFERS)
}

/// The secrets of the API key of a provider; none if its statements cannot be read.
#[must_use]
pub fn secret_names(provider: Provider) -> &'static [&'static str] {
    find(provider).map_or(&[], |(_, _, names)| names)
}

fn find(provider: Provider) -> Option<(Provider, Vendor, &'static [&'static str])> {
    VENDORS.into_iter().find(|(of, ..)| *of == provider)
}

fn header_value(vendor: Vendor, handles: &[SecretHandle]) -> Option<HeaderValue> {
    let sets = handles.iter().map(|handle| handle.load().ok()).collect::<Option<Vec<_>>>()?;
    let texts = sets.iter().map(|set| set.value().expose_text()).collect::<Option<Vec<_>>>()?;
    let mut value = match (vendor, texts.as_slice()) {
        (Vendor::Alpaca, [id, secret]) => alpaca::basic(id, secret)?,
        (Vendor::Bridge, [key]) => HeaderValue::from_str(key).ok()?,
        (Vendor::Circle, [key]) => HeaderValue::from_str(&format!("Bearer {key}")).ok()?,
        _ => return None,
    };
    value.set_sensitive(true);
    Some(value)
}

/// The time for which a statement is read, so that a line of one side finds its equal on the other: a margin on both sides.
pub(crate) fn widened((from, to): (Timestamp, Timestamp)) -> (Timestamp, Timestamp) {
    let margin = MARGIN + MARGIN;
    (
        from.saturating_sub(margin).unwrap_or(Timestamp::MIN),
        to.saturating_add(margin).unwrap_or(Timestamp::MAX),
    )
}
