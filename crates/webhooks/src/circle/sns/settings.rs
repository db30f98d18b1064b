//! Settings of deliveries through Amazon SNS.

use super::topic::{TOPICS_MAX, TopicArn};
use crate::settings::{Restriction, Scope, Setting, SettingKind, SettingValue};

/// Topics of SNS whose messages are accepted.
pub const TOPICS: Setting = Setting::new(
    "webhooks.circle.topics",
    "CIRCLE_SNS_TOPICS",
    SettingKind::List {
        items_max: TOPICS_MAX,
        is_item: |text| text.parse::<TopicArn>().is_ok(),
        expected: "must be topics such as arn:aws:sns:us-east-1:123456789012:name",
    },
);

/// An emulator that is used in place of Amazon's hosts.
pub const SNS_BASE_URL: Setting = Setting {
    restriction: Some(Restriction {
        scope: Scope::OutsideDevelopment,
        breaks: |value| *value != SettingValue::Text(None),
        problem: "replaces Amazon's hosts: development only",
    }),
    ..Setting::new("webhooks.circle.sns_base_url", "SNS_BASE_URL", SettingKind::BaseUrl { default: None })
};
