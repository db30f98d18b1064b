//! `doctor` finds each fault of a machine and of its files, and nothing on a machine without faults.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::command::set_mode;
use crate::host::{DOMAIN, Host};

const OFFLINE: &str = "--profile production --offline";

/// A fault: its name, what it does, and what `doctor` must find, as `rule subject`.
type Fault = (&'static str, fn(&Host), &'static str);

/// Each is planted alone on a machine that is ready for production.
const FAULTS: &[Fault] = &[
    (
        "no engine is installed",
        |host| std::fs::remove_file(host.path("bin/docker")).unwrap(),
        "engine docker",
    ),
    (
        "the engine does not run",
        |host| std::fs::remove_file(host.path("bin/version")).unwrap(),
        "engine docker",
    ),
    ("the engine is old", |host| host.answer("version", "19.03.15 1.40"), "engine_version docker"),
    (
        "Compose is missing",
        |host| std::fs::remove_file(host.path("bin/compose-version")).unwrap(),
        "compose docker compose",
    ),
    ("Compose is old", |host| host.answer("compose-version", "2.20.3"), "compose_version docker compose"),
    (
        "a container is unhealthy",
        |host| host.answer("ps", &container("redis", "unhealthy", 0)),
        "container redis",
    ),
    (
        "a required variable is missing",
        |host| host.edit(".env", |env| env.replace("DOMAIN=", "#")),
        "compose_files Compose files",
    ),
    (".env is readable by everyone", |host| set_mode(&host.path(".env"), 0o644), "env_mode .env"),
    (
        ".env has a placeholder",
        |host| host.edit(".env", |env| env.replace(DOMAIN, "api.example.com")),
        "placeholder .env",
    ),
    (
        ".env has a line without a value",
        |host| host.edit(".env", |env| env + "MTU 1400\n"),
        "compose_files Compose files",
    ),
    (
        ".env sets a variable twice",
        |host| host.edit(".env", |env| env + "DOMAIN=b.acme-invest.net\n"),
        "env_twice .env",
    ),
    (".env is missing", |host| std::fs::remove_file(host.path(".env")).unwrap(), "env_file .env"),
    (
        "the group of the socket is another",
        |host| host.edit(".env", |env| env.replace("DOCKER_GID=", "DOCKER_GID=9")),
        "docker_gid DOCKER_GID",
    ),
    (
        "others can enter the directory of secrets",
        |host| set_mode(&host.path("secrets"), 0o755),
        "mode secrets",
    ),
    (
        "the container cannot enter its directory",
        |host| set_mode(&host.path("secrets/live"), 0o700),
        "unreadable secrets/live",
    ),
    (
        "the container cannot read its secret",
        |host| set_mode(&host.path("secrets/live/audit_key"), 0o600),
        "unreadable secrets/live/audit_key",
    ),
    (
        "others can change a secret of the server",
        |host| set_mode(&host.path("secrets/live/audit_key"), 0o666),
        "invalid audit_key",
    ),
    (
        "others can change a secret of Postgres",
        |host| set_mode(&host.path("secrets/postgres/password"), 0o666),
        "mode secrets/postgres/password",
    ),
    (
        "a secret of the server is empty",
        |host| host.edit("secrets/live/audit_key", |_| String::new()),
        "invalid audit_key",
    ),
    (
        "a secret of Postgres is empty",
        |host| host.edit("secrets/postgres/password", |_| String::new()),
        "empty secrets/postgres/password",
    ),
    (
        "a secret is a placeholder",
        |host| host.write("secrets/live/polygon_api_key", "changeme"),
        "placeholder polygon_api_key",
    ),
    (
        "a secret is missing",
        |host| std::fs::remove_file(host.path("secrets/live/api_keys")).unwrap(),
        "missing api_keys",
    ),
    ("a file is misspelt", |host| host.write("secrets/live/polygon_key", "x"), "misplaced secrets"),
    ("a secret is overdue", |host| backdate(host, "secrets/live/audit_key"), "overdue audit_key"),
    (
        "the database has another password",
        |host| host.edit("secrets/postgres/password", |_| "kT9v2LqXw0cPz7Rb".to_owned()),
        "contradiction secrets/live/database_url",
    ),
    (
        "Redis has another password",
        |host| host.edit("secrets/redis/password", |_| "kT9v2LqXw0cPz7Rb".to_owned()),
        "contradiction secrets/redis/users.acl",
    ),
    (
        "the server has another password of Redis",
        |host| host.edit("secrets/live/redis_password", |_| "kT9v2LqXw0cPz7Rb".to_owned()),
        "contradiction secrets/live/redis_password",
    ),
    (
        "the key of Prometheus is unknown",
        |host| host.edit("secrets/live/api_keys", |keys| keys.lines().next().unwrap().to_owned()),
        "contradiction secrets/live/api_keys",
    ),
    (
        "Redis has no users",
        |host| std::fs::remove_file(host.path("secrets/redis/users.acl")).unwrap(),
        "missing secrets/redis/users.acl",
    ),
    (
        "a mounted file is missing",
        |host| std::fs::remove_file(host.path("monitoring/traefik.yml")).unwrap(),
        "missing monitoring/traefik.yml",
    ),
    (
        "others can read the keys of certificates",
        |host| host.write("secrets/acme/acme.json", "{}"),
        "acme_mode secrets/acme/acme.json",
    ),
    (
        "a setting is out of range",
        |host| host.edit(".env", |env| env + "RATE_LIMIT_PER_MINUTE=-1\n"),
        "setting rate_limit.per_minute",
    ),
    (
        "a container may use more CPUs than there are",
        |host| host.edit(".env", |env| env.replace("API_CPUS=", "#") + "API_CPUS=4096\n"),
        "cpus api-server",
    ),
    ("the clock is not synchronized", |host| host.answer("clock", "no"), "clock clock"),
    ("the database does not exist", |host| in_container(host, "nowhere/investiq.db"), "database database"),
    ("the database was never migrated", |host| in_container(host, "empty.db"), "database database"),
];

