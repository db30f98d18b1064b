//! Clients that generators make from the OpenAPI document: every operation is in them, and their types hold.
//!
//! npm's packages may be missing, and the test that needs them is then counted as ignored.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};
use serde_json::Value;
use tests::{ServerOptions, workspace_root};

const DOCUMENT: &str = "openapi.json";

fn main() -> ExitCode {
    // Several names select the tests that contain any of them, as in the other test binaries.
    let (options, names): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with('-'));
    let arguments = Arguments::from_iter(std::iter::once(String::new()).chain(options));
    let has_npm_packages = workspace_root().join("target/clients/.lock").exists();
    let mut trials = vec![
        trial("a_python_client_has_every_operation_and_its_types_hold", python),
        trial("a_typescript_client_has_every_operation_and_its_types_hold", typescript)
            .with_ignored_flag(!has_npm_packages),
    ];
    trials.retain(|trial| names.is_empty() || names.iter().any(|name| trial.name().contains(name.as_str())));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// The ids of all operations of the document, which is written to `directory`.
fn write_document(directory: &Path) -> BTreeSet<String> {
    let response = ServerOptions::new().start().get("/openapi.json", &[]);
    std::fs::write(directory.join(DOCUMENT), &response.body).unwrap();
    let document = response.json();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|methods| methods.as_object().unwrap().values());
    operations.map(|operation: &Value| operation["operationId"].as_str().unwrap().to_owned()).collect()
}

/// Runs a program of target/venv in `directory`; it must succeed.
fn run(directory: &Path, program: &str, arguments: &[&str]) -> String {
    let programs = workspace_root().join("target/venv/bin");
    let path = [programs.to_str().unwrap(), "/usr/bin", "/bin"].join(":");
    let output = Command::new(programs.join(program))
        .args(arguments)
        .current_dir(directory)
        .env("PATH", path)
        .output()
        .unwrap_or_else(|error| {
            panic!("{program} starts from target/venv, which `tests/run` creates: {error}")
        });
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}\n{text}");
    text
}

fn python() {
    let directory = tempfile::tempdir().unwrap();
    let operations = write_document(directory.path());
    let generate =
        ["generate", "--path", DOCUMENT, "--meta", "none", "--output-path", "client", "--fail-on-warning"];
    let config = workspace_root().join("tests/clients/python.yml");
    let generate = [&generate[..], &["--config", config.to_str().unwrap()]].concat();
    let log = run(directory.path(), "openapi-python-client", &generate);
    let modules = directory
        .path()
        .join("client/api")
        .read_dir()
        .unwrap()
        .filter_map(|tag| tag.unwrap().path().read_dir().ok());
    let modules = modules.flatten().map(|file| file.unwrap().file_name().into_string().unwrap());
    let generated: BTreeSet<String> =
        modules.filter_map(|name| Some(name.strip_suffix(".py")?.replace('_', ""))).collect();
    for operation in &operations {
        assert!(
            generated.contains(&operation.to_lowercase()),
            "{operation} is missing: {generated:?}\n{log}"
        );
    }
    run(directory.path(), "mypy", &["--strict", "client"]);
}

fn typescript() {
    let directory = tempfile::tempdir().unwrap();
    let operations = write_document(directory.path());
    let packages = workspace_root().join("target/clients/node_modules");
    // Programs and packages are found beside the input.
    std::os::unix::fs::symlink(&packages, directory.path().join("node_modules")).unwrap();
    let generate = ["node_modules/@hey-api/openapi-ts/bin/run.js", "--input", DOCUMENT, "--output", "client"];
    let log = run(directory.path(), "node", &[&generate[..], &["--no-log-file"]].concat());
    let functions = std::fs::read_to_string(directory.path().join("client/sdk.gen.ts")).unwrap();
    for operation in &operations {
        assert!(functions.contains(&format!("export const {operation} = ")), "{operation} is missing\n{log}");
    }
    let check =
        ["node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022"];
    let modules = ["--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2022,dom,dom.iterable"];
    run(directory.path(), "node", &[&check[..], &modules, &["client/index.ts"]].concat());
}
