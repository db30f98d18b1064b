//! Reloads: the changes they make, and how often they query a source.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrets::{ErrorKind, Event, Freshness, Profile};

use crate::fixture::{Fixture, keys, text};
use crate::scripted::{self, Scripted};

const NAME: &str = "polygon_api_key";

#[tokio::test]
async fn a_new_value_reaches_existing_handles() {
    let fixture = Fixture::new();
    fixture.file(NAME, "first-value-9q");
    let secrets = fixture.builder(Profile::Production, keys(&[NAME])).build().await.unwrap();
    let mut handle = secrets.handle(NAME, "test").unwrap();
    let before = handle.load().unwrap();
    fixture.file(NAME, "second-value-3x");
    assert_eq!(secrets.reload().await.changed.len(), 1);
    handle.changed().await;
    assert!(handle.load().unwrap().value().verify_eq(b"second-value-3x"));
    assert!(before.value().verify_eq(b"first-value-9q"), "a loaded set does not change");
    assert!(secrets.reload().await.changed.is_empty());
}

#[tokio::test]
async fn a_secret_that_appears_later_is_found() {
    let fixture = Fixture::new();
    let secrets = fixture.builder(Profile::Production, keys(&[NAME])).build().await.unwrap();
    let mut handle = secrets.handle(NAME, "test").unwrap();
    assert_eq!(handle.health().freshness, Freshness::Absent);
    fixture.file(NAME, "late-value-7k");
    secrets.reload().await;
    handle.changed().await;
    assert!(handle.load().unwrap().value().verify_eq(b"late-value-7k"));
}

#[tokio::test]
async fn an_unacceptable_new_value_never_replaces_a_good_one() {
    let fixture = Fixture::new();
    fixture.file(NAME, "good-value-5t");
    let secrets = fixture.builder(Profile::Production, keys(&[NAME])).build().await.unwrap();
    let handle = secrets.handle(NAME, "test").unwrap();
    let bad: [(&[u8], ErrorKind); 4] = [
        (b"", ErrorKind::Invalid),
        (b"two\nlines", ErrorKind::Invalid),
        (b"changeme", ErrorKind::Policy),
        (b"aaaaaaaa", ErrorKind::Policy),
    ];
    for (contents, kind) in bad {
        fixture.file(NAME, contents);
        let reloaded = secrets.reload().await;
        assert!(reloaded.changed.is_empty());
        assert_eq!(reloaded.failed.iter().map(secrets::Error::kind).collect::<Vec<_>>(), [kind]);
        assert!(handle.load().unwrap().value().verify_eq(b"good-value-5t"));
        assert!(matches!(handle.health().freshness, Freshness::Stale { why, .. } if why == kind));
    }
    fixture.file(NAME, "fixed-value-2w");
    assert_eq!(secrets.reload().await.changed.len(), 1);
    assert_eq!(handle.health().freshness, Freshness::Fresh);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_share_searches_and_none_gets_an_older_result() {
    let service = Scripted::new(|_, _| Ok("a-value-8d")).delayed(Duration::from_millis(50));
    let secrets = scripted::secrets(service.clone(), &[NAME]).await;
    for callers in [1, 10, 100, 1_000] {
        let before = service.calls();
        let reloads: Vec<_> = (0..callers)
            .map(|_| {
                tokio::spawn({
                    let secrets = secrets.clone();
                    async move { secrets.reload().await }
                })
            })
            .collect();
        for reload in reloads {
            assert!(reload.await.unwrap().failed.is_empty());
        }
        assert_eq!(service.calls() - before, 1, "{callers} callers");
    }
    // A caller during a search needs a search that starts after its call.
    let before = service.calls();
    let early = tokio::spawn({
        let secrets = secrets.clone();
        async move { secrets.reload().await }
    });
    tokio::time::sleep(Duration::from_millis(10)).await;
    secrets.reload().await;
    early.await.unwrap();
    assert_eq!(service.calls() - before, 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_does_not_stop_the_search() {
    let service = Scripted::new(|_, before| Ok(if before == 0 { "old-value-1f" } else { "new-value-6b" }));
    let service = service.delayed(Duration::from_millis(50));
    let secrets = scripted::secrets(service.clone(), &[NAME]).await;
    let mut handle = secrets.handle(NAME, "test").unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(10), secrets.reload()).await.is_err());
    handle.changed().await;
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("new-value-6b"));
    assert_eq!(service.calls(), 2);
}

