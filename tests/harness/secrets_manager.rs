//! A fake of AWS Secrets Manager: strict where the emulators are lenient, with every fault a script can ask for.
//!
//! It speaks JSON 1.1 over HTTP on a free loopback port and implements the documented rules: tokens, labels, limits,
//! recovery windows, error codes. Its clock stops until a test advances it. It checks that a request is signed and by whom,
//! not the signature itself, and it has no replicas, policies or Lambda functions.
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
mod batch;
mod body;
mod connection;
mod input;
mod labels;
mod lifetime;
mod listing;
mod operation;
mod respond;
mod script;
mod secret;
mod service_error;
mod tags;
mod values;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;

use crate::loopback::Loopback;

pub use account::LabelState;
use connection::{ConnectionReset, ResettableListener};
pub use operation::Operation;
use script::Script;
pub use script::{Fault, Head};

/// Accepted from the start.
pub const ACCESS_KEY_ID: &str = "AKIDFAKE000000000001";

/// Any value will do: the fake never checks a signature.
pub const SECRET_ACCESS_KEY: &str = "fake-secret-access-key-that-signs-nothing";

pub const REGION: &str = "us-east-1";

pub struct FakeSecretsManager {
    server: Loopback,
    script: Arc<Script>,
}

impl FakeSecretsManager {
    /// Starts an empty account without faults. Its clock is at 2026-01-01T00:00:00Z.
    pub fn start() -> Self {
        let script = Arc::new(Script::new(ACCESS_KEY_ID));
        let served = Arc::clone(&script);
        let server = Loopback::start(move |listener| async move {
            let router = Router::new().fallback(respond::respond).with_state(served);
            axum::serve(
                ResettableListener(listener),
                router.into_make_service_with_connect_info::<ConnectionReset>(),
            )
            .await
        });
        Self { server, script }
    }

    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Applies to every call of `operation` from now on.
    pub fn always(&self, operation: Operation, fault: Fault) {
        self.script.always(operation, fault);
    }

    /// Applies to the next calls of `operation`, one each, then as before.
    pub fn next(&self, operation: Operation, faults: impl IntoIterator<Item = Fault>) {
        self.script.next(operation, faults);
    }

    /// Applies to every operation from now on.
    pub fn everywhere(&self, fault: &Fault) {
        Operation::ALL.iter().for_each(|operation| self.always(*operation, fault.clone()));
    }

    /// Removes every scripted fault. Delays and hangs that have begun go on.
    pub fn clear_faults(&self) {
        self.script.clear_faults();
    }

    /// Waits so long before each response.
    pub fn delay(&self, delay: Duration) {
        self.script.delay(delay);
    }

    /// Accepts requests signed with these access key ids and no others.
    pub fn accept(&self, access_key_ids: &[&str]) {
        self.script.accept(access_key_ids);
    }

    /// Serves the next `reads` reads from the account as it is now: a replica that lags behind.
    pub fn lag(&self, reads: usize) {
        self.script.replicas().lag(reads);
    }

    /// Removes a secret with all of its versions, as if it had never been.
    pub fn remove(&self, name: &str) {
        self.script.replicas().account.remove(name);
    }

    /// Denies reads of this secret's value, alone or in a batch.
    pub fn deny(&self, name: &str) {
        self.script.replicas().account.deny(name);
    }

    /// Permits reads of this secret's value again.
    pub fn allow(&self, name: &str) {
        self.script.replicas().account.allow(name);
    }

    /// Advances the clock. Secrets whose recovery window ends are deleted.
    pub fn advance(&self, time: Duration) {
        let milliseconds = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.script.replicas().account.advance(milliseconds);
    }

    pub fn set_unix_ms(&self, now_unix_ms: i64) {
        self.script.replicas().account.set_unix_ms(now_unix_ms);
    }

    /// Gives a secret a new current value, creates the secret when there is none, and returns the version's id. It is no
    /// call: nothing is counted and no fault applies.
    pub fn seed(&self, name: &str, text: &str) -> String {
        self.script.replicas().account.seed(name, text)
    }

    /// The text that has this label now.
    pub fn text(&self, name: &str, label: &str) -> Option<String> {
        self.script.replicas().account.text(name, label)
    }

    /// The labels of every version of a secret after each change so far, oldest first.
    pub fn label_states(&self, name: &str) -> Vec<LabelState> {
        self.script.replicas().account.label_states(name)
    }

    /// Asserts that after every change since its first version exactly one version of a secret was current.
    pub fn assert_one_current(&self, name: &str) {
        let states = self.label_states(name);
        let is_unique = LabelState::is_always_unique(&states, "AWSCURRENT");
        assert!(is_unique, "{name} did not always have exactly one current version: {states:#?}");
    }

    pub fn calls(&self, operation: Operation) -> usize {
        self.script.calls(operation)
    }

    pub fn calls_total(&self) -> usize {
        Operation::ALL.iter().map(|operation| self.calls(*operation)).sum()
    }

    /// The head of every request so far, in order.
    pub fn heads(&self) -> Vec<Head> {
        self.script.heads()
    }
}
