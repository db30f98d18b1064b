//! Settings of providers: what is declared of each, and the values that an operator gave.

use std::ops::RangeInclusive;

/// Days for which bodies are kept when nothing is set, and most that can be set.
const RETENTION_DAYS: u32 = 365;
const RETENTION_DAYS_MAX: u32 = 3660;

/// A setting of a provider, with its path in the configuration files and the variable that overrides it.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Path in the configuration files.
    pub path: &'static str,
    /// Environment variable that overrides the files.
    pub variable: &'static str,
    /// What values it has, and which is the default.
    pub kind: SettingKind,
    /// What a profile does not allow.
    pub restriction: Option<Restriction>,
}

/// What values a setting has, and which is the default.
#[derive(Clone, Debug)]
pub enum SettingKind {
    /// A whole number.
    Number {
        /// Allowed values.
        range: RangeInclusive<u32>,
        /// The value when nothing is set.
        default: u32,
    },
    /// One of these words; the first is the default.
    Choice(&'static [&'static str]),
    /// An `https` URL, or `http` to a loopback address.
    BaseUrl {
        /// The value when nothing is set.
        default: Option<&'static str>,
    },
    /// A list, empty by default.
    List {
        /// Most items.
        items_max: usize,
        /// Whether a text is an item.
        is_item: fn(&str) -> bool,
        /// Says what items are, when one is not.
        expected: &'static str,
    },
}

/// A value that some profiles do not allow.
#[derive(Clone, Copy, Debug)]
pub struct Restriction {
    /// Where it applies.
    pub scope: Scope,
    /// Whether a value breaks it.
    pub breaks: fn(&SettingValue) -> bool,
    /// What must hold, and why.
    pub problem: &'static str,
}

/// In which profiles a restriction applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In every profile but development.
    OutsideDevelopment,
    /// In production.
    Production,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingValue {
    /// Of [`SettingKind::Number`].
    Number(u32),
    /// Of [`SettingKind::Choice`] and [`SettingKind::BaseUrl`]; `None` when it is unset.
    Text(Option<String>),
    /// Of [`SettingKind::List`].
    List(Vec<String>),
}

/// The values of one provider's settings.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    values: Vec<(&'static str, SettingValue)>,
    is_production: bool,
}

impl Setting {
    pub(crate) const fn new(path: &'static str, variable: &'static str, kind: SettingKind) -> Self {
        Self { path, variable, kind, restriction: None }
    }

    /// A whole number.
    pub(crate) const fn number(
        path: &'static str,
        variable: &'static str,
        range: RangeInclusive<u32>,
        default: u32,
    ) -> Self {
        Self::new(path, variable, SettingKind::Number { range, default })
    }

    /// One of these words; the first is the default.
    pub(crate) const fn choice(
        path: &'static str,
        variable: &'static str,
        words: &'static [&'static str],
    ) -> Self {
        Self::new(path, variable, SettingKind::Choice(words))
    }

    /// Days for which bodies are kept: a year by default.
    pub(crate) const fn retention_days(path: &'static str, variable: &'static str) -> Self {
        Self::number(path, variable, 1..=RETENTION_DAYS_MAX, RETENTION_DAYS)
    }

    /// The value when nothing is set.
    #[must_use]
    pub fn default_value(&self) -> SettingValue {
        match &self.kind {
            SettingKind::Number { default, .. } => SettingValue::Number(*default),
            SettingKind::Choice(words) => SettingValue::Text(words.first().map(ToString::to_string)),
            SettingKind::BaseUrl { default } => SettingValue::Text(default.map(str::to_owned)),
            SettingKind::List { .. } => SettingValue::List(Vec::new()),
        }
    }
}

impl Settings {
    /// The values that `value` gives for these settings.
    pub(crate) fn new<'s>(
        settings: impl Iterator<Item = &'s Setting>,
        is_production: bool,
        mut value: impl FnMut(&Setting) -> SettingValue,
    ) -> Self {
        Self { values: settings.map(|setting| (setting.path, value(setting))).collect(), is_production }
    }

    pub(crate) fn set(&mut self, path: &str, value: &SettingValue) {
        for (_, slot) in self.values.iter_mut().filter(|(known, _)| *known == path) {
            slot.clone_from(value);
        }
    }

    pub(crate) fn is_production(&self) -> bool {
        self.is_production
    }

    /// The value of a number.
    #[must_use]
    pub fn number(&self, setting: &Setting) -> u32 {
        match (self.value(setting), &setting.kind) {
            (Some(SettingValue::Number(number)), _) => *number,
            (_, SettingKind::Number { default, .. }) => *default,
            _ => 0,
        }
    }

    /// Whether a choice has this value.
    #[must_use]
    pub fn is(&self, setting: &Setting, word: &str) -> bool {
        match (self.value(setting), &setting.kind) {
            (Some(SettingValue::Text(text)), _) => text.as_deref() == Some(word),
            (_, SettingKind::Choice(words)) => words.first() == Some(&word),
            _ => false,
        }
    }

    /// The value of a URL.
    #[must_use]
    pub fn url(&self, setting: &Setting) -> Option<&str> {
        match (self.value(setting), &setting.kind) {
            (Some(SettingValue::Text(text)), _) => text.as_deref(),
            (_, SettingKind::BaseUrl { default }) => *default,
            _ => None,
        }
    }

    /// The items of a list.
    #[must_use]
    pub fn list(&self, setting: &Setting) -> &[String] {
        match self.value(setting) {
            Some(SettingValue::List(items)) => items,
            _ => &[],
        }
    }

    /// The value of a setting of this provider.
    #[must_use]
    pub fn value(&self, setting: &Setting) -> Option<&SettingValue> {
        self.values.iter().find(|(path, _)| *path == setting.path).map(|(_, value)| value)
    }
}
