//! The start brings the tables to their form, or stops.

use store::{MigrateError, OpenError, Store};

use crate::stage::{Stage, keep, now};

pub(crate) async fn opening_twice_changes_nothing(stage: &Stage) {
    let store = stage.open().await;
    keep(&store, 0..1).await;
    store.close().await;
    let steps = stage.number("SELECT COUNT(*) FROM schema_migrations").await;
    let store = stage.open().await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM schema_migrations").await, steps);
    assert_eq!(store.verify_audit(None, |_, _| ()).await.unwrap().entries, 1);
}

pub(crate) async fn a_newer_database_is_refused(stage: &Stage) {
    stage.open().await.close().await;
    stage.sql("INSERT INTO schema_migrations VALUES (9999, '9999_later', 'x', 0)").await;
    let refused = stage.try_open().await.unwrap_err();
    assert!(matches!(refused, OpenError::Migrate(MigrateError::Newer { found: 9999, .. })), "{refused:?}");
}

pub(crate) async fn a_step_that_was_changed_is_refused(stage: &Stage) {
    stage.open().await.close().await;
    stage.sql("UPDATE schema_migrations SET sha256 = 'x' WHERE version = 1").await;
    let refused = stage.try_open().await.unwrap_err();
    assert!(
        matches!(refused, OpenError::Migrate(MigrateError::Changed { name: "0001_inbox" })),
        "{refused:?}"
    );
}

pub(crate) async fn a_step_that_fails_changes_nothing(stage: &Stage) {
    // The last table of the first step stands in the way.
    stage.sql("CREATE TABLE stream_cursors (stream TEXT)").await;
    let refused = stage.try_open().await.unwrap_err();
    assert!(
        matches!(refused, OpenError::Migrate(MigrateError::Step { name: "0001_inbox", .. })),
        "{refused:?}"
    );
    assert_eq!(tables(stage).await, 1);
    stage.sql("DROP TABLE stream_cursors").await;
    keep(&stage.open().await, 0..1).await;
}

pub(crate) async fn who_may_not_migrate_leaves_another_database_as_it_is(stage: &Stage) {
    let open = || {
        let config = store::StoreConfig { migrates: false, ..stage.config() };
        Store::open(config, crate::stage::key(), now())
    };
    let refused = open().await.unwrap_err();
    assert!(matches!(refused, OpenError::Migrate(MigrateError::Behind { found: 0, .. })), "{refused:?}");
    assert_eq!(tables(stage).await, 0);
    stage.open().await.close().await;
    keep(&open().await.unwrap(), 0..1).await;
}

async fn tables(stage: &Stage) -> i64 {
    let tables = if stage.is_sqlite() {
        "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table'"
    } else {
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'"
    };
    stage.number(tables).await
}

pub(crate) async fn two_processes_may_open_at_once(stage: &Stage) {
    let open = || {
        let config = stage.config();
        tokio::spawn(Store::open(config, crate::stage::key(), now()))
    };
    let opened = [open(), open(), open(), open()];
    for (number, store) in (0..).zip(opened) {
        let store = store.await.unwrap().unwrap();
        keep(&store, number..number + 1).await;
    }
}

pub(crate) async fn another_audit_key_is_refused(stage: &Stage) {
    stage.open().await.close().await;
    let other = audit::Key::new(b"another key of thirty-two bytes or more").unwrap();
    let refused = Store::open(stage.config(), other, now()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Audit(_)), "{refused:?}");
}
