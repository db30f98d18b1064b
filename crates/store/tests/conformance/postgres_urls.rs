//! Every form of a URL that psql accepts opens a store, and no other: psql is the reference.

use store::{Store, StoreConfig};
use test_postgres::Postgres;

use crate::fixture::{key, now};

/// What psql and a store do with a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    BothConnect,
    BothRefuse,
    /// docs/API.md says why.
    OnlyPsqlConnects,
}

use Outcome::{BothConnect, BothRefuse, OnlyPsqlConnects};

async fn outcome(cluster: &Postgres, url: &str) -> (Outcome, String) {
    let psql = cluster.psql(url, "SELECT 1").is_some();
    let opened = match url.parse() {
        Ok(url) => match Store::open(StoreConfig::new(url), key(), now()).await {
            Ok(store) => {
                store.close().await;
                Ok(())
            }
            Err(error) => Err(telemetry::with_causes(&error)),
        },
        Err(error) => Err(telemetry::with_causes(&error)),
    };
    let outcome = match (psql, &opened) {
        (true, Ok(())) => BothConnect,
        (false, Err(_)) => BothRefuse,
        (true, Err(_)) => OnlyPsqlConnects,
        (false, Ok(())) => panic!("{url}: psql refuses it"),
    };
    (outcome, opened.err().unwrap_or_default())
}

