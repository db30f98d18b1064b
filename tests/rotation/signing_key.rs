//! A key that signs, rotated while one process signs and another verifies, each with its own view of the secret.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, Mac};
use secrets::rotation::{Distribution, NewValue};
use secrets::{Catalogue, Profile, SecretHandle, SecretValue, Secrets};
use sha2::Sha256;
use tests::secrets_manager::FakeSecretsManager;
use tokio::task::JoinHandle;

use crate::stage::{OVERLAP, TTL, begin, clock, fake, id, manager, spec, until};

const NAME: &str = "jwt_secret";
const OLD: &str = "b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xkLW9sZCE=";
const NEW: &str = "bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3LW5ldyE=";
/// One message each so often, signed by one process and verified by the other, in turns.
const PERIOD: Duration = Duration::from_millis(2);

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

/// Signs and verifies until told to stop; gives how many messages there were, and how many were refused.
fn traffic(keys: [SecretHandle; 2], stop: Arc<tokio::sync::Notify>) -> JoinHandle<(u64, u64)> {
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(PERIOD);
        let (mut sent, mut refused) = (0, 0);
        loop {
            tokio::select! {
                () = stop.notified() => return (sent, refused),
                _ = ticks.tick() => {}
            }
            let [one, two] = &keys;
            let (signer, verifier) = if sent % 2 == 0 { (one, two) } else { (two, one) };
            refused += u64::from(!verify(verifier, sent, &sign(signer, sent)));
            sent += 1;
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_signs_the_other_accepts_at_every_moment_of_a_rotation_and_of_a_rollback() {
    let (fake, place) = (fake(), tempfile::tempdir().unwrap());
    fake.seed(&id(NAME), OLD);
    let processes = [Process::start(&fake).await, Process::start(&fake).await];
    let stop = Arc::new(tokio::sync::Notify::new());
    let traffic = traffic(processes.each_ref().map(|process| process.key.clone()), Arc::clone(&stop));
    let uses = |version: &secrets::VersionId| {
        processes.iter().all(|process| process.key.load().unwrap().primary().id() == version)
    };
    let mut rotation = begin(&fake, NAME, &place.path().join("plan"), OVERLAP).await;
    rotation.create(&NewValue::Generated).await.unwrap();
    let (to, from) = (rotation.status().to, rotation.status().from);
    until("both accept it", || processes.iter().all(|process| process.accepts_version(&to))).await;
    rotation.finish(Distribution::Reported).await.unwrap();
    until("both sign with it", || uses(&to)).await;
    tokio::time::sleep(TTL).await;
    rotation.rollback().await.unwrap();
    until("both sign with the one before", || uses(&from)).await;
    tokio::time::sleep(TTL).await;
    stop.notify_one();
    let (sent, refused) = traffic.await.unwrap();
    assert!(sent > 500, "{sent}");
    assert_eq!(refused, 0, "of {sent}");
    fake.assert_one_current(&id(NAME));
    eprintln!("signing key rotated and rolled back: {sent} signatures, 0 refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_step_signatures_are_refused() {
    let fake = fake();
    fake.seed(&id(NAME), OLD);
    let processes = [Process::start(&fake).await, Process::start(&fake).await];
    let stop = Arc::new(tokio::sync::Notify::new());
    let traffic = traffic(processes.each_ref().map(|process| process.key.clone()), Arc::clone(&stop));
    tokio::time::sleep(TTL / 4).await;
    fake.seed(&id(NAME), NEW);
    // One of them is told first, as always one is.
    processes[0].secrets.reload().await;
    tokio::time::sleep(3 * TTL).await;
    stop.notify_one();
    let (sent, refused) = traffic.await.unwrap();
    assert!(refused > 0, "none of {sent}");
    eprintln!("signing key in one step: {sent} signatures, {refused} refused");
}
