//! The settings of deliveries. Those of a provider are declared with the provider.

use ::webhooks::{ProviderSettings, Setting, SettingKind, SettingValue};
use secrets::Profile;

use super::parse;
use crate::reader::Reader;

settings! { read, profile: Profile =>
    /// How deliveries are verified, stored and applied.
    #[derive(Clone, Debug)]
    pub struct Webhooks {
        /// Deliveries that may wait to be stored; more get 503.
        queue_max: usize = read.get("webhooks.queue_max", "WEBHOOK_QUEUE_MAX").number(1..=1_000_000);
        /// Workers that apply events.
        workers: usize = read.get("webhooks.workers", "WEBHOOK_WORKERS").number(1..=64);
        /// The settings of each provider.
        providers: ProviderSettings = ProviderSettings::new(profile == Profile::Production, |declared| {
            provider_setting(read, declared).unwrap_or_else(|| declared.default_value())
        });
    }
}

fn provider_setting(read: &mut Reader<'_>, declared: &Setting) -> Option<SettingValue> {
    let read = read.get(declared.path, declared.variable);
    let text = |text: String| SettingValue::Text(Some(text));
    match &declared.kind {
        SettingKind::Number { range, .. } => read.optional_number(range.clone()).map(SettingValue::Number),
        SettingKind::Choice(words) => {
            read.optional(|word| parse::one_of(word, words)).map(|word| text(word.to_owned()))
        }
        SettingKind::BaseUrl { .. } => read.optional(parse::url).map(|url| text(url.to_string())),
        SettingKind::List { items_max, is_item, expected } => {
            let item =
                |text: &str| if is_item(text) { Ok(text.to_owned()) } else { Err((*expected).to_owned()) };
            Some(SettingValue::List(read.list(*items_max, item)))
        }
    }
}
