//! A key that signs, rotated while one process signs and another verifies, each with its own view of the secret.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hmac::{Hmac, Mac};
use secrets::rotation::{Distribution, NewValue};
use secrets::{Catalogue, Profile, SecretHandle, SecretValue, Secrets};
use sha2::Sha256;
use tests::secrets_manager::FakeSecretsManager;
use tokio::task::JoinHandle;

use crate::stage::{OVERLAP, begin, clock, fake, id, manager, spec, until};

const NAME: &str = "jwt_secret";
const OLD: &str = "b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xkLW9sZCE=";
const NEW: &str = "bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3LW5ldyE=";
/// One message each so often, signed by one process and verified by the other, in turns.
const PERIOD: Duration = Duration::from_millis(2);
/// Enough of them that a moment in which some are refused is not missed.
const MANY: u64 = 250;

/// One process's view.
struct Process {
    secrets: Secrets,
    key: SecretHandle,
    watch: JoinHandle<()>,
}

impl Process {
    async fn start(fake: &FakeSecretsManager) -> Self {
        let catalogue = Catalogue::new([spec(NAME)]).unwrap();
        let secrets = Secrets::builder(Profile::Development, catalogue, clock());
        let secrets = secrets.provider(manager(fake).await).build().await.unwrap();
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

/// Messages that are signed and verified until this is dropped.
struct Traffic {
    sent: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Traffic {
    fn start(processes: &[Process; 2]) -> Self {
        let keys = processes.each_ref().map(|process| process.key.clone());
        let (sent, refused) = <(Arc<AtomicU64>, Arc<AtomicU64>)>::default();
        let task = tokio::spawn(exchange(keys, Arc::clone(&sent), Arc::clone(&refused)));
        Self { sent, refused, task }
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    fn refused(&self) -> u64 {
        self.refused.load(Ordering::SeqCst)
    }

    /// Waits until many more were signed and verified.
    async fn more(&self) {
        let wanted = self.sent() + MANY;
        until("more messages", || self.sent() >= wanted).await;
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn exchange(keys: [SecretHandle; 2], sent: Arc<AtomicU64>, refused: Arc<AtomicU64>) {
    let mut ticks = tokio::time::interval(PERIOD);
    let [one, two] = &keys;
    for message in 0.. {
        ticks.tick().await;
        let (signer, verifier) = if message % 2 == 0 { (one, two) } else { (two, one) };
        let is_refused = !verify(verifier, message, &sign(signer, message));
        refused.fetch_add(u64::from(is_refused), Ordering::SeqCst);
        sent.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_signs_the_other_accepts_at_every_moment_of_a_rotation_and_of_a_rollback() {
    let (fake, place) = (fake(), tempfile::tempdir().unwrap());
    fake.seed(&id(NAME), OLD);
    let processes = [Process::start(&fake).await, Process::start(&fake).await];
    let traffic = Traffic::start(&processes);
    let uses = |version: &secrets::VersionId| {
        processes.iter().all(|process| process.key.load().unwrap().primary().id() == version)
    };
    let mut rotation = begin(&fake, NAME, &place.path().join("plan"), OVERLAP).await;
    rotation.create(&NewValue::Generated).await.unwrap();
    let (to, from) = (rotation.status().to, rotation.status().from);
    until("both accept it", || processes.iter().all(|process| process.accepts_version(&to))).await;
    traffic.more().await;
    rotation.finish(Distribution::Reported).await.unwrap();
    until("both sign with it", || uses(&to)).await;
    traffic.more().await;
    rotation.rollback().await.unwrap();
    until("both sign with the one before", || uses(&from)).await;
    traffic.more().await;
    let (sent, refused) = (traffic.sent(), traffic.refused());
    assert_eq!(refused, 0, "of {sent}");
    fake.assert_one_current(&id(NAME));
    eprintln!("signing key rotated and rolled back: {sent} signatures, 0 refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_step_signatures_are_refused() {
    let fake = fake();
    fake.seed(&id(NAME), OLD);
    let processes = [Process::start(&fake).await, Process::start(&fake).await];
    let traffic = Traffic::start(&processes);
    let accept = |text: &str| {
        let has = |process: &Process| process.key.load().unwrap().verify_eq(text.as_bytes()).is_some();
        processes.iter().all(has)
    };
    // Two that happen to look at the same moment would make one change seamless, but not one after another.
    for text in [NEW, OLD, NEW, OLD, NEW] {
        fake.seed(&id(NAME), text);
        // One of them is told first, as always one is.
        processes[0].secrets.reload().await;
        until("both have it", || accept(text)).await;
        if traffic.refused() > 0 {
            break;
        }
    }
    let (sent, refused) = (traffic.sent(), traffic.refused());
    assert!(refused > 0, "none of {sent}");
    eprintln!("signing key in one step: {sent} signatures, {refused} refused");
}
