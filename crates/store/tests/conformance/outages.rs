//! What is true of a server that can be away: Postgres.

use std::time::Duration;

use store::{OpenError, Receipt, ReceiveError, Store, StoreConfig};

use crate::postgres::Postgres;
use crate::stage::{fill, key, lease_all, now};
use crate::wire::{Fault, Wire};

async fn open(url: &str) -> Store {
    Store::open(StoreConfig::new(url.parse().unwrap()), key(), now()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_server_falls() {
    let mut cluster = Postgres::start();
    let store = open(&cluster.database("falls")).await;
    let receive = |number: usize| {
        let store = store.clone();
        tokio::spawn(async move { store.receive(&fill(&format!("id-{number}")), now()).await })
    };
    let mut acknowledged = Vec::new();
    let callers: Vec<_> = (0..400).map(receive).collect();
    tokio::time::sleep(Duration::from_millis(30)).await;
    cluster.kill();
    for (number, caller) in callers.into_iter().enumerate() {
        if let Ok(receipt) = caller.await.unwrap() {
            acknowledged.push((number, receipt.id()));
        }
    }
    assert_eq!(receive(400).await.unwrap(), Err(ReceiveError::Unavailable));
    assert!(store.lease("one", 10, Duration::from_secs(30), now()).await.unwrap_err().is_outage());
    cluster.start_again();
    for (number, id) in &acknowledged {
        let again = receive(*number).await.unwrap().unwrap();
        assert_eq!(again, Receipt::Duplicate(*id), "{number}");
    }
    for number in 0..400 {
        receive(number).await.unwrap().unwrap();
    }
    let mut leased = 0;
    loop {
        let some = lease_all(&store, "one", now()).await;
        if some.is_empty() {
            break;
        }
        leased += some.len();
        for one in some {
            let applied =
                store.apply(&one, &webhooks::Meaning::Test, &ledger::Rules::default(), now()).await.unwrap();
            assert!(matches!(applied, store::Applied::Done));
        }
    }
    assert_eq!(leased, 400);
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_password_is_taken_up_without_a_restart() {
    let mut cluster = Postgres::start();
    let store = open(&cluster.database("rotates")).await;
    store.receive(&fill("01A"), now()).await.unwrap();
    cluster.change_password("second-password-of-a-test");
    store.set_url(&cluster.url("rotates").parse().unwrap()).unwrap();
    // Every connection is cut, so that new ones must be made.
    cluster.stop();
    cluster.start_again();
    assert!(matches!(store.receive(&fill("01B"), now()).await, Ok(Receipt::Stored(_))));
    assert_eq!(lease_all(&store, "one", now()).await.len(), 2);
    assert!(store.set_url(&"sqlite:data/other.db".parse().unwrap()).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_password_is_not_repeated() {
    let cluster = Postgres::start();
    let url = cluster.database("refuses").replace("first-password-of-a-test", "p4ssw0rd-that-is-wrong");
    let config = StoreConfig::new(url.parse().unwrap());
    assert!(!format!("{config:?} {config:#?}").contains("p4ssw0rd"));
    let refused = Store::open(config, key(), now()).await.unwrap_err();
    let mut told = format!("{refused} {refused:?} {refused:#?}");
    let mut source = std::error::Error::source(&refused);
    while let Some(cause) = source {
        told = format!("{told} {cause} {cause:?}");
        source = cause.source();
    }
    assert!(matches!(refused, OpenError::Connect { .. }), "{told}");
    assert!(told.contains("password authentication failed"), "{told}");
    assert!(!told.contains("p4ssw0rd"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_sync_is_refused() {
    let mut cluster = Postgres::start();
    let url = cluster.database("forgets");
    cluster.run("postgres", "ALTER SYSTEM SET fsync = off");
    cluster.stop();
    cluster.start_again();
    let refused = Store::open(StoreConfig::new(url.parse().unwrap()), key(), now()).await.unwrap_err();
    assert!(matches!(refused, OpenError::NotDurable { setting: "fsync" }), "{refused:?}");
}

/// A store whose way to the server can be broken.
async fn open_over(wire: &Wire, url: &str) -> Store {
    let mut config = StoreConfig::new(wire.through(url).parse().unwrap());
    // Above what a commit takes on a busy disk.
    config.connect_timeout = Duration::from_secs(3);
    config.statement_timeout = Duration::from_secs(3);
    Store::open(config, key(), now()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_without_an_answer_is_known_when_it_comes_again() {
    let cluster = Postgres::start();
    let url = cluster.database("mute");
    let wire = Wire::to(&url).await;
    let store = open_over(&wire, &url).await;
    store.receive(&fill("01A"), now()).await.unwrap();
    wire.breaks(Fault::CutAfterCommit);
    assert_eq!(store.receive(&fill("01B"), now()).await, Err(ReceiveError::Unavailable));
    wire.breaks(Fault::None);
    assert!(matches!(store.receive(&fill("01B"), now()).await, Ok(Receipt::Duplicate(_))));
    // The same for work that was applied.
    let leased = lease_all(&store, "one", now()).await;
    let batch: Vec<_> = leased.into_iter().map(|leased| (leased, webhooks::Meaning::Test)).collect();
    wire.breaks(Fault::CutAfterCommit);
    let rules = ledger::Rules::default();
    assert!(store.apply_all(&batch, &rules, now()).await.unwrap_err().is_outage());
    wire.breaks(Fault::None);
    let again = store.apply_all(&batch, &rules, now()).await.unwrap();
    assert_eq!(again, [store::Applied::LeaseLost, store::Applied::LeaseLost]);
    assert_eq!(store.backlog().await.unwrap()[0].unfinished, 0);
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_is_given_up_and_found_again() {
    let cluster = Postgres::start();
    let url = cluster.database("silent");
    let wire = Wire::to(&url).await;
    let store = open_over(&wire, &url).await;
    store.receive(&fill("01A"), now()).await.unwrap();
    wire.breaks(Fault::Silence);
    let begun = std::time::Instant::now();
    assert_eq!(store.receive(&fill("01B"), now()).await, Err(ReceiveError::Unavailable));
    assert!(store.backlog().await.unwrap_err().is_outage());
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    wire.breaks(Fault::None);
    assert!(store.receive(&fill("01B"), now()).await.is_ok());
    assert_eq!(lease_all(&store, "one", now()).await.len(), 2);
}
