//! Parses the query of a request strictly: an unknown or duplicate parameter is refused, not ignored.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use store::PAGE_ROWS_MAX;

use crate::problem::{Kind, Problem};
use crate::schemas::{FILTER_TEXT_CHARS_MAX, ROWS_DEFAULT};

/// Decoded query parameters in their order. [`allow_only`](Self::allow_only) comes first in every handler.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Parameters {
    fn parse(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// Refuses duplicate parameters and parameters that are not in this list.
    pub(crate) fn allow_only(&self, names: &[&str]) -> Result<(), Problem> {
        for (at, (name, _)) in self.0.iter().enumerate() {
            if !names.contains(&name.as_str()) {
                let supported = match names {
                    [] => "this path has no parameters".to_owned(),
                    names => format!("supported: {}", names.join(", ")),
                };
                return Err(unprocessable(name, format!("unknown parameter; {supported}")));
            }
            if self.0.iter().skip(at + 1).any(|(other, _)| other == name) {
                return Err(unprocessable(name, "duplicate parameter"));
            }
        }
        Ok(())
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that its type parses.
    pub(crate) fn parse_as<T>(&self, name: &str) -> Result<Option<T>, Problem>
    where
        T: FromStr,
        T::Err: Display,
    {
        let parse = |text: &str| text.parse().map_err(|error: T::Err| unprocessable(name, error.to_string()));
        self.text(name).map(parse).transpose()
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(unprocessable(name, "must be true or false")),
        }
    }

    /// The number of rows of a page, from `limit`.
    pub(crate) fn rows(&self) -> Result<u32, Problem> {
        Ok(self.number("limit", 1..=PAGE_ROWS_MAX)?.unwrap_or(ROWS_DEFAULT))
    }

    /// A whole number within `range`, written with digits only.
    pub(crate) fn number<N>(&self, name: &str, range: RangeInclusive<N>) -> Result<Option<N>, Problem>
    where
        N: FromStr + PartialOrd + Display,
    {
        let expected = || format!("must be a whole number from {} to {}", range.start(), range.end());
        let parse = |text: &str| {
            let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let number = digits.and_then(|digits| digits.parse().ok());
            number.filter(|number| range.contains(number)).ok_or_else(|| unprocessable(name, expected()))
        };
        self.text(name).map(parse).transpose()
    }
}

/// A parameter or a field with an invalid value.
pub(super) fn unprocessable(parameter: &str, problem: impl Into<Cow<'static, str>>) -> Problem {
    /// Longest part of a parameter's name in a response.
    const NAME_CHARS_MAX: usize = 64;
    let name: String = parameter.chars().take(NAME_CHARS_MAX).collect();
    let problem = problem.into();
    Problem::new(Kind::Unprocessable, format!("{name}: {problem}")).with("parameter", name)
}

pub(crate) const TIME: &str = "must be a time such as 2026-01-02T15:04:05Z";

/// The value of a parameter or field that its type parses, or what is expected.
pub(crate) fn parse<T: FromStr>(
    name: &str,
    text: Option<String>,
    expected: &'static str,
) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse().map_err(|_| unprocessable(name, expected))).transpose()
}

/// A text that every database can compare.
pub(crate) fn bounded(name: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    match &text {
        Some(value) if value.chars().count() > FILTER_TEXT_CHARS_MAX || value.contains('\0') => Err(
            unprocessable(name, format!("must be at most {FILTER_TEXT_CHARS_MAX} characters without NUL")),
        ),
        Some(_) | None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_duplicate_parameters_are_reported() {
        for (query, expected) in [
            ("", None),
            ("days=1", None),
            ("days=1&timeframe=1d", None),
            ("dayz=1", Some("dayz")),
            ("days=1&days=1", Some("days")),
            ("Days=1", Some("Days")),
            ("=1", Some("")),
            ("%64ays=1", None),
        ] {
            let refused = Parameters::parse(query).allow_only(&["days", "timeframe"]).err();
            let name = refused.map(|problem| problem.detail.split(':').next().unwrap().to_owned());
            assert_eq!(name.as_deref(), expected, "{query}");
        }
    }

    #[test]
    fn numbers_are_digits_within_bounds() {
        for (text, expected) in [
            ("1", Some(1)),
            ("007", Some(7)),
            ("10", Some(10)),
            ("0", None),
            ("11", None),
            ("+1", None),
            ("-1", None),
            ("1.5", None),
            ("", None),
            ("x", None),
            ("99999999999999999999", None),
        ] {
            let parameters = Parameters(vec![("days".to_owned(), text.to_owned())]);
            assert_eq!(parameters.number("days", 1..=10).ok().flatten(), expected, "{text}");
        }
        assert_eq!(Parameters::default().number("days", 1..=10).ok().flatten(), None);
    }
}
