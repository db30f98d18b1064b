//! Outages of a database server: Postgres.

use std::time::Duration;

use sqlx::Executor as _;
use store::{OpenError, Receipt, ReceiveError, StorageFault, Store, StoreConfig};
use test_postgres::Postgres;

use crate::faulty_proxy::{Fault, FaultyProxy};
use crate::fixture::{TestDatabase, apply, fill, key, lease_all, now, receive};

async fn open(url: &str) -> Store {
    Store::open(StoreConfig::new(url.parse().unwrap()), key(), now()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_server_crashes() {
    let mut cluster = Postgres::start();
    let store = open(&cluster.create_database("falls")).await;
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
    let mut applied = 0;
    loop {
        let jobs = lease_all(&store, "one", now()).await;
        if jobs.is_empty() {
            break;
        }
        applied += jobs.len();
        for job in jobs {
            let outcome = apply(&store, &job, &webhooks::Interpretation::Test, now()).await;
            assert!(matches!(outcome, store::ApplyOutcome::Done));
        }
    }
    assert_eq!(applied, 400);
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_password_is_used_without_a_restart() {
    let mut cluster = Postgres::start();
    let store = open(&cluster.create_database("rotates")).await;
    store.receive(&fill("01A"), now()).await.unwrap();
    cluster.change_password("second-password-of-a-test");
    store.set_url(&cluster.url("rotates").parse().unwrap()).unwrap();
    // Every connection is cut, so that new ones must be opened.
    cluster.stop();
    cluster.start_again();
    assert!(matches!(store.receive(&fill("01B"), now()).await, Ok(Receipt::Stored(_))));
    assert_eq!(lease_all(&store, "one", now()).await.len(), 2);
    assert!(store.set_url(&"sqlite:data/other.db".parse().unwrap()).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_password_is_not_repeated() {
    let cluster = Postgres::start();
    let url =
        cluster.create_database("refuses").replace("first-password-of-a-test", "p4ssw0rd-that-is-wrong");
    let config = StoreConfig::new(url.parse().unwrap());
    assert!(!format!("{config:?} {config:#?}").contains("p4ssw0rd"));
    let error = Store::open(config, key(), now()).await.unwrap_err();
    let mut message = format!("{error} {error:?} {error:#?}");
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        message = format!("{message} {cause} {cause:?}");
        source = cause.source();
    }
    assert!(matches!(error, OpenError::Server { .. }), "{message}");
    assert!(message.contains("password authentication failed"), "{message}");
    assert!(!message.contains("p4ssw0rd"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_sync_is_refused() {
    let mut cluster = Postgres::start();
    let url = cluster.create_database("forgets");
    cluster.execute("postgres", "ALTER SYSTEM SET fsync = off");
    cluster.stop();
    cluster.start_again();
    let error = Store::open(StoreConfig::new(url.parse().unwrap()), key(), now()).await.unwrap_err();
    assert!(matches!(error, OpenError::NotDurable { setting: "fsync" }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_to_sync_is_not_used_any_more() {
    let cluster = Postgres::start();
    let store = open(&cluster.create_database("changes")).await;
    store.check_storage().await.unwrap();
    cluster.execute("postgres", "ALTER SYSTEM SET full_page_writes = off");
    cluster.execute("postgres", "SELECT pg_reload_conf()");
    let fault = StorageFault::NotDurable { setting: "full_page_writes" };
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while store.check_storage().await.is_ok() {
        assert!(std::time::Instant::now() < deadline, "the server reloads its settings");
    }
    assert_eq!(store.receive(&fill("01A"), now()).await, Err(ReceiveError::Storage(fault)));
}

/// A store whose connections to the server can be broken.
async fn open_through(proxy: &FaultyProxy, url: &str) -> Store {
    let mut config = StoreConfig::new(proxy.url(url).parse().unwrap());
    // Above what a commit takes on a busy disk.
    config.connect_timeout = Duration::from_secs(3);
    config.statement_timeout = Duration::from_secs(3);
    Store::open(config, key(), now()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_without_a_reply_is_recognized_when_it_comes_again() {
    let cluster = Postgres::start();
    let url = cluster.create_database("mute");
    let proxy = FaultyProxy::to(&url).await;
    let store = open_through(&proxy, &url).await;
    store.receive(&fill("01A"), now()).await.unwrap();
    proxy.set_fault(Fault::CutAfterCommit);
    assert_eq!(store.receive(&fill("01B"), now()).await, Err(ReceiveError::Unavailable));
    proxy.set_fault(Fault::None);
    assert!(matches!(store.receive(&fill("01B"), now()).await, Ok(Receipt::Duplicate(_))));
    // The same for jobs that were applied.
    let jobs = lease_all(&store, "one", now()).await;
    let batch: Vec<_> = jobs.into_iter().map(|job| (job, webhooks::Interpretation::Test)).collect();
    proxy.set_fault(Fault::CutAfterCommit);
    let rules = ledger::Rules::default();
    assert!(store.apply_all(&batch, &rules, now()).await.unwrap_err().is_outage());
    proxy.set_fault(Fault::None);
    let again = store.apply_all(&batch, &rules, now()).await.unwrap();
    assert_eq!(again, [store::ApplyOutcome::LeaseLost, store::ApplyOutcome::LeaseLost]);
    assert_eq!(store.backlog().await.unwrap()[0].unfinished, 0);
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_is_given_up_and_used_again() {
    let cluster = Postgres::start();
    let url = cluster.create_database("silent");
    let proxy = FaultyProxy::to(&url).await;
    let store = open_through(&proxy, &url).await;
    store.receive(&fill("01A"), now()).await.unwrap();
    proxy.set_fault(Fault::Silence);
    let started = std::time::Instant::now();
    assert_eq!(store.receive(&fill("01B"), now()).await, Err(ReceiveError::Unavailable));
    assert!(store.backlog().await.unwrap_err().is_outage());
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    proxy.set_fault(Fault::None);
    assert!(store.receive(&fill("01B"), now()).await.is_ok());
    assert_eq!(lease_all(&store, "one", now()).await.len(), 2);
}

/// After a failover a proxy may still lead an open connection to the old primary, which is read-only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_to_a_read_only_server_is_not_used_again() {
    let cluster = Postgres::start();
    let store = open(&cluster.create_database("demoted")).await;
    store.receive(&fill("01A"), now()).await.unwrap();
    cluster.execute("postgres", "ALTER DATABASE demoted SET default_transaction_read_only = on");
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'demoted'";
    cluster.execute("postgres", terminate);
    for _ in 0..3 {
        assert_eq!(store.receive(&fill("01B"), now()).await, Err(ReceiveError::Unavailable));
    }
    cluster.execute("postgres", "ALTER DATABASE demoted RESET default_transaction_read_only");
    let receipts = [store.receive(&fill("01B"), now()).await, store.receive(&fill("01C"), now()).await];
    assert!(matches!(receipts, [Ok(Receipt::Stored(_)), Ok(Receipt::Stored(_))]), "{receipts:?}");
}

/// Another process starts the chain and stores a delivery between two statements of this one's check.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_that_another_process_starts_meanwhile_is_accepted() {
    let database = TestDatabase::postgres();
    let store = database.open().await;
    receive(&store, 0..1).await;
    store.close().await;
    database.sql("CREATE TABLE other AS SELECT * FROM audit_head; DELETE FROM audit_head").await;
    let mut other = database.postgres_connection().await;
    other.execute(sqlx::raw_sql("BEGIN; LOCK TABLE audit_entries, webhook_events")).await.unwrap();
    let opening = tokio::spawn(Store::open(database.config(), key(), now()));
    while database.number("SELECT COUNT(*) FROM pg_locks WHERE NOT granted").await == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    other.execute(sqlx::raw_sql("INSERT INTO audit_head SELECT * FROM other; COMMIT")).await.unwrap();
    opening.await.unwrap().unwrap();
}
