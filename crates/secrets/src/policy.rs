//! Refuses well-formed values that are placeholders, published examples, weak or reused.

mod placeholder;
mod strength;

use crate::invalid::PolicyViolation;
use crate::name::SecretName;
use crate::origin::Origin;
use crate::spec::{Class, Format, SecretSpec};
use crate::value::SecretValue;

/// The first rule that a value violates by itself.
pub(crate) fn violation(spec: &SecretSpec, origin: &Origin, value: &SecretValue) -> Option<PolicyViolation> {
    if !spec.sources.contains(&origin.kind()) {
        return Some(PolicyViolation::SourceNotAllowed);
    }
    let text = value.expose_text().filter(|_| may_be_typed(spec))?;
    text.lines().find_map(|line| placeholder::violation(line).or_else(|| strength::violation(line, spec)))
}

/// Whether a text was never filled in: a placeholder or a published example.
#[must_use]
pub fn is_placeholder(text: &str) -> bool {
    placeholder::violation(text).is_some()
}

/// Pairs of a secret and an earlier secret with the same value. Public keys may be shared.
pub(crate) fn reused<'a>(
    values: impl IntoIterator<Item = (&'a SecretSpec, &'a SecretValue)>,
) -> Vec<(SecretName, SecretName)> {
    let mut distinct: Vec<(&SecretSpec, &SecretValue)> = Vec::new();
    let mut reused = Vec::new();
    for (spec, value) in values.into_iter().filter(|(spec, _)| spec.format != Format::Pem) {
        match distinct.iter().find(|(_, earlier)| earlier.verify_eq(value.expose())) {
            Some((earlier, _)) => reused.push((spec.name.clone(), earlier.name.clone())),
            None => distinct.push((spec, value)),
        }
    }
    reused
}

/// Whether a person may have typed the value. Access lists are checked entry by entry by their user.
fn may_be_typed(spec: &SecretSpec) -> bool {
    spec.class != Class::AccessList
        && !matches!(spec.format, Format::Pem | Format::Bytes | Format::Json { .. })
}
