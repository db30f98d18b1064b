//! Which well-formed values are not worth trusting.

mod placeholder;
mod strength;

use crate::fault::Breach;
use crate::name::SecretName;
use crate::origin::Origin;
use crate::spec::{Class, Format, SecretSpec};
use crate::value::SecretValue;

/// The first rule that a value breaks by itself.
pub(crate) fn breach(spec: &SecretSpec, origin: &Origin, value: &SecretValue) -> Option<Breach> {
    if !spec.sources.contains(&origin.kind()) {
        return Some(Breach::Source);
    }
    let text = value.expose_text().filter(|_| has_words(spec))?;
    placeholder::breach(text).or_else(|| strength::breach(text, spec))
}

/// Each secret that has the value of an earlier one, and which. A public key may be shared.
pub(crate) fn reused<'a>(
    values: impl IntoIterator<Item = (&'a SecretSpec, &'a SecretValue)>,
) -> Vec<(SecretName, SecretName)> {
    let mut seen: Vec<(&SecretSpec, &SecretValue)> = Vec::new();
    let mut reused = Vec::new();
    for (spec, value) in values.into_iter().filter(|(spec, _)| spec.format != Format::Pem) {
        match seen.iter().find(|(_, earlier)| earlier.verify_eq(value.expose())) {
            Some((earlier, _)) => reused.push((spec.name.clone(), earlier.name.clone())),
            None => seen.push((spec, value)),
        }
    }
    reused
}

/// Whether a person may have typed words into it. A list is judged entry by entry by whoever reads it.
fn has_words(spec: &SecretSpec) -> bool {
    spec.class != Class::AccessList
        && !matches!(spec.format, Format::Pem | Format::Bytes | Format::Json { .. })
}
