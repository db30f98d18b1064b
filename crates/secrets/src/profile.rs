//! The deployment profile, which decides how strictly settings and secrets are checked.

/// The deployment profile of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Profile {
    /// A developer's machine: weak secrets are reported, not refused.
    Development,
    /// The same checks as production, with smaller limits per client.
    Staging,
    /// Weak secrets are refused and API keys are required.
    Production,
}

impl Profile {
    /// From the least strict to the strictest.
    pub const ALL: [Self; 3] = [Self::Development, Self::Staging, Self::Production];

    /// The name used in settings, file names and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// An unknown name counts as production, so that a typing mistake never makes a process less strict.
    ///
    /// ```
    /// use secrets::Profile;
    ///
    /// assert_eq!(Profile::parse("development"), Profile::Development);
    /// assert_eq!(Profile::parse("develpoment"), Profile::Production);
    /// ```
    #[must_use]
    pub fn parse(name: &str) -> Self {
        name.parse().unwrap_or(Self::Production)
    }

    /// Whether weak secrets are refused.
    #[must_use]
    pub fn is_strict(self) -> bool {
        match self {
            Self::Development => false,
            Self::Staging | Self::Production => true,
        }
    }
}