fn container(service: &str, health: &str, port: u16) -> String {
    let publishers = serde_json::json!([{ "PublishedPort": port }]);
    serde_json::json!({ "Service": service, "State": "running", "Health": health, "Publishers": publishers })
        .to_string()
}

fn backdate(host: &Host, name: &str) {
    let file = std::fs::File::open(host.path(name)).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    file.set_modified(modified - Duration::from_secs(100 * 24 * 60 * 60)).unwrap();
}

/// The container of the server runs, with this database.
fn in_container(host: &Host, database: &str) {
    std::fs::write(host.path("empty.db"), "").unwrap();
    host.answer("ps", &container("api-server", "healthy", 0));
    let url = host.path(database);
    host.answer("container", &format!("export DATABASE_URL=sqlite:{}", url.display()));
}

/// Errors and warnings about the machine itself, which no fault here changes.
fn baseline() -> BTreeSet<String> {
    let (_, found) = Host::ready("production").doctor(OFFLINE);
    let machine = ["disk", "inodes", "memory", "memory_limits", "mtu", "port", "core_dumps"];
    let other = found.iter().filter(|finding| !machine.contains(&finding.split(' ').next().unwrap()));
    assert_eq!(other.collect::<Vec<_>>(), Vec::<&String>::new(), "a machine without faults");
    found
}

#[test]
fn each_planted_fault_is_found_with_a_remedy() {
    let baseline = baseline();
    assert!(FAULTS.len() >= 20);
    for (name, plant, expected) in FAULTS {
        let host = Host::ready("production");
        plant(&host);
        let (_, found) = host.doctor(OFFLINE);
        let new: BTreeSet<&str> = found.difference(&baseline).map(String::as_str).collect();
        assert!(new.contains(expected), "{name}: {new:?}");
    }
}