async fn check(cluster: &Postgres, cases: &[(String, Outcome)]) {
    let mut failures = Vec::new();
    for (url, expected) in cases {
        let (outcome, error) = outcome(cluster, url).await;
        if outcome != *expected {
            failures.push(format!("{url}: {outcome:?} instead of {expected:?}: {error}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_and_parameters_are_those_of_psql() {
    let cluster = Postgres::start();
    cluster.create_database("forms");
    let (port, directory) = (cluster.port(), cluster.socket_directory().display().to_string());
    let login = "investiq:first-password-of-a-test";
    let encoded = directory.replace('/', "%2F");
    let with = |parameters: &str| format!("postgres://{login}@127.0.0.1:{port}/forms?{parameters}");
    check(
        &cluster,
        &[
            (format!("postgres://{login}@127.0.0.1:{port}/forms"), BothConnect),
            (format!("postgresql://{login}@localhost:{port}/forms"), BothConnect),
            (format!("postgres://{login}@[::1]:{port}/forms"), BothConnect),
            (format!("postgres://{login}@/forms?host={directory}&port={port}"), BothConnect),
            (format!("postgres://{login}@:{port}/forms?host={directory}"), BothConnect),
            (format!("postgres://{login}@{encoded}:{port}/forms"), BothConnect),
            (format!("postgres:///forms?host={directory}&port={port}&user=investiq&password=first-password-of-a-test"), BothConnect),
            (format!("postgres://?host=127.0.0.1&port={port}&user=investiq&password=first-password-of-a-test&dbname=forms"), BothConnect),
            (format!("postgres://{login}@[::1:{port}/forms"), BothRefuse),
            (format!("postgres://{login}@127.0.0.1:{port}x/forms"), BothRefuse),
            (format!("postgres://{login}@nowhere.invalid:{port}/forms?hostaddr=127.0.0.1"), BothConnect),
            (format!("postgres://{login}@/forms?host={directory}&port={port}&sslmode=require"), BothConnect),
            (with("sslmode=prefer"), BothConnect),
            (with("sslmode=allow"), BothConnect),
            (with("sslmode=disable"), BothConnect),
            (with("sslmode=require"), BothRefuse),
            (with("sslmode=sometimes"), BothRefuse),
            (with("ssl=true"), BothRefuse),
            (with("channel_binding=prefer"), BothConnect),
            (with("channel_binding=disable"), BothConnect),
            (with("channel_binding=require"), BothRefuse),
            (with("connect_timeout=5"), BothConnect),
            (with("connect_timeout=soon"), BothRefuse),
            (with("application_name=a%20b"), BothConnect),
            (with("fallback_application_name=a"), BothConnect),
            (with("client_encoding=UTF8"), BothConnect),
            (with("gssencmode=disable"), BothConnect),
            (with("keepalives=1"), BothConnect),
            (with("options=-c%20geqo%3Doff"), BothConnect),
            (with("options=-c geqo%3Doff"), BothConnect),
            (with("options=-c%20geqo=off"), BothRefuse),
            (with("target_session_attrs=any"), BothConnect),
            (with("target_session_attrs=read-write"), OnlyPsqlConnects),
            (with("keepalives_idle=30"), OnlyPsqlConnects),
            (with("client_encoding=LATIN1"), OnlyPsqlConnects),
            (with("schema=public"), BothRefuse),
            (with("sslmode"), BothRefuse),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_may_have_the_characters_that_psql_takes() {
    let cluster = Postgres::start();
    cluster.create_database("forms");
    cluster.execute("forms", "GRANT ALL ON SCHEMA public TO PUBLIC");
    let port = cluster.port();
    let mut cases = Vec::new();
    for (number, (password, raw)) in [
        ("a#b", BothConnect),
        ("a:b", BothConnect),
        ("a?b=c&d", BothConnect),
        ("a b", BothConnect),
        ("a+b", BothConnect),
        ("a[b]", BothConnect),
        ("ä\"<>\\^`{|}", BothConnect),
        ("!$&'()*,;=-._~", BothConnect),
        ("a@b", BothRefuse),
        ("a/b", BothRefuse),
        ("a%b", BothRefuse),
        ("a%", BothRefuse),
    ]
    .into_iter()
    .enumerate()
    {
        let quoted = password.replace('\'', "''");
        cluster.execute("postgres", &format!("CREATE ROLE r{number} LOGIN SUPERUSER PASSWORD '{quoted}'"));
        let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
        cases.push((format!("postgres://r{number}:{password}@127.0.0.1:{port}/forms"), raw));
        cases.push((format!("postgres://r{number}:{encoded}@127.0.0.1:{port}/forms"), BothConnect));
        cases.push((format!("postgres://r{number}@127.0.0.1:{port}/forms?password={encoded}"), BothConnect));
    }
    check(&cluster, &cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_sees_the_name_of_the_application() {
    let cluster = Postgres::start();
    let url = format!("{}?application_name=a%20name", cluster.create_database("named"));
    let store = Store::open(StoreConfig::new(url.parse().unwrap()), key(), now()).await.unwrap();
    let names = cluster
        .rows("named", "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = 'named'");
    assert!(names.contains(&vec!["a name".to_owned()]), "{names:?}");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn required_channel_binding_verifies_the_server() {
    let mut cluster = Postgres::start();
    let url = cluster.create_database("binds");
    let certificate = cluster.enable_tls();
    cluster.stop();
    cluster.start_again();
    let root = certificate.display();
    check(
        &cluster,
        &[
            (format!("{url}?sslmode=require"), BothConnect),
            (format!("{url}?sslmode=verify-full&sslrootcert={root}"), BothConnect),
            (format!("{url}?sslmode=require&channel_binding=require&sslrootcert={root}"), BothConnect),
            // The certificate is of no known authority: binding to it would not say whose it is.
            (format!("{url}?sslmode=require&channel_binding=require"), OnlyPsqlConnects),
            (format!("{url}?sslmode=disable&channel_binding=require"), BothRefuse),
        ],
    )
    .await;
    // A root that did not sign the certificate, at a mode that does not demand one in the driver.
    let other = cluster.socket_directory().join("other.crt");
    test_postgres::self_signed("other", &other, std::path::Path::new("/dev/null"), &[]);
    check(&cluster, &[(format!("{url}?sslmode=require&sslrootcert={}", other.display()), BothRefuse)]).await;
}
