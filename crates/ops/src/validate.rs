//! Validates a new value before it is stored, by the rules by which the server will validate it.

use std::sync::Arc;

use config::start::value_error;
use secrets::{
    BoxFuture, Catalogue, Error, Notice, Origin, Profile, RawSecret, SecretSpec, SecretValue, Secrets, Source,
};

use crate::api_key_list::{self, API_KEYS};
use crate::console::Console;
use crate::failure::Failure;

pub(crate) struct ValidSecret {
    /// The value without trailing line ends.
    pub(crate) value: SecretValue,
    pub(crate) notices: Vec<Notice>,
}

/// Validates `raw` as if it had been found at `origin`.
pub(crate) async fn validate(
    spec: &SecretSpec,
    raw: SecretValue,
    origin: Origin,
    profile: Profile,
    console: &Console,
) -> Result<ValidSecret, Failure> {
    let (recorder, notices) = config::collect_notices(Arc::new(|_| {}));
    let secrets = Secrets::builder(profile, Catalogue::new([spec.clone()])?, console.clock())
        .source(SingleValue { raw, origin })
        .recorder(recorder)
        .build()
        .await
        .map_err(Failure::Secrets)?;
    let value = secrets.handle(spec.name.as_str(), "ops")?.load()?.value().clone();
    let text = value.expose_text().unwrap_or_default();
    if spec.name.as_str() == API_KEYS {
        api_key_list::parse(text).map_err(|errors| Failure::Precondition(errors.to_string()))?;
    }
    if let Some(error) = value_error(spec.name.as_str(), text) {
        return Err(Failure::Precondition(format!("secret {}: {error}", spec.name)));
    }
    Ok(ValidSecret { value, notices: notices() })
}

/// A source that has one value for any secret.
struct SingleValue {
    raw: SecretValue,
    origin: Origin,
}

impl Source for SingleValue {
    fn is_local(&self) -> bool {
        true
    }

    fn get<'a>(&'a self, _spec: &'a SecretSpec) -> BoxFuture<'a, Result<RawSecret, Error>> {
        Box::pin(async { Ok(RawSecret::new(self.raw.clone(), self.origin.clone())) })
    }
}
