//! Changes of a rule that its tests must notice.

use crate::rule_files::Source;

/// A rule with one change.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    pub(crate) rule: Source,
    pub(crate) change: String,
}

/// Beginnings of names of metrics.
const METRICS: [&str; 8] =
    ["investiq_", "pg_", "redis_", "probe_", "process_", "alertmanager_", "prometheus_", "slo:burn_rate"];

/// Each change of a threshold, a comparison, a duration, a label, a metric's name and the severity.
pub(crate) fn mutants(rule: &Source) -> Vec<Mutant> {
    let changes = [
        threshold(&rule.text),
        comparison(&rule.text),
        duration(&rule.text),
        label(&rule.text),
        metric(&rule.text),
        severity(&rule.text),
    ];
    let mutant = |(change, text): (&str, String)| {
        assert_ne!(text, rule.text, "{change} of {}", rule.name);
        Mutant { change: format!("{}: {change}", rule.name), rule: Source { text, ..rule.clone() } }
    };
    let kinds = ["threshold", "comparison", "duration", "label", "metric", "severity"];
    kinds.into_iter().zip(changes).filter_map(|(kind, text)| Some((kind, text?))).map(mutant).collect()
}

/// The lines of the expression, and where they begin and end in the text.
fn expression(text: &str) -> Option<(usize, usize)> {
    let start = text.find("expr:")?;
    let end = text.find("\n        for:")?;
    Some((start, end))
}

/// Replaces the range of the text.
fn with(text: &str, (start, end): (usize, usize), new: &str) -> Option<String> {
    Some(format!("{}{new}{}", text.get(..start)?, text.get(end..)?))
}

/// The last comparison with a number: its operator and the number.
fn last_comparison(text: &str) -> Option<((usize, usize), (usize, usize))> {
    let (start, end) = expression(text)?;
    let found = [" > ", " < ", " == "].iter().flat_map(|operator| {
        let positions = text.get(start..end).unwrap_or_default().match_indices(operator);
        positions.filter_map(move |(at, operator)| {
            let (begin, number) = (start + at + 1, start + at + operator.len());
            let length = text
                .get(number..end)?
                .find(|character: char| !(character.is_ascii_digit() || character == '.'))
                .unwrap_or(end - number);
            (length > 0).then_some(((begin, number - 1), (number, number + length)))
        })
    });
    found.max()
}

fn threshold(text: &str) -> Option<String> {
    let (_, number) = last_comparison(text)?;
    let value: f64 = text.get(number.0..number.1)?.parse().ok()?;
    let new = if value == 0.0 { "1000000".to_owned() } else { (value * 1.5).to_string() };
    with(text, number, &new)
}

fn comparison(text: &str) -> Option<String> {
    let (operator, _) = last_comparison(text)?;
    let new = match text.get(operator.0..operator.1)? {
        ">" => "<",
        "<" => ">",
        _ => "!=",
    };
    with(text, operator, new)
}

fn duration(text: &str) -> Option<String> {
    let start = text.find("\n        for: ")? + "\n        for: ".len();
    let end = start + text.get(start..)?.find('\n')?;
    let written = text.get(start..end)?;
    let number: u32 = written.trim_end_matches(char::is_alphabetic).parse().ok()?;
    with(text, (start, end), &format!("{}{}", number * 2, written.trim_start_matches(char::is_numeric)))
}

fn label(text: &str) -> Option<String> {
    let (start, end) = expression(text)?;
    let at = start + text.get(start..end)?.find("=\"")? + 2;
    with(text, (at, at), "x")
}

fn metric(text: &str) -> Option<String> {
    let (start, end) = expression(text)?;
    let at = METRICS.iter().filter_map(|name| text.get(start..end)?.find(name)).min()?;
    with(text, (start + at, start + at), "x")
}

fn severity(text: &str) -> Option<String> {
    let at = text.find("severity: ")? + "severity: ".len();
    with(text, (at, at), "in")
}
