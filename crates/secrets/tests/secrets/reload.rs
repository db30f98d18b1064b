//! Looking again: what changes, what does not, and how often a place is asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrets::{Event, Freshness, Kind, Profile, Secrets};

use crate::scripted::{self, Scripted};
use crate::stage::{Stage, clock, keys, text};

const NAME: &str = "polygon_api_key";

#[tokio::test]
async fn a_new_value_reaches_handles_that_were_handed_out() {
    let stage = Stage::new();
    stage.file(NAME, "first-value-9q");
    let secrets = stage.builder(Profile::Production, keys(&[NAME])).build().await.unwrap();
    let mut handle = secrets.handle(NAME, "test").unwrap();
    let before = handle.load().unwrap();
    stage.file(NAME, "second-value-3x");
    assert_eq!(secrets.reload().await.changed.len(), 1);
    handle.changed().await;
    assert!(handle.load().unwrap().value().verify_eq(b"second-value-3x"));
    assert!(before.value().verify_eq(b"first-value-9q"), "a set that is held does not change");
    assert!(secrets.reload().await.changed.is_empty());
}

#[tokio::test]
async fn a_secret_that_comes_later_is_found() {
    let stage = Stage::new();
    let secrets = stage.builder(Profile::Production, keys(&[NAME])).build().await.unwrap();
    let mut handle = secrets.handle(NAME, "test").unwrap();
    assert_eq!(handle.health().freshness, Freshness::Absent);
    stage.file(NAME, "late-value-7k");
    secrets.reload().await;
    handle.changed().await;
    assert!(handle.load().unwrap().value().verify_eq(b"late-value-7k"));
}

#[tokio::test]
async fn an_unacceptable_new_value_never_replaces_a_good_one() {
    let stage = Stage::new();
    stage.file(NAME, "good-value-5t");
    let secrets = stage.builder(Profile::Production, keys(&[NAME])).build().await.unwrap();
    let handle = secrets.handle(NAME, "test").unwrap();
    let spoilt: [(&[u8], Kind); 4] = [
        (b"", Kind::Invalid),
        (b"two\nlines", Kind::Invalid),
        (b"changeme", Kind::Policy),
        (b"aaaaaaaa", Kind::Policy),
    ];
    for (contents, kind) in spoilt {
        stage.file(NAME, contents);
        let reloaded = secrets.reload().await;
        assert!(reloaded.changed.is_empty());
        assert_eq!(reloaded.failed.iter().map(secrets::Error::kind).collect::<Vec<_>>(), [kind]);
        assert!(handle.load().unwrap().value().verify_eq(b"good-value-5t"));
        assert!(matches!(handle.health().freshness, Freshness::Stale { why, .. } if why == kind));
    }
    stage.file(NAME, "mended-value-2w");
    assert_eq!(secrets.reload().await.changed.len(), 1);
    assert_eq!(handle.health().freshness, Freshness::Fresh);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_share_searches_and_none_of_them_reads_the_past() {
    let service = Scripted::new(|_, _| Ok("a-value-8d")).taking(Duration::from_millis(50));
    let asked = service.clone();
    let secrets = Secrets::builder(Profile::Production, keys(&[NAME]), clock())
        .provider(service)
        .build()
        .await
        .unwrap();
    for callers in [1, 10, 100, 1_000] {
        let before = asked.calls();
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
        assert_eq!(asked.calls() - before, 1, "{callers} callers");
    }
    // One that asks while a search is under way needs a search that begins after it asked.
    let before = asked.calls();
    let early = tokio::spawn({
        let secrets = secrets.clone();
        async move { secrets.reload().await }
    });
    tokio::time::sleep(Duration::from_millis(10)).await;
    secrets.reload().await;
    early.await.unwrap();
    assert_eq!(asked.calls() - before, 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_does_not_stop_the_search() {
    let service = Scripted::new(|_, before| Ok(if before == 0 { "old-value-1f" } else { "new-value-6b" }));
    let service = service.taking(Duration::from_millis(50));
    let asked = service.clone();
    let secrets = Secrets::builder(Profile::Production, keys(&[NAME]), clock())
        .provider(service)
        .build()
        .await
        .unwrap();
    let mut handle = secrets.handle(NAME, "test").unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(10), secrets.reload()).await.is_err());
    handle.changed().await;
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("new-value-6b"));
    assert_eq!(asked.calls(), 2);
}

