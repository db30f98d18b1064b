//! The times at which remote sources are queried, under a paused clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use secrets::{ErrorKind, Event, Freshness, Profile, Secrets};

use crate::fixture::{Fixture, clock, keys, text};
use crate::scripted::{self, Scripted};

const NAME: &str = "polygon_api_key";
const HOUR: Duration = Duration::from_secs(3_600);

/// A service that a test can turn off and on.
fn switchable() -> (Scripted, Arc<AtomicBool>) {
    let is_down = Arc::new(AtomicBool::new(false));
    let down = Arc::clone(&is_down);
    let service = Scripted::new(move |spec, _| match (down.load(Ordering::SeqCst), spec.name.as_str()) {
        (true, _) => Err(scripted::throttled(spec)),
        (false, "other_key") => Ok("other-value-2w"),
        (false, _) => Ok("a-value-8d"),
    });
    (service, is_down)
}

#[tokio::test(start_paused = true)]
async fn good_values_are_read_together_after_three_quarters_of_the_ttl_to_all_of_it() {
    let (service, _) = switchable();
    let secrets = scripted::secrets(service.clone(), &[NAME, "other_key"]).await;
    let handle = secrets.handle(NAME, "test").unwrap();
    let watch = tokio::spawn(secrets.watch());
    for _ in 0..120 {
        tokio::time::sleep(HOUR / 120).await;
        assert_eq!(handle.health().freshness, Freshness::Fresh);
    }
    // 3,600 s / 300 s and 3,600 s / 225 s, and the first one.
    assert!((13..=17).contains(&service.batches()), "{} batches", service.batches());
    assert_eq!(service.calls(), 2 * service.batches(), "both in one call");
    watch.abort();
}

#[tokio::test(start_paused = true)]
async fn an_outage_causes_pauses_and_recovery_is_noticed_within_the_longest_pause() {
    let (service, is_down) = switchable();
    let secrets = scripted::secrets(service.clone(), &[NAME]).await;
    let handle = secrets.handle(NAME, "test").unwrap();
    let watch = tokio::spawn(secrets.watch());
    is_down.store(true, Ordering::SeqCst);
    tokio::time::sleep(HOUR).await;
    assert!(handle.load().is_ok(), "an API key is served for a day");
    assert!(matches!(handle.health().freshness, Freshness::Stale { why: ErrorKind::Unavailable, .. }));
    // Without pauses the first second alone would bring thousands of calls.
    assert!(service.calls() < 80, "{} calls", service.calls());
    is_down.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(301)).await;
    assert_eq!(handle.health().freshness, Freshness::Fresh);
    watch.abort();
}

#[tokio::test(start_paused = true)]
async fn changed_files_cause_no_call_and_removed_files_cause_one_at_once() {
    let (service, _) = switchable();
    let fixture = Fixture::new();
    let path = fixture.file(NAME, "from-mount-4k");
    let builder = fixture.builder(Profile::Production, keys(&[NAME, "other_key"])).source(service.clone());
    let secrets = builder.build().await.unwrap();
    let mut handle = secrets.handle(NAME, "test").unwrap();
    let watch = tokio::spawn(secrets.clone().watch());
    assert_eq!(
        (service.calls(), service.batches()),
        (2, 1),
        "the other key, and the value that the file shadows"
    );
    fixture.file(NAME, "from-mount-9p");
    handle.changed().await;
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("from-mount-9p"));
    let calls = service.calls();
    std::fs::remove_file(path).unwrap();
    handle.changed().await;
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("a-value-8d"));
    assert!(calls <= 3, "{calls} calls for a file's change");
    watch.abort();
}

#[tokio::test(start_paused = true)]
async fn a_thousand_refused_logins_are_one_call() {
    let (service, _) = switchable();
    let service = service.delayed(Duration::from_millis(50));
    let secrets = scripted::secrets(service.clone(), &[NAME, "other_key"]).await;
    for callers in [1, 10, 100, 1_000] {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let before = service.calls();
        let refresh = async |secrets: Secrets| secrets.refresh(NAME).await.map(drop);
        let refreshes: Vec<_> = (0..callers).map(|_| tokio::spawn(refresh(secrets.clone()))).collect();
        for refresh in refreshes {
            refresh.await.unwrap().unwrap();
        }
        assert_eq!(service.calls() - before, 1, "{callers} callers, and the other key is not read");
    }
}

#[tokio::test(start_paused = true)]
async fn not_found_is_trusted_for_30_s() {
    let service =
        Scripted::new(|spec, before| if before < 2 { Err(scripted::not_found(spec)) } else { Ok("late-8d") });
    let secrets = scripted::secrets(service.clone(), &[NAME]).await;
    for second in 1..30 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(secrets.refresh(NAME).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(service.calls(), 1, "after {second} s");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(secrets.refresh(NAME).await.is_err());
    assert_eq!(service.calls(), 2);
    assert_eq!(secrets.reload().await.changed.len(), 1, "an operator's reload trusts nothing");
    assert!(secrets.refresh(NAME).await.is_ok());
    assert_eq!(service.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_notice_is_reported_once() {
    let notices = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&notices);
    let service = Scripted::new(|_, _| Ok("changeme"));
    let secrets = Secrets::builder(Profile::Development, keys(&[NAME]), clock())
        .source(service.clone())
        .recorder(Arc::new(move |event| {
            count.fetch_add(usize::from(matches!(event, Event::Notice(_))), Ordering::SeqCst);
        }))
        .build()
        .await
        .unwrap();
    let watch = tokio::spawn(secrets.watch());
    tokio::time::sleep(HOUR).await;
    assert!(service.calls() > 10);
    assert_eq!(notices.load(Ordering::SeqCst), 1);
    watch.abort();
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_is_queried_again_after_a_pause() {
    let service =
        Scripted::new(|_, before| if before == 0 { Ok("a-value-8d") } else { panic!("a test's panic") });
    let secrets = scripted::secrets(service.clone(), &[NAME]).await;
    let handle = secrets.handle(NAME, "test").unwrap();
    let watch = tokio::spawn(secrets.watch());
    tokio::time::sleep(HOUR / 10).await;
    assert!((5..=20).contains(&service.calls()), "{} calls", service.calls());
    assert!(handle.load().is_ok());
    watch.abort();
}

#[tokio::test(start_paused = true)]
async fn readers_never_wait_for_a_slow_source() {
    let (service, _) = switchable();
    let secrets = scripted::secrets(service.delayed(Duration::from_secs(5)), &[NAME]).await;
    let handle = secrets.handle(NAME, "test").unwrap();
    let reload = tokio::spawn({
        let secrets = secrets.clone();
        async move { secrets.reload().await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = tokio::time::Instant::now();
    (0..10_000).for_each(|_| assert!(handle.load().is_ok()));
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert!(!reload.is_finished());
}
