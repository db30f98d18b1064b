//! What a place that costs a call has behind a value of this machine, and which secrets it is asked for at all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrets::{Error, Event, Misuse, Profile, Secrets, Warning};

use crate::scripted::{self, Scripted, not_found};
use crate::stage::{Stage, keys, text};

const NAME: &str = "polygon_api_key";
/// Above the time between two looks behind the values of this machine.
const NEXT_LOOK: Duration = Duration::from_secs(17 * 60);

/// What the service has: nothing, the value of this machine, another one, or no answer.
const NOTHING: usize = 0;
const SAME: usize = 1;
const ANOTHER: usize = 2;
const DOWN: usize = 3;

fn service() -> (Scripted, Arc<AtomicUsize>) {
    let has = Arc::new(AtomicUsize::new(NOTHING));
    let state = Arc::clone(&has);
    let service = Scripted::new(move |spec, _| match state.load(Ordering::SeqCst) {
        NOTHING => Err(not_found(spec)),
        SAME => Ok("of-this-machine"),
        ANOTHER => Ok("of-the-service"),
        _ => Err(scripted::throttled(spec)),
    });
    (service, has)
}

/// A process with the value on this machine, and how often it was told that another one is hidden.
async fn process(stage: &Stage, service: Scripted) -> (Secrets, Arc<Mutex<Vec<String>>>) {
    stage.file(NAME, "of-this-machine");
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let hear = Arc::clone(&told);
    let recorder: secrets::Recorder = Arc::new(move |event| {
        if let Event::Noticed(notice) = event
            && matches!(notice.warning, Warning::HidesAnother { .. })
        {
            hear.lock().unwrap().push(notice.to_string());
        }
    });
    let builder = stage.builder(Profile::Production, keys(&[NAME])).provider(service);
    (builder.recorder(recorder).build().await.unwrap(), told)
}

fn differs(secrets: &Secrets) -> Vec<bool> {
    let version = secrets.report().get(NAME).unwrap().version.clone().unwrap();
    version.shadowed.iter().map(|shadow| shadow.differs).collect()
}

#[tokio::test(start_paused = true)]
async fn a_value_that_hides_one_of_the_service_is_told_once_while_the_process_runs() {
    let (stage, (service, has)) = (Stage::new(), service());
    let asked = service.clone();
    let (secrets, told) = process(&stage, service).await;
    let watch = tokio::spawn(secrets.clone().watch());
    assert!(differs(&secrets).is_empty());
    has.store(SAME, Ordering::SeqCst);
    tokio::time::sleep(NEXT_LOOK).await;
    assert_eq!((differs(&secrets), told.lock().unwrap().len()), (vec![false], 0));
    has.store(ANOTHER, Ordering::SeqCst);
    tokio::time::sleep(4 * NEXT_LOOK).await;
    assert_eq!(differs(&secrets), [true]);
    let mount = stage.path(NAME);
    let expected = format!(
        "secret {NAME} in file {} hides another value, in AWS secret test/polygon-api-key in eu-central-1: remove one of the two",
        mount.display()
    );
    assert_eq!(*told.lock().unwrap(), [expected]);
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("of-this-machine"), "the earlier place counts");

    // What is known is believed while the service does not answer, and forgotten when the secret is gone there.
    has.store(DOWN, Ordering::SeqCst);
    tokio::time::sleep(NEXT_LOOK).await;
    assert_eq!(differs(&secrets), [true]);
    has.store(NOTHING, Ordering::SeqCst);
    tokio::time::sleep(NEXT_LOOK).await;
    assert_eq!((differs(&secrets), told.lock().unwrap().len()), (vec![], 1));
    // 7 times 17 minutes at one look in 15 minutes and a poll of a minute, and the first one.
    assert!((7..=9).contains(&asked.calls()), "{} calls", asked.calls());
    watch.abort();
}

#[tokio::test(start_paused = true)]
async fn what_the_service_says_behind_a_value_of_this_machine_never_fails_a_search() {
    let (stage, (service, has)) = (Stage::new(), service());
    has.store(DOWN, Ordering::SeqCst);
    let (secrets, _) = process(&stage, service).await;
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("of-this-machine"));
    has.store(ANOTHER, Ordering::SeqCst);
    assert!(secrets.reload().await.failed.is_empty());
    assert_eq!(differs(&secrets), [true], "a hangup signal looks behind, too");
    // When the value of this machine goes, the other one takes over, and nothing is behind it.
    std::fs::remove_file(stage.path(NAME)).unwrap();
    secrets.reload().await;
    assert_eq!((text(&secrets, NAME).as_deref(), differs(&secrets)), (Ok("of-the-service"), vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_service_is_asked_for_the_secrets_in_use_and_for_no_other() {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let note = Arc::clone(&asked);
    let service = Scripted::new(move |spec, _| {
        note.lock().unwrap().push(spec.name.to_string());
        if spec.name.as_str() == NAME { Ok("of-the-service") } else { Err(scripted::throttled(spec)) }
    });
    let stage = Stage::new();
    stage.file("local_key", "of-this-machine");
    let names = [NAME, "other_key", "local_key", "needed_key"];
    let builder = || stage.builder(Profile::Production, keys(&names)).using(&[NAME]);
    let secrets = builder().provider(service.clone()).build().await.unwrap();
    let watch = tokio::spawn(secrets.clone().watch());
    tokio::time::sleep(NEXT_LOOK).await;
    assert!(asked.lock().unwrap().iter().all(|name| name == NAME), "{asked:?}");
    // Seldom, though the others are not found: nobody waits for them.
    assert!((4..=8).contains(&service.calls()), "{} calls", service.calls());
    let refused = secrets.handle("other_key", "test").map(drop);
    assert_eq!(refused, Err(Error::Config(Misuse::Unused("other_key".parse().unwrap()))));
    let local = secrets.report().get("local_key").unwrap().version.clone();
    assert!(local.is_some(), "this machine is looked at for every secret");
    watch.abort();

    // What is required is used, and what is undeclared is neither.
    let required = builder().provider(service).require("needed_key").build().await;
    assert!(required.is_err() && asked.lock().unwrap().iter().any(|name| name == "needed_key"));
    let unknown = stage.builder(Profile::Production, keys(&names)).using(&["nobodys_key"]).build().await;
    assert!(unknown.is_err_and(|problems| problems.to_string().contains("nobodys_key is not declared")));
}
