//! Opening a store migrates the database, or refuses it.

use store::{MigrateError, MigrationState, OpenError, Store, check_migrations, migration_status};

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
    let OpenError::Migrate(error @ MigrateError::Newer { .. }) = error else { panic!("{error:?}") };
    let message = error.to_string();
    assert!(message.contains("9999_later") && message.contains("start the newer version again"), "{message}");
    let status = migration_status(&database.config()).await.unwrap();
    assert_eq!(status.last().map(|last| last.state), Some(MigrationState::Unknown));
    assert_eq!(check_migrations(&status).unwrap_err().to_string(), message);
}

pub(crate) async fn a_changed_migration_is_refused(database: &TestDatabase) {
    database.open().await.close().await;
    database.sql("UPDATE schema_migrations SET sha256 = 'x' WHERE version = 1").await;
    let error = database.try_open().await.unwrap_err();
    let OpenError::Migrate(error @ MigrateError::Changed { .. }) = error else { panic!("{error:?}") };
    assert!(error.to_string().contains("0001_initial"), "{error}");
    let status = migration_status(&database.config()).await.unwrap();
    assert_eq!(status[0].state, MigrationState::Changed);
    assert!(matches!(check_migrations(&status), Err(MigrateError::Changed { .. })));
}

pub(crate) async fn migrations_are_shown_before_they_are_applied(database: &TestDatabase) {
    let states = async || {
        let status = migration_status(&database.config()).await.unwrap();
        check_migrations(&status).unwrap();
        status.into_iter().map(|migration| (migration.state, migration.applied_at)).collect::<Vec<_>>()
    };
    let pending = states().await;
    assert!(pending.iter().all(|state| *state == (MigrationState::Pending, None)), "{pending:?}");
    assert_eq!(tables(database).await, 0, "nothing was created");
    let applied = store::migrate(&database.config(), now()).await.unwrap();
    assert_eq!(applied, pending.len());
    assert!(states().await.iter().all(|state| *state == (MigrationState::Applied, Some(now()))));
    assert_eq!(store::migrate(&database.config(), now()).await.unwrap(), 0);
    receive(&database.open().await, 0..1).await;
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
    assert!(matches!(error, OpenError::Migrate(MigrateError::Behind { .. })), "{error:?}");
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

pub(crate) async fn processes_may_open_at_once(database: &TestDatabase) {
    let processes = (0..8).map(|number| {
        let config = database.config();
        tokio::spawn(async move {
            let store = Store::open(config, crate::fixture::key(), now()).await.unwrap();
            receive(&store, number..number + 1).await;
        })
    });
    for process in processes.collect::<Vec<_>>() {
        process.await.unwrap();
    }
}

pub(crate) async fn another_audit_key_is_refused(database: &TestDatabase) {
    database.open().await.close().await;
    let other = audit::Key::new(b"another key of thirty-two bytes or more").unwrap();
    let error = Store::open(database.config(), other, now()).await.unwrap_err();
    assert!(matches!(error, OpenError::Audit(_)), "{error:?}");
}
