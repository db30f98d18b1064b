//! The server's image: what is in it, how it is labelled, how it is built. Its programs are those of the last build; the rest is
//! the last stage of the `Dockerfile`, as in a release.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::engine::Engine;
use tests::workspace_root;

use crate::{Run, Test};

pub(crate) const TESTS: &[Test] = &[
    ("image::has_no_program_but_ours_and_little_beside_them", Run::Engine(contents)),
    ("image::says_what_it_is_and_runs_without_root", Run::Engine(labels)),
    ("image::is_healthy_when_its_server_responds", Run::Engine(health)),
    ("image::lists_the_crates_that_were_compiled", Run::Engine(crates)),
    ("image::has_equal_bytes_from_equal_sources", Run::Engine(reproducible)),
    ("image::is_built_without_secrets_and_other_files", Run::Engine(build_context)),
    ("image::dockerfiles_pass_hadolint", Run::Alone(hadolint)),
];

/// Libraries, certificates, configuration and lists: what the image has beside the two programs.
const BESIDE_PROGRAMS_BYTES_MAX: u64 = 5 << 20;
const OUR_PROGRAMS: [&str; 2] = ["app/api-server", "app/investiq"];
/// The kernel runs it to load them.
const LOADER: &str = "/ld-linux-";
const HEALTH_TIMEOUT: Duration = Duration::from_secs(60);

fn contents(engine: &Engine) {
    let server = engine.image("API_IMAGE");
    let files = files(engine, &server);
    assert_eq!(foreign_programs(&files), Vec::<&str>::new());
    let size = |path: &str| files.iter().find(|file| file.path == path).unwrap().bytes;
    let programs: u64 = OUR_PROGRAMS.into_iter().map(size).sum();
    let all: u64 =
        engine.docker(&["image", "inspect", "--format={{.Size}}", &server]).trim().parse().unwrap();
    println!("image: {all} bytes, of which {programs} are programs");
    assert!(all - programs < BESIDE_PROGRAMS_BYTES_MAX, "{all} - {programs}");
    let data = files.iter().find(|file| file.path == "app/data/").unwrap();
    assert_eq!(data.owner, "65532/65532");

    let with_shell = format!("FROM {server}\nCOPY --from=stand-in:base /bin/sh /bin/sh\n");
    build(engine, "with-shell", &with_shell);
    assert_eq!(foreign_programs(&self::files(engine, "with-shell")), ["bin/sh"], "a planted shell is found");
    engine.docker(&["rmi", "with-shell"]);
}

fn labels(engine: &Engine) {
    let inspected = engine.docker(&["image", "inspect", &engine.image("API_IMAGE")]);
    let image: Value = serde_json::from_str(&inspected).unwrap();
    let config = &image[0]["Config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"], serde_json::json!(["/app/api-server"]));
    assert_eq!(config["WorkingDir"], "/app");
    assert_eq!(config["StopSignal"], "SIGTERM");
    assert_eq!(config["Healthcheck"]["Test"], serde_json::json!(["CMD", "/app/api-server", "healthcheck"]));
    let label = |name: &str| config["Labels"][format!("org.opencontainers.image.{name}")].as_str().unwrap();
    let names = ["title", "description", "revision", "licenses", "version"];
    assert!(names.into_iter().all(|name| !label(name).is_empty()), "{}", config["Labels"]);
    let manifest = read("Cargo.toml");
    assert_eq!(label("version"), line_value(&manifest, "version = "), "ARG VERSION in the Dockerfile");
    assert_eq!(label("licenses"), line_value(&manifest, "license = "));
    let toolchain = line_value(&read("rust-toolchain.toml"), "channel = ").to_owned();
    assert_eq!(line_value(&read("Dockerfile"), "ARG RUST_VERSION="), toolchain);
}

