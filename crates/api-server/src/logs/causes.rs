//! An error on one line.

/// An error with what caused it, from the outermost on. None of the product's errors repeats its cause, and none holds a
/// secret.
#[must_use]
pub fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
