//! Typed values from files and the environment. Reading continues after an error, so that all errors are reported at once.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use secrets::Environment;

use crate::error::Error;
use crate::file::{Files, RawValue};
use crate::setting::Setting;

/// Reads settings, and records their names.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    files: &'a Files,
    environment: &'a Environment,
    settings: Vec<Setting>,
    errors: Vec<Error>,
}

/// Reads the value of one setting.
pub(crate) struct SettingReader<'r, 'a> {
    reader: &'r mut Reader<'a>,
    setting: Setting,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(files: &'a Files, environment: &'a Environment) -> Self {
        Self { files, environment, settings: Vec::new(), errors: Vec::new() }
    }

    /// The errors, and the settings that were read.
    pub(crate) fn finish(self) -> (Vec<Error>, Vec<Setting>) {
        (self.errors, self.settings)
    }

    pub(crate) fn get(&mut self, path: &'static str, variable: &'static str) -> SettingReader<'_, 'a> {
        SettingReader { reader: self, setting: Setting { path, variable } }
    }

    /// A variable that is no setting of ours, if it is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&'a str> {
        self.environment.get(name)
    }

    /// Notes an error of a setting, or of a variable that it depends on.
    pub(crate) fn error(&mut self, path: &str, source: &str, problem: String) {
        self.errors.push(Error { path: path.to_owned(), source: source.to_owned(), problem });
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
}

impl SettingReader<'_, '_> {
    /// The parsed value; `None` if it is unset or invalid.
    pub(crate) fn optional<T>(self, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let (raw, source) = self.reader.raw(self.setting)?;
        let result = match raw {
            RawValue::Text(text) => parse(&text),
            RawValue::List(_) => Err("must be one value, not a list".to_owned()),
            RawValue::Unset => return None,
        };
        result.map_err(|problem| self.reader.error(self.setting.path, &source, problem)).ok()
    }

    /// The parsed value. An unset or invalid value is an error, and `placeholder` is returned.
    pub(crate) fn required<T>(self, placeholder: T, parse: impl Fn(&str) -> Result<T, String>) -> T {
        let Self { reader, setting } = self;
        let errors_before = reader.errors.len();
        let value = SettingReader { reader, setting }.optional(parse);
        if value.is_none() && reader.errors.len() == errors_before {
            reader.error(setting.path, setting.variable, "must be set".to_owned());
        }
        value.unwrap_or(placeholder)
    }

    /// A list: a sequence in a file, separated by commas in the environment; empty if it is unset.
    pub(crate) fn list<T>(self, items_max: usize, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let Some((raw, source)) = self.reader.raw(self.setting) else { return Vec::new() };
        let items = match raw {
            RawValue::Text(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
            RawValue::List(items) => items,
            RawValue::Unset => Vec::new(),
        };
        let result = match items.len() > items_max {
            true => Err(format!("has more than {items_max} items")),
            false => items.iter().map(|item| parse(item)).collect(),
        };
        result.map_err(|problem| self.reader.error(self.setting.path, &source, problem)).unwrap_or_default()
    }

    /// `true` or `false`, also written `1` or `0`.
    pub(crate) fn flag(self) -> bool {
        self.required(false, |text| match text {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        })
    }

    /// A whole number within `range`.
    pub(crate) fn number<N: FromStr + PartialOrd + Display + Copy>(self, range: RangeInclusive<N>) -> N {
        self.required(*range.start(), |text| within(text, &range))
    }

    /// A whole number within `range`, if it is set.
    pub(crate) fn optional_number<N: FromStr + PartialOrd + Display>(
        self,
        range: RangeInclusive<N>,
    ) -> Option<N> {
        self.optional(|text| within(text, &range))
    }

    /// A number of seconds within `range`.
    pub(crate) fn seconds(self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.number(range))
    }

    /// One of these words.
    pub(crate) fn choice<T: Copy>(self, choices: &[(&str, T)]) -> T {
        self.required(choices[0].1, |text| {
            let choice = choices.iter().find(|(word, _)| *word == text);
            choice.map(|(_, value)| *value).ok_or_else(|| {
                let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
                format!("must be one of {}", words.join(", "))
            })
        })
    }
}

fn within<N: FromStr + PartialOrd + Display>(text: &str, range: &RangeInclusive<N>) -> Result<N, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
}
