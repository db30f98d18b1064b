//! PgBouncer in transaction mode, in front of a server that does not wait for the disk by default.

use store::{OpenError, Receipt, Store, StoreConfig};
use test_postgres::{PgBouncer, Postgres};

use crate::fixture::{TestDatabase, fill, key, now, receive, symbol, trade};

/// Deliveries by many tasks, and reads beside them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_fails_behind_a_pooler() {
    let cluster = Postgres::start();
    drop(cluster.create_database("pooled"));
    let pooler = PgBouncer::start(&cluster);
    let config = StoreConfig::new(pooler.url("pooled").parse().unwrap());
    let stores = [
        Store::open(config.clone(), key(), now()).await.unwrap(),
        Store::open(config, key(), now()).await.unwrap(),
    ];
    let senders = (0..16_u32).map(|sender| {
        let store = stores[sender as usize % 2].clone();
        tokio::spawn(async move {
            for number in sender * 100..sender * 100 + 100 {
                let delivery = trade(&format!("id-{number}"), "fill", &symbol(number));
                let receipt = store.receive(&delivery, now()).await.unwrap();
                assert!(matches!(receipt, Receipt::Stored(_)), "{receipt:?}");
                store.backlog().await.unwrap();
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    stores[0].verify_audit(None, |_, _| ()).await.unwrap();
    // Some errors are retried, and would not show otherwise.
    let log = cluster.log();
    assert!(!log.contains("ERROR:"), "{log}");
}

/// The server process that a store's transactions share says how they commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_waits_for_the_disk_whatever_the_default_and_leaves_no_setting_to_others() {
    for database in [TestDatabase::postgres(), TestDatabase::pooled()] {
        let defaults = "SELECT COUNT(*) FROM pg_settings WHERE (name, setting) IN \
            (('synchronous_commit', 'off'), ('statement_timeout', '0'), ('lock_timeout', '0'))";
        assert_eq!(database.number(defaults).await, 3);
        let store = database.open().await;
        // A table that records the setting under which each delivery is stored.
        database
            .sql(
                "CREATE TABLE seen AS SELECT current_setting('synchronous_commit') AS setting LIMIT 0; \
                CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$; \
                CREATE TRIGGER see AFTER INSERT ON audit_entries EXECUTE FUNCTION see()",
            )
            .await;
        receive(&store, 0..20).await;
        assert!(database.number("SELECT COUNT(*) FROM seen").await > 0);
        assert_eq!(database.number("SELECT COUNT(*) FROM seen WHERE setting <> 'on'").await, 0);
        assert_eq!(database.number_as_client(defaults).await, 3, "the next client of the process");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_is_refused() {
    let mut cluster = Postgres::start();
    let config = StoreConfig::new(cluster.create_database("standby").parse().unwrap());
    let store = Store::open(config.clone(), key(), now()).await.unwrap();
    store.receive(&fill("01A"), now()).await.unwrap();
    store.close().await;
    cluster.stop();
    cluster.make_standby();
    cluster.start_again();
    let error = Store::open(config, key(), now()).await.unwrap_err();
    assert!(matches!(error, OpenError::Standby { .. }), "{error:?}");
    assert!(error.to_string().contains("DATABASE_URL") && !error.to_string().contains("password"), "{error}");
}

#[tokio::test]
async fn replicas_that_need_more_connections_than_there_are_do_not_start() {
    let cluster = Postgres::start();
    let config = StoreConfig::new(cluster.create_database("capacity").parse().unwrap());
    // Tests have 200 connections, of which 3 are reserved; a replica has 11, and 11 are for other programs.
    let [enough, too_many] = [16, 17].map(|replicas| StoreConfig { replicas, ..config.clone() });
    Store::open(enough, key(), now()).await.unwrap().close().await;
    let error = Store::open(too_many, key(), now()).await.unwrap_err().to_string();
    for part in ["17 replicas", "11 connections", "more than the 197", "max_connections", "EXPECTED_NODES"] {
        assert!(error.contains(part), "{error}");
    }
}
