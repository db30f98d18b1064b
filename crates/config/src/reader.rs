//! Typed values from files and environment. Reading continues after an error, so that all are reported at once.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use secrets::Environment;

use crate::error::Error;
use crate::file::{Files, RawValue};
use crate::setting::Setting;

/// Reads settings, and records which were read.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    files: &'a Files,
    environment: &'a Environment,
    settings: Vec<Setting>,
    errors: Vec<Error>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(files: &'a Files, environment: &'a Environment) -> Self {
        Self { files, environment, settings: Vec::new(), errors: Vec::new() }
    }

    /// The errors, and the settings that were read.
    pub(crate) fn finish(self) -> (Vec<Error>, Vec<Setting>) {
        (self.errors, self.settings)
    }

    /// The parsed value; `None` when it is unset or invalid.
    pub(crate) fn optional<T>(
        &mut self,
        setting: Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (raw, source) = self.raw(setting)?;
        let outcome = match raw {
            RawValue::Text(text) => parse(&text),
            RawValue::List(_) => Err("must be one value, not a list".to_owned()),
            RawValue::Unset => return None,
        };
        self.note(setting, source, outcome)
    }

    /// The parsed value. If it is unset or invalid, that is an error, and `stand_in` is returned.
    pub(crate) fn required<T>(
        &mut self,
        setting: Setting,
        stand_in: T,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        let errors_before = self.errors.len();
        let value = self.optional(setting, parse);
        if value.is_none() && self.errors.len() == errors_before {
            self.error(setting, setting.variable.to_owned(), "must be set");
        }
        value.unwrap_or(stand_in)
    }

    /// A list: a sequence in a file, separated by commas in the environment; empty when it is unset.
    pub(crate) fn list<T>(
        &mut self,
        setting: Setting,
        items_max: usize,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let Some((raw, source)) = self.raw(setting) else { return Vec::new() };
        let items = match raw {
            RawValue::Text(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
            RawValue::List(items) => items,
            RawValue::Unset => Vec::new(),
        };
        let outcome = match items.len() > items_max {
            true => Err(format!("has more than {items_max} items")),
            false => items.iter().map(|item| parse(item)).collect(),
        };
        self.note(setting, source, outcome).unwrap_or_default()
    }

    /// `true` or `false`, also written `1` or `0`.
    pub(crate) fn flag(&mut self, setting: Setting) -> bool {
        self.required(setting, false, |text| match text {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        })
    }

    /// A whole number within `range`.
    pub(crate) fn number<N>(&mut self, setting: Setting, range: RangeInclusive<N>) -> N
    where
        N: FromStr + PartialOrd + Display + Copy,
    {
        self.required(setting, *range.start(), |text| within(text, &range))
    }

    /// The same, where it may be unset.
    pub(crate) fn optional_number<N>(&mut self, setting: Setting, range: RangeInclusive<N>) -> Option<N>
    where
        N: FromStr + PartialOrd + Display + Copy,
    {
        self.optional(setting, |text| within(text, &range))
    }

    /// A number of seconds within `range`.
    pub(crate) fn seconds(&mut self, setting: Setting, range: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.number(setting, range))
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&mut self, setting: Setting, choices: &[(&str, T)]) -> T {
        self.required(setting, choices[0].1, |text| {
            let choice = choices.iter().find(|(word, _)| *word == text);
            choice.map(|(_, value)| *value).ok_or_else(|| {
                let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
                format!("must be one of {}", words.join(", "))
            })
        })
    }

    fn raw(&mut self, setting: Setting) -> Option<(RawValue, String)> {
        if !self.settings.contains(&setting) {
            self.settings.push(setting);
        }
        match self.environment.get(setting.variable) {
            Some(text) => Some((RawValue::Text(text.trim().to_owned()), setting.variable.to_owned())),
            None => self.files.get(setting.path).map(|(raw, file)| (raw.clone(), file.to_owned())),
        }
    }

    fn note<T>(&mut self, setting: Setting, source: String, outcome: Result<T, String>) -> Option<T> {
        outcome.map_err(|problem| self.error(setting, source, &problem)).ok()
    }

    fn error(&mut self, setting: Setting, source: String, problem: &str) {
        self.errors.push(Error { path: setting.path.to_owned(), source, problem: problem.to_owned() });
    }
}

fn within<N: FromStr + PartialOrd + Display>(text: &str, range: &RangeInclusive<N>) -> Result<N, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
}
