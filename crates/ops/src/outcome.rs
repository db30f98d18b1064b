//! What a command did with one secret.

use std::fmt;

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Created,
    /// It existed and was not changed.
    Kept,
    Replaced,
    /// It existed, and lines were added.
    Extended,
    /// The value is valid; a dry run stores nothing.
    Valid,
    /// Somebody else issues it, so that it cannot be generated.
    ToBeSet,
    /// It is scheduled for deletion.
    Deleted,
}

#[derive(Debug, Serialize)]
pub(crate) struct SecretOutcome {
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
}

impl SecretOutcome {
    /// Where the value of a replaced file is, and for how long.
    pub(crate) fn kept_value(&self) -> Option<String> {
        let Self { name, outcome } = self;
        (*outcome == Outcome::Replaced).then(|| {
            format!(
                "{name}: the old value is kept beside the new one; to remove it: investiq secrets retire {name} --unused"
            )
        })
    }

    /// `destination` is the option of `secrets set` that stores a secret in the same place, with a blank before it.
    pub(crate) fn text(&self, destination: &str) -> String {
        let Self { name, outcome } = self;
        let hint = match outcome {
            Outcome::ToBeSet => format!(": investiq secrets set {name}{destination}"),
            Outcome::Deleted => format!(": investiq secrets restore {name}"),
            Outcome::Created | Outcome::Kept | Outcome::Replaced | Outcome::Extended | Outcome::Valid => {
                String::new()
            }
        };
        format!("{:<9} {name}{hint}\n", outcome.to_string())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Created => "created",
            Self::Kept => "kept",
            Self::Replaced => "replaced",
            Self::Extended => "extended",
            Self::Valid => "valid",
            Self::ToBeSet => "to be set",
            Self::Deleted => "deleted",
        })
    }
}
