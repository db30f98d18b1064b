//! Judges a new value before it is written anywhere, by the very rules by which the server will judge it.

use std::sync::{Arc, Mutex};

use secrets::{
    BoxFuture, Catalogue, Error, Event, Notice, Origin, Profile, RawSecret, SecretSpec, SecretValue, Secrets,
    Source,
};

use crate::console::Console;
use crate::failure::Failure;

/// A value without line ends at its end, and what the operator should know of it.
pub(crate) struct Judged {
    pub(crate) value: SecretValue,
    pub(crate) notices: Vec<Notice>,
}

/// Judges `raw` as if it had been found in `place`.
pub(crate) async fn judge(
    spec: &SecretSpec,
    raw: SecretValue,
    place: Origin,
    profile: Profile,
    console: &Console,
) -> Result<Judged, Failure> {
    let notices = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&notices);
    let note = move |event: &Event| {
        if let Event::Notice(notice) = event {
            noted.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(notice.clone());
        }
    };
    let secrets = Secrets::builder(profile, Catalogue::new([spec.clone()])?, console.clock())
        .source(Offered { raw, place })
        .recorder(Arc::new(note))
        .build()
        .await
        .map_err(Failure::Secrets)?;
    let value = secrets.handle(spec.name.as_str(), "ops")?.load()?.value().clone();
    let notices = notices.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    acceptable_keys(spec, &value)?;
    Ok(Judged { value, notices })
}

/// A list of API keys that the server would refuse is refused here.
fn acceptable_keys(spec: &SecretSpec, value: &SecretValue) -> Result<(), Failure> {
    if spec.name.as_str() != crate::survey::API_KEYS {
        return Ok(());
    }
    let text = value.expose_text().unwrap_or_default();
    crate::survey::key_faults(text).map_or(Ok(()), |faults| Err(Failure::Precondition(faults.to_string())))
}

/// A place that offers the one value.
struct Offered {
    raw: SecretValue,
    place: Origin,
}

impl Source for Offered {
    fn is_local(&self) -> bool {
        true
    }

    fn get<'a>(&'a self, _spec: &'a SecretSpec) -> BoxFuture<'a, Result<RawSecret, Error>> {
        Box::pin(async { Ok(RawSecret::new(self.raw.clone(), self.place.clone())) })
    }
}
