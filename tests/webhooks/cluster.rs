//! The private Postgres cluster itself, on which other tests depend.

use std::process::Command;

use tests::Postgres;

fn can_connect(url: &str) -> bool {
    Command::new("psql").args(["-X", "-q", url, "-c", "SELECT 1"]).output().unwrap().status.success()
}

#[test]
fn acknowledged_rows_survive_a_stop_and_a_kill() {
    let mut postgres = Postgres::start();
    let url = postgres.create_database("one");
    postgres.execute("one", "CREATE TABLE rows (id int)");
    postgres.execute("one", "INSERT INTO rows VALUES (1)");
    postgres.stop();
    assert!(!can_connect(&url));
    postgres.start_again();
    postgres.execute("one", "INSERT INTO rows VALUES (2)");
    postgres.kill();
    postgres.start_again();
    assert_eq!(postgres.rows("one", "SELECT id FROM rows ORDER BY id"), [["1"], ["2"]]);
    assert_eq!(postgres.url("one"), url, "at the same address");
}

#[test]
fn only_the_password_gives_access() {
    let mut postgres = Postgres::start();
    let old = postgres.create_database("one");
    assert!(can_connect(&old));
    assert!(!can_connect(&postgres.url_for("investiq", "wrong", "one")));
    postgres.change_password("second-password-of-a-test");
    assert!(!can_connect(&old));
    assert!(can_connect(&postgres.url("one")));
}
