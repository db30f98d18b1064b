//! The file of an SQLite database.

use std::os::unix::fs::PermissionsExt as _;

use store::{OpenError, Store, StoreConfig};

use crate::fixture::{TestDatabase, key, now, receive};

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn only_the_owner_reads_the_file() {
    let database = TestDatabase::sqlite();
    let store = database.open().await;
    receive(&store, 0..1).await;
    let config = database.config();
    let path = config.url.sqlite_file().unwrap();
    assert_eq!(mode(path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for end in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(end);
        assert_eq!(mode(std::path::Path::new(&beside)), 0o600, "{end}");
    }
    store.close().await;
    // A file that others could read is made private again.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let store = database.open().await;
    assert_eq!(mode(path), 0o600);
    store.close().await;
}

#[tokio::test]
async fn a_directory_in_place_of_the_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().display()).parse().unwrap();
    let error = Store::open(StoreConfig::new(url), key(), now()).await.unwrap_err();
    assert!(matches!(error, OpenError::File { .. }), "{error:?}");
}

#[tokio::test]
async fn a_closed_database_is_one_file() {
    let database = TestDatabase::sqlite();
    let config = database.config();
    let directory = config.url.sqlite_file().unwrap().parent().unwrap();
    let files = || std::fs::read_dir(directory).unwrap().count();
    let store = database.open().await;
    receive(&store, 0..10).await;
    store.backlog().await.unwrap();
    assert_eq!(files(), 3, "the file, its log and its index");
    store.close().await;
    assert_eq!(files(), 1);
    assert!(store.backlog().await.unwrap_err().is_outage());
    // A store that is not opened leaves nothing behind either.
    let other = audit::Key::new(b"another key of thirty-two bytes or more").unwrap();
    Store::open(config.clone(), other, now()).await.unwrap_err();
    assert_eq!(files(), 1);
}

#[tokio::test]
async fn looking_at_a_restored_copy_does_not_replay_the_log_of_the_database_before() {
    let database = TestDatabase::sqlite();
    let config = database.config();
    let path = config.url.sqlite_file().unwrap();
    let store = database.open().await;
    receive(&store, 0..1).await;
    store.close().await;
    let copy = std::fs::read(path).unwrap();
    let store = database.open().await;
    receive(&store, 1..2).await;
    store.check_storage().await.unwrap();
    database.sql("PRAGMA wal_checkpoint(TRUNCATE)").await;
    store.check_storage().await.unwrap();
    receive(&store, 2..3).await;
    let beside = |end: &str| std::path::PathBuf::from(format!("{}{end}", path.display()));
    let log = std::fs::read(beside("-wal")).unwrap();
    store.close().await;
    // The copy is restored, and the log of the database before was left beside it.
    std::fs::write(path, &copy).unwrap();
    std::fs::write(beside("-wal"), &log).unwrap();
    let error = Store::open_to_verify(config.clone(), key()).await.unwrap_err();
    assert!(matches!(error, OpenError::ForeignLog { .. }), "{error:?}");
    assert_eq!(std::fs::read(path).unwrap(), copy);
    // Without that log it can be looked at, and is not written to.
    std::fs::remove_file(beside("-wal")).unwrap();
    let looked_at = Store::open_to_verify(config.clone(), key()).await.unwrap();
    looked_at.verify_audit(None, |_, _| ()).await.unwrap();
    looked_at.close().await;
    assert_eq!(std::fs::read(path).unwrap(), copy);
}