fn health(engine: &Engine) {
    let start = |name: &str| {
        let server = engine.image("API_IMAGE");
        let check = ["--health-interval=1s", "--health-retries=1", "--health-start-period=30s"];
        let settings = [
            "--env=INVESTIQ_PROFILE=development",
            "--env=BIND_ADDRESS=0.0.0.0:3000",
            "--env=PUBLISHED_ON_LOOPBACK=true",
            "--volume=/app/data",
        ];
        engine.docker(
            &[&["run", "--detach", "--read-only", "--name", name][..], &check, &settings, &[&server]]
                .concat(),
        );
    };
    let wait = |name: &str, status: &str| {
        let begin = Instant::now();
        while engine.docker(&["inspect", "--format={{.State.Health.Status}}", name]).trim() != status {
            assert!(
                begin.elapsed() < HEALTH_TIMEOUT,
                "not {status}: {}",
                engine.docker(&["inspect", "--format={{json .State}}", name])
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    start("image-health");
    wait("image-health", "healthy");
    // A server that does not respond, while its process lives.
    engine.docker(&["kill", "--signal=STOP", "image-health"]);
    wait("image-health", "unhealthy");
    engine.docker(&["rm", "--force", "--volumes", "image-health"]);
}

/// The expected crates are those whose artifacts the compiler made for the two programs, according to Cargo's messages.
fn crates(engine: &Engine) {
    let container = engine.docker(&["create", &engine.image("API_IMAGE")]);
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("sbom.json");
    engine.docker(&["cp", &format!("{}:/app/sbom.cdx.json", container.trim()), copy.to_str().unwrap()]);
    engine.docker(&["rm", container.trim()]);
    let mut listed: Value = serde_json::from_str(&std::fs::read_to_string(copy).unwrap()).unwrap();
    assert_eq!((&listed["bomFormat"], &listed["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));

    let compiled = compiled_crates();
    let lock = read("Cargo.lock");
    assert_eq!(sbom_faults(&listed, &compiled, &lock), Vec::<String>::new());

    let planted = serde_json::json!({ "name": "left-pad", "version": "1.0.0" });
    listed["components"].as_array_mut().unwrap().push(planted);
    assert_eq!(
        sbom_faults(&listed, &compiled, &lock).len(),
        2,
        "a planted crate is found: not compiled, not in the lock file"
    );
    listed["components"].as_array_mut().unwrap().drain(..2);
    assert_eq!(sbom_faults(&listed, &compiled, &lock).len(), 4, "and a crate that is left out");
}

/// Where a list of components differs from the crates that were compiled, or from the versions and checksums of `Cargo.lock`.
fn sbom_faults(sbom: &Value, compiled: &BTreeSet<String>, lock: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut listed = BTreeSet::new();
    for component in sbom["components"].as_array().unwrap() {
        let text = |field: &str| component[field].as_str().unwrap();
        let (name, version) = (text("name"), text("version"));
        let mut entry = format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
        if let Some(checksum) = component["hashes"][0]["content"].as_str() {
            let source = lock.split_once(entry.as_str()).and_then(|(_, rest)| rest.lines().next());
            entry = format!("{entry}{}\nchecksum = \"{checksum}\"\n", source.unwrap_or_default());
        }
        if !lock.contains(&entry) {
            faults.push(format!("{name} {version} is not in Cargo.lock with this checksum"));
        }
        // The names of our crates belong to others in the registry, whose weaknesses a scanner would report.
        if component["purl"].is_string() != component["hashes"].is_array() {
            faults.push(format!(
                "{name} {version} has a package URL, or none, but not as a crate of the registry"
            ));
        }
        listed.insert(format!("{name}@{version}"));
    }
    faults.extend(listed.difference(compiled).map(|name| format!("{name} is listed, but was not compiled")));
    faults.extend(compiled.difference(&listed).map(|name| format!("{name} was compiled, but is not listed")));
    faults
}

/// What cargo would compile for the programs, without compiling it: the tests are built with other features.
fn compiled_crates() -> BTreeSet<String> {
    let packages = ["build", "--locked", "--offline", "-p", "api-server", "-p", "ops"];
    let graph = ["--unit-graph", "-Z", "unstable-options"];
    let mut cargo = Command::new(env!("CARGO"));
    // The option is not stable.
    let cargo = cargo.args(packages).args(graph).env("RUSTC_BOOTSTRAP", "1").current_dir(workspace_root());
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let graph: Value = serde_json::from_slice(&output.stdout).unwrap();
    let units = graph["units"].as_array().unwrap().iter();
    units.map(|unit| name_and_version(unit["pkg_id"].as_str().unwrap())).collect()
}

/// `name@version` of a package id: `registry+URL#name@version`, or `path+file:///directory/name#version`.
fn name_and_version(package_id: &str) -> String {
    let (source, id) = package_id.rsplit_once('#').unwrap();
    if id.contains('@') { id.to_owned() } else { format!("{}@{id}", source.rsplit('/').next().unwrap()) }
}

/// The image is built twice by Buildah, each time from a root directory of its own.
fn reproducible(_engine: &Engine) {
    let directory = tempfile::tempdir().unwrap();
    let dockerfile = read("Dockerfile");
    let last_stage = dockerfile.split_once("\nFROM scratch\n").unwrap().1;
    std::fs::write(directory.path().join("Dockerfile"), format!("FROM scratch\n{last_stage}")).unwrap();
    let image_id = |name: &str, options: &[&str]| {
        let context = directory.path().join(name);
        std::fs::create_dir_all(context.join("data")).unwrap();
        let sbom = context.join("sbom.json");
        std::fs::write(&sbom, run(&mut Command::new("tools/sbom"))).unwrap();
        let mut lay_out = Command::new("tools/image-root");
        lay_out
            .arg(context.join("rootfs"))
            .arg(&sbom)
            .args(["target/debug/api-server", "target/debug/investiq"]);
        run(&mut lay_out);
        let storage = directory.path().join("storage");
        let mut buildah = Command::new("buildah");
        buildah.arg("--root").arg(&storage).arg("--runroot").arg(directory.path().join("run"));
        buildah.args(["--storage-driver=vfs", "build", "--quiet", "--format=oci"]).args(options);
        buildah
            .arg(format!("--build-context=rootfs={}", context.display()))
            .arg("--file")
            .arg("Dockerfile")
            .arg(".");
        run(buildah.current_dir(directory.path()))
    };
    let first = image_id("first", &["--timestamp=0"]);
    assert_eq!(first, image_id("second", &["--timestamp=0"]));
    assert_ne!(
        first,
        image_id("third", &[]),
        "without the fixed time, the time of the build is in the image"
    );
}

fn build_context(engine: &Engine) {
    let copy = tempfile::tempdir().unwrap();
    let planted = [
        ".env",
        ".git/config",
        "configs/.env.production",
        "crates/api-server/.env",
        "crates/api-server/src/tls.key",
        "crates/store/tests/fixture.db-wal",
        "crates/webhooks/client.pem",
        "data/investiq.db",
        "secrets/live/api_keys",
        "secrets/polygon_api_key.txt",
        "target/release/api-server",
        "crates/ops/target/debug/investiq",
    ];
    let needed = ["Cargo.lock", "Cargo.toml", "LICENSE", "configs/config.yaml", "crates/ops/src/main.rs"];
    for path in planted.into_iter().chain(needed) {
        let file = copy.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "planted").unwrap();
    }
    let dockerfile = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(dockerfile.path(), "FROM scratch\nCOPY . /\nCMD [\"none\"]\n").unwrap();
    let list = || {
        let (list, copy) = (dockerfile.path().to_str().unwrap(), copy.path().to_str().unwrap());
        engine.docker(&["build", "--quiet", "--tag=context", "--file", list, copy]);
        let found = files(engine, "context").into_iter().map(|file| file.path).collect::<BTreeSet<_>>();
        engine.docker(&["rmi", "context"]);
        found
    };
    std::fs::write(copy.path().join(".dockerignore"), read(".dockerignore")).unwrap();
    let sent = list();
    assert_eq!(
        planted.into_iter().filter(|path| sent.contains(*path)).collect::<Vec<_>>(),
        Vec::<&str>::new()
    );
    assert!(needed.into_iter().all(|path| sent.contains(path)), "{sent:?}");
    std::fs::remove_file(copy.path().join(".dockerignore")).unwrap();
    let sent = list();
    assert!(planted.into_iter().all(|path| sent.contains(path)), "without .dockerignore they are sent");
}

fn hadolint() {
    let check = |paths: &[&Path]| {
        let mut command = Command::new(workspace_root().join("target/venv/bin/hadolint"));
        let output = command.args(paths).output().expect("hadolint starts: `tests/run` installs it");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let images = std::fs::read_dir(workspace_root().join("tests/deploy/images")).unwrap();
    let mut paths: Vec<_> = images.map(|image| image.unwrap().path().join("Dockerfile")).collect();
    paths.push(workspace_root().join("Dockerfile"));
    let paths: Vec<_> = paths.iter().map(AsRef::as_ref).collect();
    assert_eq!(check(&paths), "");
    let directory = tempfile::tempdir().unwrap();
    let faulty = directory.path().join("Dockerfile");
    let stage = read("Dockerfile").replacen("FROM scratch", "FROM debian:latest", 1);
    std::fs::write(&faulty, stage).unwrap();
    assert!(check(&[&faulty]).contains("DL3007"), "a planted fault is found");
}

/// A file of an image, as `tar` lists it.
struct File {
    mode: String,
    owner: String,
    bytes: u64,
    /// Without the leading slash; directories end with one.
    path: String,
}

fn files(engine: &Engine, image: &str) -> Vec<File> {
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("image.tar");
    let container = engine.docker(&["create", image]);
    engine.docker(&["export", "--output", archive.to_str().unwrap(), container.trim()]);
    engine.docker(&["rm", container.trim()]);
    let listing =
        run(Command::new("tar").args(["--list", "--verbose", "--numeric-owner", "--file"]).arg(&archive));
    let file = |line: &str| {
        // Mode, owner, size, date, time, path.
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [mode, owner, path] = [0, 1, 5].map(|field| fields[field].to_owned());
        File { mode, owner, bytes: fields[2].parse().unwrap_or(0), path }
    };
    listing.lines().map(file).collect()
}

/// Regular files that may be executed, other than ours and the loader.
fn foreign_programs(files: &[File]) -> Vec<&str> {
    // The engine adds empty files for a container.
    let programs =
        files.iter().filter(|file| file.mode.starts_with('-') && file.mode.contains('x') && file.bytes > 0);
    let paths = programs.map(|file| file.path.as_str());
    paths.filter(|path| !OUR_PROGRAMS.contains(path) && !path.contains(LOADER)).collect()
}

fn build(engine: &Engine, tag: &str, dockerfile: &str) {
    let context = tempfile::tempdir().unwrap();
    std::fs::write(context.path().join("Dockerfile"), dockerfile).unwrap();
    engine.docker(&["build", "--quiet", "--tag", tag, context.path().to_str().unwrap()]);
}

/// Runs a command in the repository, unless it has a directory of its own, and returns what it prints.
fn run(command: &mut Command) -> String {
    if command.get_current_dir().is_none() {
        command.current_dir(workspace_root());
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(workspace_root().join(path)).unwrap()
}

/// The rest of the first line that begins so, without quotes.
fn line_value<'text>(text: &'text str, begin: &str) -> &'text str {
    text.lines().find_map(|line| line.strip_prefix(begin)).unwrap().trim_matches('"')
}
