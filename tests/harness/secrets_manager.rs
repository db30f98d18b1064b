//! A fake of AWS Secrets Manager: strict where the emulators are lenient, with every misbehaviour a script can ask for.
//!
//! It speaks JSON 1.1 over HTTP on a free loopback port, on a thread of its own, so that plain tests and async tests use
//! it alike. It keeps the documented rules: tokens, labels, limits, windows of deletion, codes. Its clock stands still
//! until a test moves it. It checks that a request is signed and by whom, not the signature itself, and it has no
//! replicas, policies or Lambda functions.
//!
//! ```no_run
//! use tests::secrets_manager::{FakeSecretsManager, Fault, Operation};
//!
//! let aws = FakeSecretsManager::start();
//! aws.seed("investiq/api_keys", "first");
//! aws.next(Operation::GetSecretValue, [Fault::Throttle, Fault::Throttle]);
//! // … point AWS_ENDPOINT_URL at aws.endpoint_url(), sign with tests::secrets_manager::ACCESS_KEY_ID …
//! assert_eq!(aws.calls(Operation::GetSecretValue), 3);
//! ```

mod account;
mod answer;
mod batch;
mod body;
mod input;
mod lifetime;
mod line;
mod listing;
mod operation;
mod refusal;
mod script;
mod secret;
mod stages;
mod tags;
mod values;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;

use crate::loopback::Loopback;

pub use account::LabelState;
use line::{Cutter, Listening};
pub use operation::Operation;
use script::Script;
pub use script::{Fault, Head};

/// The access key id that a fake accepts from the start.
pub const ACCESS_KEY_ID: &str = "AKIDFAKE000000000001";

/// A secret access key to go with it. The fake never checks a signature, so any will do.
pub const SECRET_ACCESS_KEY: &str = "fake-secret-access-key-that-signs-nothing";

/// The region in the names of its resources.
pub const REGION: &str = "us-east-1";

/// A running fake; it ends when it is dropped.
pub struct FakeSecretsManager {
    server: Loopback,
    script: Arc<Script>,
}

impl FakeSecretsManager {
    /// Starts an empty account that behaves well. Its clock stands at 2026-01-01T00:00:00Z.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn start() -> Self {
        let script = Arc::new(Script::new(ACCESS_KEY_ID));
        let served = Arc::clone(&script);
        let server = Loopback::start(move |listener| async move {
            let router = Router::new().fallback(answer::answer).with_state(served);
            axum::serve(Listening(listener), router.into_make_service_with_connect_info::<Cutter>()).await
        });
        Self { server, script }
    }

    /// What to configure as the endpoint.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Commits this fault on every call of `operation` from now on.
    pub fn always(&self, operation: Operation, fault: Fault) {
        self.script.always(operation, fault);
    }

    /// Commits these faults on the next calls of `operation`, one each, then does as before.
    pub fn next(&self, operation: Operation, faults: impl IntoIterator<Item = Fault>) {
        self.script.next(operation, faults);
    }

    /// Commits this fault on every operation from now on.
    pub fn everywhere(&self, fault: &Fault) {
        Operation::ALL.iter().for_each(|operation| self.always(*operation, fault.clone()));
    }

    /// Behaves well from now on, whatever was scripted. Waits and hangs that have begun go on.
    pub fn behave(&self) {
        self.script.behave();
    }

    /// Waits so long before each answer.
    pub fn delay(&self, delay: Duration) {
        self.script.delay(delay);
    }

    /// Accepts requests signed with these access key ids and no others.
    pub fn accept(&self, access_key_ids: &[&str]) {
        self.script.accept(access_key_ids);
    }

    /// Answers the next `reads` reads from the account as it stands now: a replica that lags behind.
    pub fn lag(&self, reads: usize) {
        self.script.world().lag(reads);
    }

    /// Refuses to give the value of the secret of this name, alone or in a batch.
    pub fn deny(&self, name: &str) {
        self.script.world().account.deny(name);
    }

    /// Gives the value of the secret of this name again.
    pub fn allow(&self, name: &str) {
        self.script.world().account.permit(name);
    }

    /// Moves the clock forward. Secrets whose window of deletion ends are gone.
    pub fn advance(&self, time: Duration) {
        let milliseconds = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.script.world().account.advance(milliseconds);
    }

    /// Sets the clock, in milliseconds since 1970.
    pub fn set_unix_ms(&self, now_unix_ms: i64) {
        self.script.world().account.set_unix_ms(now_unix_ms);
    }

    /// Gives the secret of this name a new current value, and makes the secret when there is none; answers with the
    /// version's id. It is no call: nothing is counted and no fault is committed.
    ///
    /// # Panics
    /// When AWS would refuse.
    pub fn seed(&self, name: &str, text: &str) -> String {
        self.script.world().account.seed(name, text)
    }

    /// The text that has this label now, when there is one.
    #[must_use]
    pub fn text(&self, name: &str, label: &str) -> Option<String> {
        self.script.world().account.text(name, label)
    }

    /// The labels of every version of a secret after each change so far, oldest first.
    #[must_use]
    pub fn label_states(&self, name: &str) -> Vec<LabelState> {
        self.script.world().account.label_states(name)
    }

    /// Asserts that from its first version to its end exactly one version of a secret was current, after every change.
    ///
    /// # Panics
    /// With all states of the labels, when one of them shows none or several.
    pub fn assert_one_current(&self, name: &str) {
        let states = self.label_states(name);
        let is_one = LabelState::always_one(&states, "AWSCURRENT");
        assert!(is_one, "{name} had not always one current version: {states:#?}");
    }

    /// Calls of `operation` so far.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> usize {
        self.script.calls(operation)
    }

    /// Calls of all operations so far.
    #[must_use]
    pub fn calls_total(&self) -> usize {
        Operation::ALL.iter().map(|operation| self.calls(*operation)).sum()
    }

    /// The head of every request so far, in order.
    #[must_use]
    pub fn heads(&self) -> Vec<Head> {
        self.script.heads()
    }
}
