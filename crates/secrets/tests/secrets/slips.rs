//! Slips: a source refuses, loses or garbles a secret for a while. Four replicas read it under a paused clock, each on its own
//! schedule, and requests need it all the time.

mod replica;

use std::collections::BTreeSet;
use std::time::Duration;

use secrets::{Catalogue, Profile, SecretSpec};

use crate::fixture::Fixture;
use crate::scripted::{Scripted, not_found};
use replica::{FAULTS, Fault, NAME, NEW, OLD, PERIOD, Replica, SECOND, denied, load, replicas, spec};

/// Four replicas after faults that each of them saw, and after they could recover.
async fn after(faults: &[(Fault, Duration)], spec: SecretSpec) -> Vec<Replica> {
    let mut replicas = replicas(&spec).await;
    load(&mut replicas, SECOND).await;
    replicas.iter().for_each(|replica| replica.script().fail(faults.iter().copied()));
    let slips: Duration = faults.iter().map(|(_, time)| *time).sum();
    load(&mut replicas, slips + 2 * spec.ttl).await;
    assert!(replicas.iter().all(|replica| !replica.script().failures.is_empty()), "every replica saw it");
    replicas
}

fn refused_for(replicas: &[Replica]) -> Duration {
    replicas.iter().map(Replica::refused_for).max().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_slip_within_the_grace_refuses_no_request() {
    let mut failed = Vec::new();
    for ttl_s in [60, 120, 300] {
        for slip in [1, 10, 60, 240].map(Duration::from_secs) {
            for (what, fault) in FAULTS {
                let refused = refused_for(&after(&[(fault, slip)], spec(ttl_s)).await);
                if !refused.is_zero() {
                    failed.push(format!("{what} for {slip:?} at TTL {ttl_s}: refused for {refused:?}"));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} slips:\n{}", failed.len(), failed.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_slip_before_or_after_an_outage_refuses_no_request() {
    let [denied, .., throttled, _, _, _] = FAULTS.map(|(_, fault)| fault);
    // After so long, the pauses of an outage are much longer than the grace.
    let late = [(throttled, 1_200 * SECOND), (denied, SECOND)];
    let early = [(denied, SECOND), (throttled, 45 * SECOND)];
    for faults in [late, early] {
        let spec = SecretSpec { grace: 60 * SECOND, ..spec(300) };
        assert_eq!(refused_for(&after(&faults, spec).await), Duration::ZERO);
    }
}

/// A deletion looks like a slip, and ends with the grace.
#[tokio::test(start_paused = true)]
async fn a_secret_that_stays_lost_expires_with_the_grace_and_recovers_within_seconds() {
    for (grace_s, ttl_s) in [(10, 300), (60, 60), (300, 300), (600, 60)] {
        let grace = Duration::from_secs(grace_s);
        for (what, fault) in &FAULTS[..4] {
            let slip = grace + Duration::from_secs(120);
            let spec = SecretSpec { grace, ..spec(ttl_s) };
            for replica in after(&[(*fault, slip)], spec).await {
                let since = replica.script().failures[0];
                let (first, last) = replica.refused.unwrap();
                assert!((grace..=grace + PERIOD).contains(&(first - since)), "{what}: {:?}", first - since);
                assert!(last - since <= slip + 10 * SECOND, "{what}: {:?} after {slip:?}", last - since);
                let calls = replica.script().failures.len();
                assert!((8..100).contains(&calls), "{what}: {calls} calls within {slip:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn replicas_that_fail_at_once_do_not_call_at_once() {
    let mut replicas = replicas(&spec(300)).await;
    replicas.iter().for_each(|replica| replica.script().fail([(FAULTS[0].1, 600 * SECOND)]));
    // An operator's signal to all of them.
    for replica in &replicas {
        replica.secrets.reload().await;
    }
    load(&mut replicas, 250 * SECOND).await;
    let calls =
        |replica: &Replica| replica.script().failures.iter().skip(1).copied().collect::<BTreeSet<_>>();
    let all: Vec<_> = replicas.iter().map(calls).collect();
    let distinct = all.iter().flatten().collect::<BTreeSet<_>>().len();
    let total = all.iter().map(BTreeSet::len).sum::<usize>();
    assert!(total >= 4 * 8 && distinct > total * 3 / 4, "{distinct} of {total} calls at different times");
}

/// Revocation is a value that is read and lacks the key, also when it was written during a slip.
#[tokio::test(start_paused = true)]
async fn a_key_that_an_operator_removes_ends_with_the_first_read() {
    for slip in [1, 10, 60].map(Duration::from_secs) {
        for (what, fault) in FAULTS {
            let spec = spec(300);
            let mut replicas = replicas(&spec).await;
            for replica in &replicas {
                replica.script().fail([(fault, slip)]);
                replica.script().value = NEW;
                replica.secrets.reload().await;
                assert!(replica.accepts(OLD), "{what}: a failure to read revokes nothing");
            }
            // A bad value has no end, so that the next read is a regular one.
            load(&mut replicas, slip + spec.ttl + SECOND).await;
            for replica in &replicas {
                assert!(!replica.accepts(OLD) && replica.accepts(NEW), "{what} for {slip:?}");
                let (first, _) = replica.refused.unwrap();
                let after = first - replica.changed_at().unwrap();
                assert!(after <= PERIOD, "{what}: {after:?} after it was read");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_grace_is_shown_while_it_runs() {
    let grace = 60 * SECOND;
    let replica = Replica::start(SecretSpec { grace, ..spec(300) }).await;
    assert_eq!(replica.handle.health().expires_in, None);
    replica.script().fail([(FAULTS[0].1, 70 * SECOND)]);
    replica.secrets.reload().await;
    tokio::time::advance(10 * SECOND).await;
    assert_eq!(replica.handle.health().expires_in, Some(50 * SECOND));
    let report = replica.secrets.report().get(NAME).unwrap().to_string();
    assert!(report.ends_with("; expires in 50 s"), "{report}");
    tokio::time::sleep(80 * SECOND).await;
    assert_eq!(replica.handle.health().expires_in, None);
    let left = replica.expiries();
    assert!(left.is_sorted_by(|a, b| a >= b) && left[0] == Some(grace), "{left:?}");
    assert_eq!(left.last(), Some(&Some(Duration::ZERO)), "it expired, and the read after that failed");
}

/// A missing secret has no value that could expire.
#[tokio::test(start_paused = true)]
async fn a_secret_that_was_never_set_is_read_once_per_ttl() {
    let service = Scripted::new(|spec, _| Err(not_found(spec)));
    let secrets = crate::scripted::secrets(service.clone(), &[NAME]).await;
    let watch = tokio::spawn(secrets.watch());
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert!((12..=17).contains(&service.calls()), "{} calls", service.calls());
    watch.abort();
}

/// A mounted directory that is replaced is empty for a moment.
#[tokio::test(start_paused = true)]
async fn a_file_that_vanishes_for_a_while_refuses_no_request_and_a_new_one_revokes() {
    let fixture = Fixture::new();
    let catalogue = || Catalogue::new([spec(300)]).unwrap();
    let denied = Scripted::new(|spec, _| Err(denied(spec, "AccessDeniedException")));
    fixture.file(NAME, OLD);
    // With and without a service that is asked for a file that is missing.
    for remote in [None, Some(denied)] {
        let builder = fixture.builder(Profile::Production, catalogue());
        let builder = match remote {
            Some(remote) => builder.source(remote),
            None => builder,
        };
        let secrets = builder.build().await.unwrap();
        let handle = secrets.handle(NAME, "test").unwrap();
        let watch = tokio::spawn(secrets.watch());
        let accepts = |key: &str| handle.load().is_ok_and(|set| set.verify_eq(key.as_bytes()).is_some());
        std::fs::remove_file(fixture.path(NAME)).unwrap();
        for _ in 0..60 {
            tokio::time::sleep(SECOND).await;
            assert!(accepts(OLD));
        }
        assert!(handle.health().expires_in.is_some());
        fixture.file(NAME, NEW);
        tokio::time::sleep(5 * SECOND).await;
        assert!(accepts(NEW) && !accepts(OLD));
        assert_eq!(handle.health().expires_in, None);
        fixture.file(NAME, OLD);
        watch.abort();
    }
}
