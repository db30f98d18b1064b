//! Typed values out of files and environment. A fault is noted and reading goes on, so that all are reported at once.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::file::{Files, Raw};
use super::{Environment, Fault};

/// A setting: every one has a path in the files and a variable in the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its path in the files.
    pub path: &'static str,
    /// The variable that overrides the files.
    pub variable: &'static str,
}

/// Reads settings and remembers which were asked for.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    files: &'a Files,
    environment: &'a Environment,
    settings: Vec<Setting>,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(files: &'a Files, environment: &'a Environment) -> Self {
        Self { files, environment, settings: Vec::new(), faults: Vec::new() }
    }

    /// What was wrong, and what was asked for.
    pub(super) fn finish(self) -> (Vec<Fault>, Vec<Setting>) {
        (self.faults, self.settings)
    }

    /// A value of `parse`; `None` when it is unset, or noted as a fault.
    pub(super) fn optional<T>(
        &mut self,
        setting: Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (raw, source) = self.raw(setting)?;
        let outcome = match raw {
            Raw::Text(text) => parse(&text),
            Raw::List(_) => Err("must be one value, not a list".to_owned()),
            Raw::Unset => return None,
        };
        self.note(setting, source, outcome)
    }

    /// A value of `parse`. When there is none that is a fault, and `stand_in` lets reading go on.
    pub(super) fn required<T>(
        &mut self,
        setting: Setting,
        stand_in: T,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        let faults_before = self.faults.len();
        let value = self.optional(setting, parse);
        if value.is_none() && self.faults.len() == faults_before {
            self.fault(setting, setting.variable.to_owned(), "needs a value".to_owned());
        }
        value.unwrap_or(stand_in)
    }

    /// A list: a sequence in a file, separated by commas in the environment; empty when it is unset.
    pub(super) fn list<T>(
        &mut self,
        setting: Setting,
        items_max: usize,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let Some((raw, source)) = self.raw(setting) else { return Vec::new() };
        let items = match raw {
            Raw::Text(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
            Raw::List(items) => items,
            Raw::Unset => Vec::new(),
        };
        let outcome = match items.len() > items_max {
            true => Err(format!("has more than {items_max} items")),
            false => items.iter().map(|item| parse(item)).collect(),
        };
        self.note(setting, source, outcome).unwrap_or_default()
    }

    /// `true` or `false`; `1` and `0` as people write them in the environment.
    pub(super) fn flag(&mut self, setting: Setting) -> bool {
        self.required(setting, false, |text| match text {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        })
    }

    /// A whole number within `range`.
    pub(super) fn number<N>(&mut self, setting: Setting, range: RangeInclusive<N>) -> N
    where
        N: FromStr + PartialOrd + Display + Copy,
    {
        self.required(setting, *range.start(), |text| within(text, &range))
    }

    /// The same, where it may be unset.
    pub(super) fn optional_number<N>(&mut self, setting: Setting, range: RangeInclusive<N>) -> Option<N>
    where
        N: FromStr + PartialOrd + Display + Copy,
    {
        self.optional(setting, |text| within(text, &range))
    }

    /// A number of seconds within `range`.
    pub(super) fn seconds(&mut self, setting: Setting, range: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.number(setting, range))
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, setting: Setting, choices: &[(&str, T)]) -> T {
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let expected = format!("must be one of {}", words.join(", "));
        self.required(setting, choices[0].1, |text| {
            choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or(expected.clone())
        })
    }

    fn raw(&mut self, setting: Setting) -> Option<(Raw, String)> {
        if !self.settings.contains(&setting) {
            self.settings.push(setting);
        }
        match self.environment.get(setting.variable) {
            Some(text) => Some((Raw::Text(text.trim().to_owned()), setting.variable.to_owned())),
            None => self.files.get(setting.path).map(|(raw, file)| (raw.clone(), file.to_owned())),
        }
    }

    fn note<T>(&mut self, setting: Setting, source: String, outcome: Result<T, String>) -> Option<T> {
        outcome.map_err(|problem| self.fault(setting, source, problem)).ok()
    }

    fn fault(&mut self, setting: Setting, source: String, problem: String) {
        self.faults.push(Fault { path: setting.path.to_owned(), source, problem });
    }
}

fn within<N: FromStr + PartialOrd + Display>(text: &str, range: &RangeInclusive<N>) -> Result<N, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
}
