//! The settings of deliveries. Those of a provider are declared with the provider.

use ::webhooks::{ProviderSettings, SettingKind, SettingValue};
use secrets::Profile;

use super::parse;
use crate::reader::Reader;
use crate::setting::setting;

/// How deliveries are verified, stored and applied.
#[derive(Clone, Debug)]
pub struct Webhooks {
    /// Deliveries that wait to be stored; more get 503.
    pub queue_max: usize,
    /// Workers that apply events.
    pub workers: usize,
    /// The settings of each provider.
    pub providers: ProviderSettings,
}

pub(super) fn load(read: &mut Reader<'_>, profile: Profile) -> Webhooks {
    Webhooks {
        queue_max: read.number(setting("webhooks.queue_max", "WEBHOOK_QUEUE_MAX"), 1..=1_000_000),
        workers: read.number(setting("webhooks.workers", "WEBHOOK_WORKERS"), 1..=64),
        providers: ProviderSettings::new(profile == Profile::Production, |declared| {
            provider_setting(read, declared).unwrap_or_else(|| declared.default_value())
        }),
    }
}

fn provider_setting(read: &mut Reader<'_>, declared: &::webhooks::Setting) -> Option<SettingValue> {
    let setting = setting(declared.path, declared.variable);
    match &declared.kind {
        SettingKind::Number { range, .. } => {
            read.optional_number(setting, range.clone()).map(SettingValue::Number)
        }
        SettingKind::Choice(words) => {
            let word = read.optional(setting, |text| parse::one_of(text, words).map(str::to_owned));
            word.map(|word| SettingValue::Text(Some(word)))
        }
        SettingKind::BaseUrl { .. } => {
            read.optional(setting, parse::url).map(|url| SettingValue::Text(Some(url.to_string())))
        }
        SettingKind::List { items_max, is_item, expected } => {
            let item =
                |text: &str| if is_item(text) { Ok(text.to_owned()) } else { Err((*expected).to_owned()) };
            Some(SettingValue::List(read.list(setting, *items_max, item)))
        }
    }
}