#[tokio::test]
async fn a_search_that_panics_leaves_the_good_value_and_the_next_search_works() {
    let service = Scripted::new(|_, before| match before {
        1 => panic!("a test's panic"),
        _ => Ok("a-value-8d"),
    });
    let secrets = Secrets::builder(Profile::Production, keys(&[NAME]), clock())
        .provider(service)
        .build()
        .await
        .unwrap();
    assert_eq!(
        secrets.reload().await.failed.iter().map(secrets::Error::kind).collect::<Vec<_>>(),
        [Kind::Internal]
    );
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("a-value-8d"));
    assert!(secrets.reload().await.failed.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_visible_and_bounded() {
    let service = Scripted::new(
        |spec, before| if before == 0 { Ok("a-value-8d") } else { Err(scripted::throttled(spec)) },
    );
    let secrets = Secrets::builder(Profile::Production, keys(&[NAME]), clock())
        .provider(service)
        .build()
        .await
        .unwrap();
    let handle = secrets.handle(NAME, "test").unwrap();
    secrets.reload().await;
    assert!(handle.load().is_ok());
    assert!(matches!(handle.health().freshness, Freshness::Stale { why: Kind::Unavailable, .. }));
    tokio::time::advance(Duration::from_secs(24 * 3600)).await;
    assert_eq!(handle.load().unwrap_err().kind(), Kind::Expired);
}

#[tokio::test]
async fn what_happens_is_told_once_and_a_lost_record_is_counted() {
    let stage = Stage::new();
    stage.file(NAME, "changeme");
    let told = Arc::new(Mutex::new(Vec::new()));
    let recorder = Arc::clone(&told);
    let secrets = stage
        .builder(Profile::Development, keys(&[NAME]))
        .recorder(Arc::new(move |event| recorder.lock().unwrap().push(label(event))))
        .audit(Arc::new(|event| {
            if matches!(event, Event::Handed { .. }) { Err(secrets::AuditFailed) } else { Ok(()) }
        }))
        .build()
        .await
        .unwrap();
    secrets.reload().await;
    let _handle = secrets.handle(NAME, "test").unwrap();
    stage.file(NAME, "a-value-8d");
    secrets.reload().await;
    let expected = ["noticed", "resolved", "confirmed", "handed", "audit lost", "changed"];
    assert_eq!(*told.lock().unwrap(), expected);
}

fn label(event: &Event) -> &'static str {
    match event {
        Event::Resolved { .. } => "resolved",
        Event::Confirmed { .. } => "confirmed",
        Event::Changed { .. } => "changed",
        Event::RefreshFailed { .. } => "failed",
        Event::Noticed(_) => "noticed",
        Event::AuditLost => "audit lost",
        Event::Handed { .. } => "handed",
        _ => "another",
    }
}

/// Reading a file is an event, too: a watch that answered it would never rest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_rests_when_nothing_changes() {
    let stage = Stage::new();
    stage.file(NAME, "a-value-8d");
    let service = Scripted::new(|spec, _| Err(scripted::not_found(spec)));
    let asked = service.clone();
    let catalogue = keys(&[NAME, "absent_key"]);
    let told = Arc::new(Mutex::new(Vec::new()));
    let recorder = Arc::clone(&told);
    let secrets = stage
        .builder(Profile::Production, catalogue)
        .provider(service)
        .recorder(Arc::new(move |event| recorder.lock().unwrap().push(label(event))))
        .build()
        .await
        .unwrap();
    let watch = tokio::spawn(secrets.watch());
    let begun = std::time::Instant::now();
    while told.lock().unwrap().len() < 2 && begun.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(
        *told.lock().unwrap(),
        ["resolved", "confirmed"],
        "found at the start, and by the watch's first poll"
    );
    // The absent key, and what is behind the file, are looked for at the start, and not due again.
    assert_eq!((asked.calls(), asked.batches()), (2, 1));
    watch.abort();
}
