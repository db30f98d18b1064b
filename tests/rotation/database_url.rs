//! The database password rotated under load: connections of a new role replace the old one's, without a restart and
//! without a rejected delivery.

use std::time::Duration;

use tests::events::AlpacaAccount;
use tests::load::{Outcome, send_all_async};
use tests::providers::{ALPACA_SECRET, Providers, SignedRequest, now};
use tests::secrets_manager::FakeSecretsManager;
use tests::{Postgres, Server};

use crate::fixture::{fake, id, options, until};

const NAME: &str = "database_url";
const DATABASE: &str = "rotation";
const SECOND_ROLE: &str = "investiq_second";
const SECOND_PASSWORD: &str = "second-password-of-a-test";
const CONNECTIONS: usize = 8;

/// A server whose database URL is in the fake.
fn server(fake: &FakeSecretsManager) -> Server {
    let settings = options(fake).unset("DATABASE_URL").set("WEBHOOK_RATE_LIMIT_PER_MINUTE", "1000000000");
    settings.set("ALPACA_WEBHOOK_SECRET", ALPACA_SECRET).start()
}

fn deliveries(providers: &Providers, name: &str, count: usize) -> Vec<SignedRequest> {
    let each = |number: usize| {
        let account = AlpacaAccount::named(&format!("{name} {number}"));
        providers.alpaca("account", account.status(now(), "APPROVED", "ACTIVE"))
    };
    (0..count).map(each).collect()
}

/// The number of a role's connections.
fn connections(postgres: &Postgres, role: &str) -> usize {
    let statement = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{DATABASE}' AND usename = '{role}' AND pid <> pg_backend_pid()"
    );
    postgres.rows("postgres", &statement)[0][0].parse().unwrap()
}

/// Changes the first role's password and cuts its connections.
fn retire_first_role(postgres: &mut Postgres) {
    postgres.change_password("a-password-that-no-server-has");
    postgres.execute(
        "postgres",
        &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DATABASE}' AND usename <> '{SECOND_ROLE}' AND pid <> pg_backend_pid()"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_password_is_rotated_without_a_restart_and_without_a_rejected_delivery() {
    let (fake, mut postgres, providers) = (fake(), Postgres::start(), Providers::new());
    let first = postgres.create_database(DATABASE);
    fake.seed(&id(NAME), &first);
    let server = server(&fake);
    let before = deliveries(&providers, "before", 1500);
    let address = server.address();
    let load = tokio::spawn(async move { send_all_async(&[address], &before, CONNECTIONS).await });
    // Both roles may connect while servers pick up the second: this makes the rotation seamless.
    postgres.execute(
        DATABASE,
        &format!(
            "CREATE ROLE {SECOND_ROLE} LOGIN PASSWORD '{SECOND_PASSWORD}'; GRANT investiq TO {SECOND_ROLE}"
        ),
    );
    fake.seed(&id(NAME), &postgres.url_for(SECOND_ROLE, SECOND_PASSWORD, DATABASE));
    until("the server has the new URL", || server.log().contains("database URL changed")).await;
    let outcomes = load.await.unwrap();
    let rejected = outcomes.iter().filter(|outcome| !outcome.is_acknowledged()).count();
    assert_eq!(rejected, 0, "of {}", outcomes.len());
    assert!(connections(&postgres, "investiq") > 0, "open connections stay");

    retire_first_role(&mut postgres);
    until("the new role has connections", || {
        let probe = deliveries(&providers, "probe", 1);
        let response = tokio::task::block_in_place(|| server.deliver(&probe[0]));
        response.status == 200 && connections(&postgres, SECOND_ROLE) > 0
    })
    .await;
    let after = send_all_async(&[address], &deliveries(&providers, "after", 300), CONNECTIONS).await;
    assert!(after.iter().all(Outcome::is_acknowledged));
    assert!(!server.log().contains(SECOND_PASSWORD), "the log has the password");
    eprintln!(
        "database password rotated: {} deliveries under load, 0 rejected; {} after",
        outcomes.len(),
        after.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_the_old_password_is_left_without_a_database() {
    let (fake, mut postgres, providers) = (fake(), Postgres::start(), Providers::new());
    fake.seed(&id(NAME), &postgres.create_database(DATABASE));
    let server = server(&fake);
    postgres.change_password("another-password-of-a-test");
    postgres.stop();
    postgres.start_again();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let response = tokio::task::block_in_place(|| server.deliver(&deliveries(&providers, "late", 1)[0]));
    assert_eq!(response.status, 503, "{response:?}");
}
