//! The private Postgres itself: what tests with it stand on.

use std::process::Command;

use tests::Postgres;

/// Whether this password opens this cluster.
fn opens(url: &str) -> bool {
    Command::new("psql").args(["-X", "-q", url, "-c", "SELECT 1"]).output().unwrap().status.success()
}

#[test]
fn a_cluster_keeps_what_it_acknowledged_when_it_is_stopped_and_when_it_is_killed() {
    let mut postgres = Postgres::start();
    let url = postgres.database("one");
    postgres.run("one", "CREATE TABLE kept (id int)");
    postgres.run("one", "INSERT INTO kept VALUES (1)");
    postgres.stop();
    assert!(!opens(&url));
    postgres.start_again();
    postgres.run("one", "INSERT INTO kept VALUES (2)");
    postgres.kill();
    postgres.start_again();
    assert_eq!(postgres.rows("one", "SELECT id FROM kept ORDER BY id"), [["1"], ["2"]]);
    assert_eq!(postgres.url("one"), url, "at the same address");
}

#[test]
fn only_the_password_opens_it() {
    let mut postgres = Postgres::start();
    let old = postgres.database("one");
    assert!(opens(&old));
    assert!(!opens(&postgres.url_of("investiq", "wrong", "one")));
    postgres.change_password("second-password-of-a-test");
    assert!(!opens(&old));
    assert!(opens(&postgres.url("one")));
}
