//! What selects entries and a state of the books, from the parameters of a query.

use store::{AccountFilter, EntryFilter, Moment, ReportFormat};

use super::Parameters;
use super::parameters::{TIME, bounded, parse};
use crate::problem::Problem;

/// A parameter as text.
fn text(parameters: &Parameters, name: &str) -> Option<String> {
    parameters.text(name).map(str::to_owned)
}

/// `as_of` and `known_at`.
pub(super) fn parse_moment(parameters: &Parameters) -> Result<Moment, Problem> {
    let time = |name| parse(name, text(parameters, name), TIME);
    Ok(Moment { as_of: time("as_of")?, known_at: time("known_at")? })
}

/// `format`, by default JSON.
pub(super) fn parse_format(parameters: &Parameters) -> Result<ReportFormat, Problem> {
    let format = parse("format", text(parameters, "format"), "must be json, csv or jsonl")?;
    Ok(format.unwrap_or(ReportFormat::Json))
}

/// Everything that selects entries.
pub(super) fn parse_filter(parameters: &Parameters) -> Result<EntryFilter, Problem> {
    let text = |name| text(parameters, name);
    Ok(EntryFilter {
        account: parameters.parse_as::<AccountFilter>("account")?,
        subject: bounded("subject", text("subject"))?,
        reference: bounded("reference", text("reference"))?,
        currency: parameters.parse_as("currency")?,
        kind: parse("kind", text("kind"), "must be a kind of transaction, such as deposit")?,
        provider: parse("provider", text("provider"), "must be the name of a provider, such as alpaca")?,
        from: parse("effective_from", text("effective_from"), TIME)?,
        before: parse("effective_before", text("effective_before"), TIME)?,
        moment: parse_moment(parameters)?,
    })
}
