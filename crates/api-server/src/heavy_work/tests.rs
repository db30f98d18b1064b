use std::num::NonZeroU32;
use std::sync::mpsc;

use axum::extract::Request;

use super::*;

fn context(client: &str) -> Arc<RequestContext> {
    let mut request = Request::default();
    RequestContext::attach_from(&mut request, client);
    Arc::clone(RequestContext::get(request.extensions()).unwrap())
}

fn heavy_work() -> Arc<HeavyWork> {
    let metrics = Metrics::new(telemetry::metrics::Labels::default()).unwrap();
    let one = NonZeroU32::MIN;
    let limit = Limit { per_minute: one, burst: one };
    Arc::new(HeavyWork::new(Arc::new(metrics), limit, 512).unwrap())
}

#[tokio::test]
async fn a_caller_that_keeps_every_thread_busy_delays_another_by_one_turn() {
    let work = heavy_work();
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let greedy = context("192.0.2.1");
    let mut running = Vec::new();
    for _ in 0..CALLER_WAITING_MAX {
        let (work, greedy, released) = (Arc::clone(&work), Arc::clone(&greedy), Arc::clone(&released));
        running.push(tokio::spawn(async move {
            work.run(&greedy, move || released.lock().unwrap().recv().unwrap()).await
        }));
    }
    while work.waiting.load(Ordering::Relaxed) + work.pool.threads() < CALLER_WAITING_MAX {
        tokio::task::yield_now().await;
    }
    let other = context("192.0.2.2");
    let finished = tokio::spawn({
        let work = Arc::clone(&work);
        async move { work.run(&other, || 7).await }
    });
    // As many as there are threads, and none of those that wait.
    for _ in 0..work.pool.threads() {
        release.send(()).unwrap();
    }
    assert_eq!(finished.await.unwrap().unwrap(), 7);
    for _ in work.pool.threads()..CALLER_WAITING_MAX {
        release.send(()).unwrap();
    }
    for request in running {
        request.await.unwrap().unwrap();
    }
    assert_eq!(work.metrics.shed.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn memory_is_free_again_when_the_last_part_of_a_response_is_gone() {
    let work = heavy_work();
    let caller = context("192.0.2.1");
    let free = || work.memory.available_permits();
    let before = free();
    let reservation = work.reserve(&caller, CALLER_BYTES_MAX).await.unwrap();
    assert_eq!(before - free(), kib(CALLER_BYTES_MAX));
    let response = reservation.hold(Bytes::from(vec![0; 100_000]));
    assert_eq!(before - free(), kib(100_000), "only what the response needs");
    let part = response.slice(..10);
    drop(response);
    assert_eq!(before - free(), kib(100_000));

    // Of this caller nothing but the rest is left, of another everything.
    let refused = work.reserve(&caller, CALLER_BYTES_MAX).await.unwrap_err();
    assert_eq!((refused.kind, work.metrics.shed.get()), (Kind::Overloaded, 1));
    assert!(work.reserve(&context("192.0.2.2"), CALLER_BYTES_MAX).await.is_ok());
    drop(part);
    assert!(work.reserve(&caller, CALLER_BYTES_MAX).await.is_ok());
    assert_eq!(before, free());
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_bounded_for_each_caller_and_for_all() {
    let work = heavy_work();
    let all = [1, 2].map(|caller| context(&format!("192.0.2.{caller}")));
    let [greedy, other] = &all;
    let _held = work.reserve(greedy, CALLER_BYTES_MAX).await.unwrap();
    let waiting: Vec<_> = (0..CALLER_WAITING_MAX)
        .map(|_| {
            let (work, greedy) = (Arc::clone(&work), Arc::clone(greedy));
            tokio::spawn(async move { work.reserve(&greedy, 1).await.map(drop) })
        })
        .collect();
    while work.waiting.load(Ordering::Relaxed) < CALLER_WAITING_MAX {
        tokio::task::yield_now().await;
    }
    let started = tokio::time::Instant::now();
    assert_eq!(work.reserve(greedy, 1).await.unwrap_err().kind, Kind::Overloaded);
    assert_eq!(started.elapsed(), Duration::ZERO, "refused at once");
    assert!(work.reserve(other, 1).await.is_ok());
    for request in waiting {
        assert_eq!(request.await.unwrap().unwrap_err().kind, Kind::Overloaded);
    }
    assert_eq!(started.elapsed(), WAIT_MAX);
}

#[tokio::test]
async fn work_of_a_request_that_has_ended_keeps_its_turn_and_its_share() {
    let work = heavy_work();
    let caller = context("192.0.2.1");
    let (release, released) = mpsc::channel::<()>();
    let (start, mut started) = tokio::sync::mpsc::unbounded_channel();
    let running = {
        let (work, caller) = (Arc::clone(&work), Arc::clone(&caller));
        tokio::spawn(async move {
            let wait = move || (start.send(()).unwrap(), released.recv().unwrap());
            work.run(&caller, wait).await.map(drop)
        })
    };
    started.recv().await.unwrap();
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    let share = work.share(&caller);
    assert_eq!(share.turns.available_permits(), work.pool.threads() - 1);
    release.send(()).unwrap();
    while share.turns.available_permits() < work.pool.threads() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
#[should_panic = "on purpose"]
async fn a_panic_of_the_work_reaches_its_request() {
    let caller = context("192.0.2.1");
    let _never: Result<(), _> = heavy_work().run(&caller, || panic!("on purpose")).await;
}
