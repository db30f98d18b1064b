//! Opening a store migrates the database, or refuses it.

use store::{MigrateError, OpenError, Store};

use crate::fixture::{TestDatabase, now, receive};

pub(crate) async fn opening_twice_changes_nothing(database: &TestDatabase) {
    let store = database.open().await;
    receive(&store, 0..1).await;
    store.close().await;
    let migrations = database.number("SELECT COUNT(*) FROM schema_migrations").await;
    let store = database.open().await;
    assert_eq!(database.number("SELECT COUNT(*) FROM schema_migrations").await, migrations);
    assert_eq!(store.verify_audit(None, |_, _| ()).await.unwrap().entries, 1);
}

pub(crate) async fn a_newer_database_is_refused(database: &TestDatabase) {
    database.open().await.close().await;
    database.sql("INSERT INTO schema_migrations VALUES (9999, '9999_later', 'x', 0)").await;
    let error = database.try_open().await.unwrap_err();
    assert!(matches!(error, OpenError::Migrate(MigrateError::Newer { version: 9999, .. })), "{error:?}");
}

pub(crate) async fn a_changed_migration_is_refused(database: &TestDatabase) {
    database.open().await.close().await;
    database.sql("UPDATE schema_migrations SET sha256 = 'x' WHERE version = 1").await;
    let error = database.try_open().await.unwrap_err();
    assert!(matches!(error, OpenError::Migrate(MigrateError::Changed { name: "0001_initial" })), "{error:?}");
}

pub(crate) async fn a_failed_migration_changes_nothing(database: &TestDatabase) {
    // A table of the first migration exists already.
    database.sql("CREATE TABLE stream_cursors (stream TEXT)").await;
    let error = database.try_open().await.unwrap_err();
    assert!(
        matches!(error, OpenError::Migrate(MigrateError::Step { name: "0001_initial", .. })),
        "{error:?}"
    );
    assert_eq!(tables(database).await, 1);
    database.sql("DROP TABLE stream_cursors").await;
    receive(&database.open().await, 0..1).await;
}

pub(crate) async fn a_database_is_not_changed_without_migrating(database: &TestDatabase) {
    let open = || {
        let config = store::StoreConfig { migrates: false, ..database.config() };
        Store::open(config, crate::fixture::key(), now())
    };
    let error = open().await.unwrap_err();
    assert!(matches!(error, OpenError::Migrate(MigrateError::Behind { version: 0, .. })), "{error:?}");
    assert_eq!(tables(database).await, 0);
    database.open().await.close().await;
    receive(&open().await.unwrap(), 0..1).await;
}

async fn tables(database: &TestDatabase) -> i64 {
    let tables = if database.is_sqlite() {
        "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table'"
    } else {
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'"
    };
    database.number(tables).await
}

pub(crate) async fn two_processes_may_open_at_once(database: &TestDatabase) {
    let open = || {
        let config = database.config();
        tokio::spawn(Store::open(config, crate::fixture::key(), now()))
    };
    let stores = [open(), open(), open(), open()];
    for (number, store) in (0..).zip(stores) {
        let store = store.await.unwrap().unwrap();
        receive(&store, number..number + 1).await;
    }
}

pub(crate) async fn another_audit_key_is_refused(database: &TestDatabase) {
    database.open().await.close().await;
    let other = audit::Key::new(b"another key of thirty-two bytes or more").unwrap();
    let error = Store::open(database.config(), other, now()).await.unwrap_err();
    assert!(matches!(error, OpenError::Audit(_)), "{error:?}");
}