#[test]
fn the_exit_code_says_whether_something_is_wrong() {
    let host = Host::ready("staging");
    // This machine may have a web server.
    host.add_compose_file("services: { traefik: { ports: !override [] } }\n");
    let arguments = "--profile staging --offline";
    assert_eq!(host.doctor(arguments).0, 0, "{:?}", host.doctor(arguments));
    host.edit("secrets/live/database_url", |_| String::new());
    assert_eq!(host.doctor(arguments).0, 3);
    let text = host.workspace.run(&format!("doctor {arguments}"));
    let remedy = "        investiq secrets set database_url --directory ";
    assert!(text.stdout.contains(remedy) && text.stdout.contains("error(s)"), "{text:?}");
    assert_eq!(host.workspace.run("doctor --directory nowhere").exit_code, 2);
}

#[test]
fn nothing_is_changed() {
    let host = Host::ready("production");
    let list = || {
        let output =
            Command::new("find").arg(host.path("")).args(["-printf", "%p %m %T@ %C@\n"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let before = list();
    assert!(before.contains("secrets/live/api_keys 444 "), "{before}");
    drop(host.doctor(OFFLINE));
    assert_eq!(list(), before);
}

#[test]
fn only_that_they_are_unreadable_is_reported_of_secrets_that_the_user_cannot_read() {
    const NOBODY: u32 = 65_534;
    let host = Host::ready("production");
    let secrets = host.path("secrets");
    let mut doctor = host.workspace.command(&["doctor", "--offline"]);
    if std::fs::metadata(&secrets).unwrap().uid() == 0 {
        set_mode(&host.path(""), 0o755);
        chown(host.path(".env"), Some(NOBODY), None).unwrap();
        doctor.uid(NOBODY).gid(NOBODY);
    } else {
        set_mode(&secrets, 0);
    }
    let output = doctor.output().unwrap();
    set_mode(&secrets, 0o700);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("so that no file was checked [denied]\n        sudo investiq doctor"), "{text}");
    assert!(!text.contains("secrets/") && !text.contains("api_keys"), "{text}");
}

#[test]
fn a_file_that_never_ends_does_not_keep_the_program_alive() {
    let host = Host::ready("production");
    let password = host.path("secrets/postgres/password");
    std::fs::remove_file(&password).unwrap();
    assert!(Command::new("mkfifo").arg(password).status().unwrap().success());
    let (code, findings) = host.doctor(OFFLINE);
    assert!(code == 3 && findings.contains("timeout files"), "{findings:?}");
}

#[test]
fn no_value_is_printed() {
    let host = Host::ready("production");
    let value = "c4n4ry-Zx7kQp2vWn9tLm4rBc8yHs3dJf6gTa";
    // Of a wrong form, and under a name that no secret has.
    for name in
        ["live/audit_key", "live/database_url", "live/canary", "postgres/password", "prometheus/api_key"]
    {
        host.write(&format!("secrets/{name}"), value);
    }
    let env = std::fs::read_to_string(host.path(".env")).unwrap();
    // The others are refused by Compose, which quotes or repeats them.
    for line in ["POLYGON_API_KEY=?", "POLYGON_API_KEY=\"?", "POLYGON_API_KEY='?", "a b!=?"] {
        std::fs::write(host.path(".env"), format!("{env}{}\n", line.replace('?', value))).unwrap();
        for arguments in [OFFLINE, "--offline --json"] {
            let result = host.workspace.run(&format!("doctor {arguments}"));
            assert_eq!(result.exit_code, 3, "{result:?}");
            assert!(!result.stdout.contains(value) && !result.stderr.contains(value), "{result:?}");
        }
    }
}

#[test]
fn a_port_that_another_program_holds_is_found_and_one_of_our_containers_is_not() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = Host::ready("production");
    host.add_compose_file(&format!("services: {{ redis: {{ ports: ['127.0.0.1:{port}:6379'] }} }}\n"));
    let finding = format!("port port {port}");
    assert!(host.doctor("--offline").1.contains(&finding));
    host.answer("ps", &container("redis", "healthy", port));
    assert!(!host.doctor("--offline").1.contains(&finding));
    host.answer("ps", "");
    drop(listener);
    assert!(!host.doctor("--offline").1.contains(&finding));
}

/// Responds to every request with this date, for as long as the process runs.
fn serve_date(date: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream: TcpStream = stream.unwrap();
            drop(stream.read(&mut [0; 1024]));
            drop(write!(
                stream,
                "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            ));
        }
    });
    port
}

