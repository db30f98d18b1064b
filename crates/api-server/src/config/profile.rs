//! Which of three sets of rules a process runs under.

use std::net::SocketAddr;

use super::Environment;

/// Names the profile.
pub(super) const VARIABLE: &str = "INVESTIQ_PROFILE";

/// A set of rules, from the lightest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// One person's machine: a loopback address, and keys are not demanded.
    Development,
    /// As production, with a smaller allowance for each client.
    Staging,
    /// Keys are demanded and nothing is open.
    Production,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Development, Self::Staging, Self::Production];

    /// Its name in [`VARIABLE`], in file names and in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// The profile that the environment names. A name that is none of the three is production: a slip of the pen must
    /// not open a service.
    pub(super) fn of_environment(environment: &Environment) -> Option<Self> {
        let name = environment.get(VARIABLE)?;
        Some(Self::ALL.into_iter().find(|profile| profile.as_str() == name).unwrap_or(Self::Production))
    }

    /// The profile of a process that names none: development when only this machine can reach it.
    pub(super) fn of_address(address: Option<SocketAddr>) -> Self {
        match address {
            Some(address) if address.ip().to_canonical().is_loopback() => Self::Development,
            Some(_) | None => Self::Production,
        }
    }
}
