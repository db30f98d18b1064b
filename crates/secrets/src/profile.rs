//! How strict to be.

/// Where the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// A person's own machine: what is weak is said, not refused.
    Development,
    /// As strict as production.
    Staging,
    /// What is weak is refused.
    Production,
}

impl Profile {
    /// Reads a profile's name. A missing or unknown one is production: nothing fails open by a typing mistake.
    ///
    /// ```
    /// use secrets::Profile;
    ///
    /// assert_eq!(Profile::named(Some("development")), Profile::Development);
    /// assert_eq!(Profile::named(Some("develpoment")), Profile::Production);
    /// assert_eq!(Profile::named(None), Profile::Production);
    /// ```
    #[must_use]
    pub fn named(name: Option<&str>) -> Self {
        match name {
            Some("development" | "dev") => Self::Development,
            Some("staging") => Self::Staging,
            Some(_) | None => Self::Production,
        }
    }

    /// Whether weakness is refused and not merely said.
    #[must_use]
    pub fn is_strict(self) -> bool {
        match self {
            Self::Development => false,
            Self::Staging | Self::Production => true,
        }
    }
}
