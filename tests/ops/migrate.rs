//! `migrate` shows what the schema of a database lacks, applies it, and refuses what a newer version made.

use tests::{Postgres, ServerOptions};

use crate::command::Workspace;

/// The Base64 of 32 random bytes.
const AUDIT_KEY: &str = "h1Jr3Yv9QmTz0LkXw8BnE5sUc2dGf7PaRt4iKo6Vx1M=";

fn workspace(database_url: &str) -> Workspace {
    Workspace::new().set("DATABASE_URL", database_url).set("AUDIT_KEY", AUDIT_KEY)
}

#[test]
fn pending_migrations_are_shown_then_applied_and_newer_ones_are_refused() {
    let cluster = Postgres::start();
    let url = cluster.create_database("upgraded");
    let workspace = workspace(&url);
    let shown = workspace.run("migrate --dry-run");
    assert_eq!(shown.exit_code, 0, "{shown:?}");
    assert!(shown.stdout.contains("0001_initial") && shown.stdout.contains("pending"), "{shown:?}");
    assert!(shown.stdout.contains("nothing was changed"), "{shown:?}");
    assert!(!format!("{shown:?}").contains("first-password"), "{shown:?}");
    let tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'";
    assert_eq!(cluster.rows("upgraded", tables), [["0"]]);

    let applied = workspace.run("migrate --json");
    let pending = applied.json()["pending"].as_u64();
    assert_eq!((applied.exit_code, pending), (0, Some(0)), "{applied:?}");
    assert!(applied.json()["applied"].as_u64() >= Some(1), "{applied:?}");
    let again = workspace.run("migrate --json").json();
    assert_eq!(
        (&again["applied"], &again["migrations"][0]["state"]),
        (&0.into(), &"applied".into()),
        "{again}"
    );
    assert!(again["migrations"][0]["applied_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{again}");

    cluster.execute("upgraded", "INSERT INTO schema_migrations VALUES (9999, '9999_later', 'x', 0)");
    let remedy = "start the newer version again, or restore the backup that was made before the upgrade";
    for arguments in ["migrate", "migrate --dry-run", "webhooks list"] {
        let refused = workspace.run(arguments);
        assert_eq!(refused.exit_code, 2, "{arguments}: {refused:?}");
        assert!(refused.stderr.contains("9999_later") && refused.stderr.contains(remedy), "{refused:?}");
    }
    assert!(workspace.run("migrate").stdout.contains("of a newer version"));
    let server = ServerOptions::new().set("DATABASE_URL", &url).set("AUDIT_KEY", AUDIT_KEY);
    let (status, log) = server.start_failure();
    assert_ne!(status.code(), Some(0));
    assert!(log.contains("9999_later") && log.contains(remedy), "{log}");
}

#[test]
fn a_file_that_does_not_exist_is_not_created() {
    let workspace = workspace("sqlite:data/investiq.db");
    let refused = workspace.run("migrate");
    assert_eq!(refused.exit_code, 2, "{refused:?}");
    assert!(refused.stderr.contains("does not exist"), "{refused:?}");
    assert!(!workspace.path("data").exists());
}

#[test]
fn commands_leave_one_database_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("investiq.db");
    let mut server = ServerOptions::new().database_file(&file).set("AUDIT_KEY", AUDIT_KEY).start();
    let log = server.stop_and_read_log();
    for line in ["applying schema migration", "schema migrations applied", "0001_initial"] {
        assert!(log.contains(line), "{line} is not in {log}");
    }
    let workspace = workspace(&format!("sqlite:{}", file.display()));
    for (arguments, exit_code) in
        [("migrate", 0), ("audit verify", 0), ("webhooks list", 0), ("webhooks show 1", 2)]
    {
        let result = workspace.run(arguments);
        assert_eq!(result.exit_code, exit_code, "{arguments}: {result:?}");
        let mut files: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        files.sort();
        assert_eq!(files, ["investiq.db", "investiq.db.checkpoint"], "{arguments}");
    }
}
