//! Remote values that local values shadow.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrets::{Event, Profile, Secrets, Warning};

use crate::fixture::{Fixture, keys, text};
use crate::scripted::{self, Scripted, not_found};

const NAME: &str = "polygon_api_key";
/// Longer than the time between two reads of shadowed values.
const NEXT_READ: Duration = Duration::from_secs(17 * 60);

/// Responses of the service: no secret, the local value, another value, or an error.
const NOTHING: usize = 0;
const SAME: usize = 1;
const ANOTHER: usize = 2;
const DOWN: usize = 3;

fn service() -> (Scripted, Arc<AtomicUsize>) {
    let content = Arc::new(AtomicUsize::new(NOTHING));
    let state = Arc::clone(&content);
    let service = Scripted::new(move |spec, _| match state.load(Ordering::SeqCst) {
        NOTHING => Err(not_found(spec)),
        SAME => Ok("of-this-machine"),
        ANOTHER => Ok("of-the-service"),
        _ => Err(scripted::throttled(spec)),
    });
    (service, content)
}

/// A process with the value on this machine, and its notices of shadowed values.
async fn process(fixture: &Fixture, service: Scripted) -> (Secrets, Arc<Mutex<Vec<String>>>) {
    fixture.file(NAME, "of-this-machine");
    let notices: Arc<Mutex<Vec<String>>> = Arc::default();
    let recorded = Arc::clone(&notices);
    let recorder: secrets::Recorder = Arc::new(move |event| {
        if let Event::Notice(notice) = event
            && matches!(notice.warning, Warning::ShadowsOther { .. })
        {
            recorded.lock().unwrap().push(notice.to_string());
        }
    });
    let builder = fixture.builder(Profile::Production, keys(&[NAME])).source(service);
    (builder.recorder(recorder).build().await.unwrap(), notices)
}

fn differs(secrets: &Secrets) -> Vec<bool> {
    let version = secrets.report().get(NAME).unwrap().version.clone().unwrap();
    version.shadowed.iter().map(|shadow| shadow.differs).collect()
}

#[tokio::test(start_paused = true)]
async fn a_shadowed_remote_value_is_reported_once_while_the_process_runs() {
    let (fixture, (service, content)) = (Fixture::new(), service());
    let (secrets, notices) = process(&fixture, service.clone()).await;
    let watch = tokio::spawn(secrets.clone().watch());
    assert!(differs(&secrets).is_empty());
    content.store(SAME, Ordering::SeqCst);
    tokio::time::sleep(NEXT_READ).await;
    assert_eq!((differs(&secrets), notices.lock().unwrap().len()), (vec![false], 0));
    content.store(ANOTHER, Ordering::SeqCst);
    tokio::time::sleep(4 * NEXT_READ).await;
    assert_eq!(differs(&secrets), [true]);
    let mount = fixture.path(NAME);
    let expected = format!(
        "secret {NAME} in file {} shadows another value, in AWS secret test/polygon-api-key in eu-central-1: remove one of the two",
        mount.display()
    );
    assert_eq!(*notices.lock().unwrap(), [expected]);
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("of-this-machine"), "the earlier source is used");

    // The cached value counts while the service fails, but not after the secret is deleted there.
    content.store(DOWN, Ordering::SeqCst);
    tokio::time::sleep(NEXT_READ).await;
    assert_eq!(differs(&secrets), [true]);
    content.store(NOTHING, Ordering::SeqCst);
    tokio::time::sleep(NEXT_READ).await;
    assert_eq!((differs(&secrets), notices.lock().unwrap().len()), (vec![], 1));
    // 7 times 17 minutes at one read in 15 minutes and a poll of a minute, and the first one.
    assert!((7..=9).contains(&service.calls()), "{} calls", service.calls());
    watch.abort();
}

#[tokio::test(start_paused = true)]
async fn a_shadowed_remote_source_never_fails_a_search() {
    let (fixture, (service, content)) = (Fixture::new(), service());
    content.store(DOWN, Ordering::SeqCst);
    let (secrets, _) = process(&fixture, service).await;
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("of-this-machine"));
    content.store(ANOTHER, Ordering::SeqCst);
    assert!(secrets.reload().await.failed.is_empty());
    assert_eq!(differs(&secrets), [true], "a reload reads shadowed values, too");
    // Without the value of this machine, the other one is used, and shadows nothing.
    std::fs::remove_file(fixture.path(NAME)).unwrap();
    secrets.reload().await;
    assert_eq!((text(&secrets, NAME).as_deref(), differs(&secrets)), (Ok("of-the-service"), vec![]));
}
