//! A store notices that its database lost what it had.

use std::path::Path;

use store::{Actor, Error, OpenError, ReceiveError, StorageFault, Store, StoreConfig, accept_storage};

use crate::fixture::{TestDatabase, fill, key, now, receive};

fn config(database: &TestDatabase, directory: &Path) -> StoreConfig {
    StoreConfig { checkpoint: Some(directory.join("checkpoint")), ..database.config() }
}

async fn open(config: &StoreConfig) -> Result<Store, OpenError> {
    Store::open(config.clone(), key(), now()).await
}

/// As a restored older backup has it.
const FORGET: &str = "DELETE FROM audit_entries WHERE sequence = 2; UPDATE audit_head SET sequence = 1, \
    hash = (SELECT hash FROM audit_entries WHERE sequence = 1), seal = (SELECT seal FROM older)";

pub(crate) async fn a_database_that_lost_entries_is_not_used_until_it_is_accepted(database: &TestDatabase) {
    let directory = tempfile::tempdir().unwrap();
    let config = config(database, directory.path());
    let store = open(&config).await.unwrap();
    receive(&store, 0..1).await;
    store.check_storage().await.unwrap();
    database.sql("CREATE TABLE older AS SELECT * FROM audit_head").await;
    receive(&store, 1..2).await;
    store.check_storage().await.unwrap();
    database.sql(FORGET).await;
    let fault = StorageFault::OlderCopy { sequence: 2 };
    let error = store.check_storage().await.unwrap_err();
    assert!(matches!(&error, Error::Storage(found) if *found == fault), "{error:?}");
    assert_eq!(store.receive(&fill("01A"), now()).await, Err(ReceiveError::Storage(fault.clone())));
    assert!(store.backlog().await.unwrap_err().is_outage());
    store.close().await;
    let error = open(&config).await.unwrap_err();
    assert!(matches!(&error, OpenError::Storage(found) if *found == fault), "{error:?}");
    assert!(error.to_string().contains("investiq storage accept"), "{error}");
    let error = store::check_open(&config, Some(&key())).await.unwrap_err();
    assert!(matches!(error, OpenError::Storage(_)), "{error:?}");

    if let Some(file) = config.url.sqlite_file() {
        // As after the end of the process, whose connection to the file is left open.
        database.sql("PRAGMA wal_checkpoint(TRUNCATE)").await;
        std::fs::copy(file, directory.path().join("copy")).unwrap();
        std::fs::rename(directory.path().join("copy"), file).unwrap();
        for log in ["-wal", "-shm"] {
            std::fs::remove_file(format!("{}{log}", file.display())).unwrap();
        }
    }
    let accept = async || accept_storage(&config, &key(), Actor::named("operator:ana"), now()).await.unwrap();
    let accepted = accept().await;
    assert!(accepted.is_changed && accepted.now.epoch == 2, "{accepted:?}");
    assert_eq!(accepted.before.unwrap().sequence, 2);
    assert!(!accept().await.is_changed, "once is enough");
    let store = open(&config).await.unwrap();
    receive(&store, 5..6).await;
    store.check_storage().await.unwrap();
    store.verify_audit(None, |_, _| ()).await.unwrap();
    let entries =
        "SELECT COUNT(*) FROM audit_entries WHERE action = 'storage.accept' AND actor = 'operator:ana'";
    assert_eq!(database.number(entries).await, 1);
}

pub(crate) async fn the_database_of_another_is_refused(database: &TestDatabase) {
    let directory = tempfile::tempdir().unwrap();
    let config = config(database, directory.path());
    let store = open(&config).await.unwrap();
    store.check_storage().await.unwrap();
    database.sql("UPDATE store_identity SET identity = 'another'").await;
    let error = store.check_storage().await.unwrap_err();
    assert!(matches!(error, Error::Storage(StorageFault::OtherDatabase)), "{error:?}");
    store.close().await;
    let error = open(&config).await.unwrap_err();
    assert!(matches!(error, OpenError::Storage(StorageFault::OtherDatabase)), "{error:?}");
}

pub(crate) async fn a_damaged_checkpoint_is_named_and_can_be_replaced(database: &TestDatabase) {
    let directory = tempfile::tempdir().unwrap();
    let config = config(database, directory.path());
    open(&config).await.unwrap().close().await;
    for damaged in ["{}", ""] {
        std::fs::write(directory.path().join("checkpoint"), damaged).unwrap();
        let error = open(&config).await.unwrap_err();
        assert!(matches!(error, OpenError::Checkpoint { .. }), "{error:?}");
        let accepted = accept_storage(&config, &key(), Actor::named("operator:ana"), now()).await.unwrap();
        assert!(accepted.is_changed && accepted.before.is_none(), "{accepted:?}");
        open(&config).await.unwrap().close().await;
    }
    // No other file is left behind.
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}
