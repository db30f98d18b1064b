//! `investiq config check --resolve` and a start agree, as real processes. The unit test beside the server's startup tries more
//! combinations in its own process.

use tests::ServerOptions;

use crate::command::Workspace;

#[path = "../../crates/api-server/src/startup/tests/combinations.rs"]
mod combinations;

use combinations::{Combination, KEY_OF_DATABASE, Places, combination};

const COMBINATIONS: u64 = 24;

#[test]
fn what_the_command_passes_starts_and_nothing_else_does() {
    let template = Workspace::new();
    let database = template.path("template.db");
    let mut server = ServerOptions::new().set("AUDIT_KEY", KEY_OF_DATABASE).database_file(&database).start();
    server.stop_and_read_log();
    let mut starts = 0;
    // Beyond those of the unit test.
    for seed in 1_000..1_000 + COMBINATIONS {
        let workspace = Workspace::new();
        let places = Places { directory: &workspace.path("."), database: &database };
        let Combination { variables, profile, starts: expected } = combination(seed, &places);
        let workspace =
            variables.iter().fold(workspace, |workspace, (name, value)| workspace.set(name, value));
        let checked = workspace.run(&format!("config check {profile} --resolve"));
        assert_eq!(checked.exit_code == 0, expected, "{seed}: {variables:?}: {checked:?}");
        let options = ServerOptions::default().unset("DATABASE_URL").unset("AUDIT_KEY");
        let options = variables.iter().fold(options, |options, (name, value)| options.set(name, value));
        let options = options.set("RUST_LOG_FORMAT", "json");
        match expected {
            true => drop(options.start()),
            false => assert!(!options.start_failure().0.success(), "{seed}: {variables:?}"),
        }
        starts += u64::from(expected);
    }
    assert!((1..COMBINATIONS).contains(&starts), "{starts}");
}