#[tokio::test]
async fn a_search_that_panics_leaves_the_good_value_and_the_next_search_works() {
    let service = Scripted::new(|_, before| match before {
        1 => panic!("a test's panic"),
        _ => Ok("a-value-8d"),
    });
    let secrets = scripted::secrets(service, &[NAME]).await;
    assert_eq!(
        secrets.reload().await.failed.iter().map(secrets::Error::kind).collect::<Vec<_>>(),
        [ErrorKind::Internal]
    );
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("a-value-8d"));
    assert!(secrets.reload().await.failed.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_visible_and_bounded() {
    let service = Scripted::new(
        |spec, before| if before == 0 { Ok("a-value-8d") } else { Err(scripted::throttled(spec)) },
    );
    let secrets = scripted::secrets(service, &[NAME]).await;
    let handle = secrets.handle(NAME, "test").unwrap();
    secrets.reload().await;
    assert!(handle.load().is_ok());
    assert!(matches!(handle.health().freshness, Freshness::Stale { why: ErrorKind::Unavailable, .. }));
    tokio::time::advance(Duration::from_secs(24 * 3600)).await;
    assert_eq!(handle.load().unwrap_err().kind(), ErrorKind::Expired);
}

#[tokio::test]
async fn events_are_reported_once_and_a_lost_record_is_counted() {
    let fixture = Fixture::new();
    fixture.file(NAME, "changeme");
    let events = Arc::new(Mutex::new(Vec::new()));
    let recorder = Arc::clone(&events);
    let secrets = fixture
        .builder(Profile::Development, keys(&[NAME]))
        .recorder(Arc::new(move |event| recorder.lock().unwrap().push(label(event))))
        .audit(Arc::new(|event| {
            if matches!(event, Event::HandleOpened { .. }) { Err(secrets::AuditError) } else { Ok(()) }
        }))
        .build()
        .await
        .unwrap();
    secrets.reload().await;
    let _handle = secrets.handle(NAME, "test").unwrap();
    fixture.file(NAME, "a-value-8d");
    secrets.reload().await;
    let expected = ["notice", "resolved", "confirmed", "handle opened", "audit lost", "changed"];
    assert_eq!(*events.lock().unwrap(), expected);
}

fn label(event: &Event) -> &'static str {
    match event {
        Event::Resolved { .. } => "resolved",
        Event::Confirmed { .. } => "confirmed",
        Event::Changed { .. } => "changed",
        Event::RefreshFailed { .. } => "failed",
        Event::Notice(_) => "notice",
        Event::AuditLost => "audit lost",
        Event::HandleOpened { .. } => "handle opened",
        _ => "other",
    }
}

/// Reading a file is an event, too: a watch that reacted to it would never stop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_is_idle_when_nothing_changes() {
    let fixture = Fixture::new();
    fixture.file(NAME, "a-value-8d");
    let service = Scripted::new(|spec, _| Err(scripted::not_found(spec)));
    let catalogue = keys(&[NAME, "absent_key"]);
    let events = Arc::new(Mutex::new(Vec::new()));
    let recorder = Arc::clone(&events);
    let secrets = fixture
        .builder(Profile::Production, catalogue)
        .source(service.clone())
        .recorder(Arc::new(move |event| recorder.lock().unwrap().push(label(event))))
        .build()
        .await
        .unwrap();
    let watch = tokio::spawn(secrets.watch());
    let start = std::time::Instant::now();
    while events.lock().unwrap().len() < 2 && start.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(
        *events.lock().unwrap(),
        ["resolved", "confirmed"],
        "found at the start, and by the watch's first poll"
    );
    // The absent key and the shadowed value are read at the start, and not due again.
    assert_eq!((service.calls(), service.batches()), (2, 1));
    watch.abort();
}