#[test]
fn a_clock_that_differs_from_that_of_another_host_is_found() {
    let host = Host::ready("production");
    // Without a port that answers, and without DNS.
    host.edit(".env", |env| env.replace(DOMAIN, "localhost"));
    let skew = |date| {
        let port = serve_date(date);
        host.doctor(&format!("--time-url http://127.0.0.1:{port}")).1.contains("clock_skew clock")
    };
    assert!(skew("Sun, 06 Nov 1994 08:49:37 GMT"));
    let now = Command::new("date")
        .args(["--utc", "+%a, %d %b %Y %H:%M:%S GMT"])
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    let now: &'static str = String::from_utf8(now.stdout).unwrap().leak();
    assert!(!skew(now.trim_end()));
    assert!(
        host.doctor("--time-url http://127.0.0.1:9").1.contains("clock_skew clock"),
        "nobody answers there"
    );
}

#[test]
fn a_domain_that_does_not_lead_here_is_found() {
    let host = Host::ready("production");
    let found = |domain: &str| {
        let domain = domain.to_owned();
        host.edit(".env", |env| env.replace(DOMAIN, &domain));
        let found = host.doctor("--time-url http://127.0.0.1:9").1;
        host.edit(".env", |env| env.replace(&domain, DOMAIN));
        found
    };
    assert!(found("localhost").contains("dns_loopback localhost"));
    // Reserved, so that it never resolves (RFC 6761).
    assert!(found("api.invalid").contains("dns api.invalid"));
}

/// `openssl s_server`, killed when dropped.
struct TlsServer {
    child: Child,
    port: u16,
}

impl TlsServer {
    /// With a new self-signed certificate in `host`.
    fn start(host: &Host) -> Self {
        let openssl = |arguments: &[&str]| {
            let mut command = Command::new("openssl");
            command.args(arguments).current_dir(host.path("")).stdin(Stdio::null());
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        let certificate = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key -out tls.pem -days 90 \
                           -subj /O=Unknown/CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE";
        let certificate: Vec<&str> = certificate.split_whitespace().collect();
        assert!(openssl(&certificate).status().expect("openssl is installed by `tests/run`").success());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let accept = format!("127.0.0.1:{port}");
        let child = openssl(&["s_server", "-accept", &accept, "-cert", "tls.pem", "-key", "tls.key", "-www"])
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&accept).is_err() {
            assert!(Instant::now() < deadline, "openssl s_server listens");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, port }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn the_certificate_is_checked_once_traefik_runs() {
    let mut host = Host::ready("production");
    let server = TlsServer::start(&host);
    let port = server.port;
    host.edit(".env", |env| env.replace(DOMAIN, "localhost"));
    host.add_compose_file(&format!(
        "services: {{ traefik: {{ ports: !override ['127.0.0.1:{port}:443'] }} }}\n"
    ));
    let found = |host: &Host| {
        let result = host.workspace.run("doctor --json --time-url http://127.0.0.1:9");
        let findings = result.json()["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|finding| finding["rule"].as_str().unwrap().starts_with("certificate"))
    };
    assert_eq!(found(&host), None, "before the first start");
    host.answer("ps", &container("traefik", "healthy", port));
    let untrusted = found(&host).unwrap();
    let message = untrusted["message"].as_str().unwrap();
    assert!(message.contains("UnknownIssuer"), "{untrusted}");
    let trusted = host.path("tls.pem").to_string_lossy().into_owned();
    host.workspace = host.workspace.set("SSL_CERT_FILE", &trusted);
    assert_eq!(found(&host), None, "trusted, and not about to expire");
    drop(server);
    assert!(found(&host).is_some(), "nobody answers there");
}
