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
