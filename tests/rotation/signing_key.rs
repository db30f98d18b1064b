//! A signing key rotated while one process signs and another verifies.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hmac::{Hmac, Mac};
use secrets::rotation::{Distribution, NewValue};
use secrets::{Catalogue, Profile, SecretHandle, SecretValue, Secrets};
use sha2::Sha256;
use tests::secrets_manager::FakeSecretsManager;
use tokio::task::JoinHandle;

use crate::fixture::{OVERLAP, begin, clock, fake, id, manager, spec, until};

const NAME: &str = "jwt_secret";
const OLD: &str = "b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xkLW9sZCE=";
const NEW: &str = "bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3LW5ldyE=";
/// Between two messages; each is signed by one process and verified by the other, in turn.
const PERIOD: Duration = Duration::from_millis(2);
/// Enough messages to notice a short failure.
const MANY: u64 = 250;

struct Process {
    secrets: Secrets,
    key: SecretHandle,
    watch: JoinHandle<()>,
}

impl Process {
    async fn start(fake: &FakeSecretsManager) -> Self {
        let catalogue = Catalogue::new([spec(NAME)]).unwrap();
        let secrets = Secrets::builder(Profile::Development, catalogue, clock());
        let secrets = secrets.source(manager(fake).await).build().await.unwrap();
        let key = secrets.handle(NAME, "test").unwrap();
        let watch = tokio::spawn(secrets.clone().watch());
        Self { secrets, key, watch }
    }

    fn accepts_version(&self, version: &secrets::VersionId) -> bool {
        self.key.load().unwrap().accepted().any(|accepted| accepted.id() == version)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

fn mac(key: &SecretValue, message: u64) -> Hmac<Sha256> {
    Hmac::new_from_slice(key.expose()).unwrap().chain_update(message.to_be_bytes())
}

fn sign(key: &SecretHandle, message: u64) -> Vec<u8> {
    mac(key.load().unwrap().value(), message).finalize().into_bytes().to_vec()
}

fn verify(key: &SecretHandle, message: u64, signature: &[u8]) -> bool {
    let verifies = |key: &SecretValue| mac(key, message).verify_slice(signature).is_ok();
    key.load().unwrap().verify_with(verifies).is_some()
}

/// Signs and verifies messages until it is dropped.
struct Traffic {
    messages: Arc<AtomicU64>,
    rejected: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Traffic {
    fn start(processes: &[Process; 2]) -> Self {
        let keys = processes.each_ref().map(|process| process.key.clone());
        let (messages, rejected) = <(Arc<AtomicU64>, Arc<AtomicU64>)>::default();
        let task = tokio::spawn(exchange(keys, Arc::clone(&messages), Arc::clone(&rejected)));
        Self { messages, rejected, task }
    }

    fn messages(&self) -> u64 {
        self.messages.load(Ordering::SeqCst)
    }

    fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::SeqCst)
    }

    /// Waits until many more were signed and verified.
    async fn more(&self) {
        let wanted = self.messages() + MANY;
        until("more messages", || self.messages() >= wanted).await;
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn exchange(keys: [SecretHandle; 2], messages: Arc<AtomicU64>, rejected: Arc<AtomicU64>) {
    let mut ticks = tokio::time::interval(PERIOD);
    let [one, two] = &keys;
    for message in 0.. {
        ticks.tick().await;
        let (signer, verifier) = if message % 2 == 0 { (one, two) } else { (two, one) };
        let is_rejected = !verify(verifier, message, &sign(signer, message));
        rejected.fetch_add(u64::from(is_rejected), Ordering::SeqCst);
        messages.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_accept_each_others_signatures_throughout_a_rotation_and_a_rollback() {
    let (fake, directory) = (fake(), tempfile::tempdir().unwrap());
    fake.seed(&id(NAME), OLD);
    let processes = [Process::start(&fake).await, Process::start(&fake).await];
    let traffic = Traffic::start(&processes);
    let uses = |version: &secrets::VersionId| {
        processes.iter().all(|process| process.key.load().unwrap().primary().id() == version)
    };
    let mut rotation = begin(&fake, NAME, &directory.path().join("plan"), OVERLAP).await;
    rotation.create(&NewValue::Generated).await.unwrap();
    let (to, from) = (rotation.status().to, rotation.status().from);
    until("both accept it", || processes.iter().all(|process| process.accepts_version(&to))).await;
    traffic.more().await;
    rotation.finish(Distribution::Reported).await.unwrap();
    until("both sign with it", || uses(&to)).await;
    traffic.more().await;
    rotation.rollback().await.unwrap();
    until("both sign with the previous version", || uses(&from)).await;
    traffic.more().await;
    let (messages, rejected) = (traffic.messages(), traffic.rejected());
    assert_eq!(rejected, 0, "of {messages}");
    fake.assert_one_current(&id(NAME));
    eprintln!("signing key rotated and rolled back: {messages} signatures, 0 rejected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_step_signatures_are_rejected() {
    let fake = fake();
    fake.seed(&id(NAME), OLD);
    let processes = [Process::start(&fake).await, Process::start(&fake).await];
    let traffic = Traffic::start(&processes);
    let accept = |text: &str| {
        let has = |process: &Process| process.key.load().unwrap().verify_eq(text.as_bytes()).is_some();
        processes.iter().all(has)
    };
    // Two processes that happen to refresh at once would make one change seamless, but not every one.
    for text in [NEW, OLD, NEW, OLD, NEW] {
        fake.seed(&id(NAME), text);
        // One of them refreshes first, as always.
        processes[0].secrets.reload().await;
        until("both have it", || accept(text)).await;
        if traffic.rejected() > 0 {
            break;
        }
    }
    let (messages, rejected) = (traffic.messages(), traffic.rejected());
    assert!(rejected > 0, "none of {messages}");
    eprintln!("signing key in one step: {messages} signatures, {rejected} rejected");
}
