//! Commands that write secrets and commands that read them have one directory by default: that of the server.

use crate::command::{CANARY, Workspace, set_mode};

/// In a workspace with an empty directory `secrets` and these settings: where every command has its secrets.
fn places(settings: &[(&str, &str)], profile: &str) -> [String; 4] {
    let workspace = Workspace::new().set("SECRETS_DIR", "");
    let workspace = settings.iter().fold(workspace, |workspace, (name, value)| workspace.set(name, value));
    std::fs::create_dir(workspace.path("secrets")).unwrap();
    set_mode(&workspace.path("secrets"), 0o700);
    let succeed = |arguments: &str, input: &str| {
        let result = workspace.run_with_input(arguments, input);
        assert_eq!(result.exit_code, 0, "{arguments}: {result:?}");
        result
    };
    let init = succeed("secrets init --json", "").json()["directory"].as_str().unwrap().to_owned();
    let source = |name: &str| {
        let explained = succeed(&format!("secrets explain {name} {profile} --json"), "").json();
        let source = explained["secret"]["source"].as_str().expect(name).to_owned();
        source.strip_prefix("file ").unwrap().strip_suffix(&format!("/{name}")).unwrap().to_owned()
    };
    succeed("secrets set polygon_api_key --stdin", CANARY);
    let [set, explain] = ["polygon_api_key", "audit_key"].map(source);
    succeed("secrets init --replace audit_key", "");
    succeed("secrets retire audit_key --unused", "");
    let checked = succeed(&format!("secrets check {profile} --json"), "").json();
    assert_eq!(checked["errors"], 0, "{checked}");
    let looked_in = succeed("secrets explain audit_key --json", "").json()["looked_in"].to_string();
    let report = ["elsewhere", "secrets"].into_iter().find(|name| looked_in.contains(&format!("\"{name}/")));
    [init, set, explain, report.unwrap_or_default().to_owned()]
}

#[test]
fn writers_and_readers_have_one_directory() {
    assert_eq!(places(&[], ""), ["secrets"; 4]);
    assert_eq!(places(&[("SECRETS_DIR", "elsewhere")], ""), ["elsewhere"; 4]);
    assert_eq!(places(&[], "--profile production"), ["secrets"; 4], "the argument names rules, not a place");
    let strict = Workspace::new().set("SECRETS_DIR", "").set("INVESTIQ_PROFILE", "production");
    let planned = strict.run("secrets init --dry-run --json").json();
    assert_eq!(planned["directory"], "/run/secrets");
}
