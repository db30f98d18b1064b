//! Staging and production as they are deployed, from outside: TLS, what is reachable and what is not, and Docker's socket.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::engine::Engine;

use crate::host::{DOMAIN, Host, command, resolve};
use crate::{Run, Test};

pub(crate) const TESTS: &[Test] = &[
    ("edge::production_passes_every_check_and_shows_nothing_else", Run::Engine(production)),
    ("edge::production_works_without_docker_access", Run::Engine(file_provider)),
    ("edge::staging_passes_every_check_and_keeps_its_certificate", Run::Engine(staging)),
];

fn production(engine: &Engine) {
    let host = Host::new(engine, "production", &[]);
    host.add_variable("COMPOSE_PROFILES=monitoring");
    let (healthy, certificate) = host.up(engine);
    println!("healthy after {healthy:.1?}, certificate after {certificate:.1?} more");
    verified(&host);
    requests_are_limited_and_read_alike(&host);
    handshakes_are_strict(&host);
    only_two_ports_are_open();
    the_socket_proxy_only_reads(engine, &host);
    containers_run_as_declared(engine, &host);
    prometheus_reads_the_metrics(engine, &host);
    an_unknown_authority_is_found(&host);
    a_weaker_configuration_is_found(&host);
}

/// Every line of `tools/verify-deployment` begins with PASS.
fn verified(host: &Host) {
    let output = host.verify();
    let text = text(&output);
    let failed = text.lines().filter(|line| !line.starts_with("PASS ")).collect::<Vec<_>>();
    assert_eq!((output.status.code(), failed), (Some(0), vec!["0 failed"]), "{text}");
}

fn requests_are_limited_and_read_alike(host: &Host) {
    let key = format!("X-API-Key: {}", host.admin_key());
    for (path, arguments, statuses) in [
        ("/health", &[][..], &[200][..]),
        ("/api/symbols", &[], &[401]),
        ("/api/symbols", &["--header", &key], &[200]),
        ("/docs", &[], &[404]),
        // What only the network inside may read, with an administrator's key and in other spellings.
        ("/metrics", &["--header", &key], &[404]),
        ("/metrics/json", &["--header", &key], &[404]),
        ("//metrics", &["--header", &key], &[404]),
        ("/%6detrics", &["--header", &key], &[404]),
        ("/api/../metrics", &["--header", &key], &[404]),
        ("/dashboard/", &[], &[404]),
        ("/api/rawdata", &[], &[401, 404]),
        ("/ping", &[], &[404]),
        ("/a%2fb", &[], &[400]),
        ("/a%5cb", &[], &[400]),
        ("/a%00b", &[], &[400]),
        ("/health", &["--header", "X_Forwarded_For: 192.0.2.1"], &[400]),
        ("/health", &["--header", "Host: other.investiq.test"], &[404]),
    ] {
        let response = host.request(path, arguments);
        assert!(statuses.contains(&response.status), "{path} {arguments:?}: {response:?}");
    }

    // A client cannot name another address.
    for header in ["X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "X-Real-Ip: 192.0.2.1"] {
        let name = header.split(':').next().unwrap().to_lowercase();
        host.request(&format!("/api/symbols/{name}"), &["--header", header]);
    }
    let log = host.compose.run(&["logs", "--no-color", "--no-log-prefix", "api-server"]);
    let own = client_of(&log, "/api/symbols/x-real-ip");
    assert!(own.ends_with(".1") && own != "192.0.2.1", "{own}");
    for name in ["x-forwarded-for", "forwarded"] {
        assert_eq!(client_of(&log, &format!("/api/symbols/{name}")), own, "{name}");
    }

    let large = host.file("large");
    std::fs::write(&large, vec![b' '; 3 << 20]).unwrap();
    let body = format!("@{}", large.display());
    let response = host.request(
        "/api/analyze",
        &["--header", &key, "--header", "Content-Type: application/json", "--data-binary", &body],
    );
    assert_eq!(response.status, 413, "{response:?}");
    let header = format!("X-Large: {}", "a".repeat(60_000));
    assert_eq!(host.request("/health", &["--header", &header]).status, 0);

    // Both servers together let 20 pass at once, less those before, and 2 in each second.
    let burst = format!("https://{DOMAIN}/api/symbols#[1-120]");
    let one_process = ["--parallel", "--parallel-max", "120", "--header", &key];
    let statuses = host.statuses(&burst, &one_process);
    let count = |status| statuses.iter().filter(|other| **other == status).count();
    assert!((10..40).contains(&count(200)) && count(200) + count(429) == 120, "{statuses:?}");

    let redirect = host.request_url(&format!("http://{DOMAIN}/health?a=b"), &[]);
    assert_eq!(redirect.status, 301);
    assert!(redirect.head.contains(&format!("location: https://{DOMAIN}/health?a=b")), "{redirect:?}");
}

/// The client in the access log of a request.
fn client_of(log: &str, path: &str) -> String {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let line =
        lines.into_iter().find(|line| line["path"] == path).unwrap_or_else(|| panic!("{path} is not logged"));
    line["client"].as_str().unwrap().to_owned()
}

fn handshakes_are_strict(host: &Host) {
    for (arguments, expected) in [
        (&["-servername", DOMAIN][..], "Verify return code: 0 (ok)"),
        (&["-servername", "other.investiq.test"], "unrecognized name"),
        (&["-noservername"], "unrecognized name"),
        (&["-servername", DOMAIN, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "alert protocol version"),
        (&["-servername", DOMAIN, "-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"], "handshake failure"),
        (&["-servername", DOMAIN, "-alpn", "h2,http/1.1"], "ALPN protocol: h2"),
    ] {
        let text = handshake(host, arguments);
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
}

fn handshake(host: &Host, arguments: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(["s_client", "-connect", "127.0.0.1:443", "-CAfile", "pebble/root.pem"])
        .args(arguments)
        .current_dir(host.path())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    text(&output)
}

/// What listens on the host's addresses. The engine's own resolver listens in containers only.
fn only_two_ports_are_open() {
    let listening = command("ss", &["--listening", "--tcp", "--numeric", "--no-header"], Path::new("/"));
    let mut addresses: Vec<&str> =
        listening.lines().filter_map(|line| line.split_whitespace().nth(3)).collect();
    addresses.sort_unstable();
    assert_eq!(addresses, ["0.0.0.0:443", "0.0.0.0:80"]);
}

fn the_socket_proxy_only_reads(engine: &Engine, host: &Host) {
    let address = host.address_of(engine, "socket-proxy", "socket");
    let container = host.container("postgres");
    let one = format!("/containers/{container}");
    let status = |method: &str, path: &str, socket: bool| {
        let url =
            if socket { format!("http://docker{path}") } else { format!("http://{address}:2375{path}") };
        let socket: &[&str] = if socket { &["--unix-socket", "/var/run/docker.sock"] } else { &[] };
        let arguments =
            ["--request", method, "--max-time", "5", "--output", "/dev/null", "--write-out", "%{http_code}"];
        let output = Command::new("curl")
            .args(["--silent", "--path-as-is"])
            .args(arguments)
            .args(socket)
            .arg(url)
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    // Of another project, or of `docker compose run`, which Traefik would serve, too.
    let other = ["run", "--detach", "--label", "traefik.enable=true", &engine.image("REDIS_IMAGE")];
    let other = engine.docker(&other);
    let listed = command(
        "curl",
        &["--silent", "--show-error", &format!("http://{address}:2375/v1.41/containers/json?all=1&filters=")],
        host.path(),
    );
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let mut listed: Vec<_> =
        listed.as_array().unwrap().iter().map(|one| one["Id"].as_str().unwrap()).collect();
    listed.sort_unstable();
    let mut servers = host.containers("api-server");
    servers.sort();
    assert_eq!(listed, servers);
    engine.docker(&["rm", "--force", other.trim()]);
    for path in [
        "/_ping",
        "/version",
        "/v1.41/version",
        "/containers/json",
        "/v1.41/containers/json?all=1",
        &format!("{one}/json"),
    ] {
        assert_eq!(status("GET", path, false), "200", "{path}");
    }
    let denied = [
        ("POST", "/containers/create".to_owned()),
        ("POST", format!("{one}/stop")),
        ("POST", format!("{one}/exec")),
        ("DELETE", one.clone()),
        ("PUT", format!("{one}/archive?path=/")),
        ("POST", "/images/create?fromImage=a".to_owned()),
        ("POST", "/build".to_owned()),
        ("GET", "/info".to_owned()),
        ("GET", "/images/json".to_owned()),
        ("GET", "/volumes".to_owned()),
        ("GET", "/networks".to_owned()),
        ("GET", "/secrets".to_owned()),
        ("GET", format!("{one}/logs?stdout=1")),
        ("GET", format!("{one}/archive?path=/run/secrets")),
        ("GET", format!("{one}/export")),
        ("GET", format!("{one}/top")),
        ("GET", "/containers/json/../../images/json".to_owned()),
        ("GET", "/containers/%2e%2e/images/json".to_owned()),
        ("GET", "//images/json".to_owned()),
        ("GET", "/v1.41/images/json".to_owned()),
    ];
    for (method, path) in denied {
        assert_eq!(status(method, &path, false), "403", "{method} {path}");
    }
    // The socket itself would have answered.
    for path in ["/info", "/images/json", &format!("{one}/archive?path=/run/secrets")] {
        assert_eq!(status("GET", path, true), "200", "{path}");
    }
}

/// Reads from the kernel what Compose was asked for.
fn containers_run_as_declared(engine: &Engine, host: &Host) {
    let ids = host.compose.run(&["ps", "--quiet"]);
    let ids: Vec<&str> = ids.lines().collect();
    let inspected: Vec<Value> =
        serde_json::from_str(&engine.docker(&[&["inspect"], &ids[..]].concat())).unwrap();
    let hardened = inspected.iter().filter(|container| container["Name"] != "/investiq-pebble-1");
    for container in hardened {
        let (name, declared) = (&container["Name"], &container["HostConfig"]);
        let process = format!("/proc/{}", container["State"]["Pid"]);
        let read = |file: &str| std::fs::read_to_string(format!("{process}/{file}")).unwrap();
        let status = read("status");
        let field = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
            line.split_whitespace().next().unwrap().to_owned()
        };
        assert_eq!([field("CapEff:"), field("CapBnd:")], ["0000000000000000"; 2], "{name}");
        assert_eq!(field("NoNewPrivs:"), "1", "{name}");
        assert_eq!(
            field("Uid:"),
            container["Config"]["User"].as_str().unwrap().split(':').next().unwrap(),
            "{name}"
        );
        let limits = read("limits");
        let open_files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
        assert!(open_files.split_whitespace().take(2).all(|limit| limit == "16384"), "{name}: {limits}");
        let mounts = read("mountinfo");
        let root = mounts.lines().find(|line| line.split(' ').nth(4) == Some("/")).unwrap();
        assert!(root.split(' ').nth(5).unwrap().split(',').any(|option| option == "ro"), "{name}: {root}");
        for (controller, files, limit) in [
            ("memory", ["memory.limit_in_bytes", "memory.max"], &declared["Memory"]),
            ("pids", ["pids.max", "pids.max"], &declared["PidsLimit"]),
        ] {
            let in_force = cgroup_value(&read("cgroup"), controller, files);
            assert_eq!(in_force.as_deref(), Some(limit.to_string().as_str()), "{name}: {controller}");
        }
    }
    // The twin: Pebble is not hardened.
    let pid = engine.docker(&["inspect", "--format", "{{.State.Pid}}", "investiq-pebble-1"]);
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.trim())).unwrap();
    assert!(!status.contains("CapEff:\t0000000000000000") && status.contains("NoNewPrivs:\t0"), "{status}");
}

/// Version 1 has a hierarchy for each controller, version 2 has one for all.
fn cgroup_value(cgroups: &str, controller: &str, files: [&str; 2]) -> Option<String> {
    let path_of = |wanted: &str| {
        let mut parts = cgroups.lines().map(|line| line.splitn(3, ':').collect::<Vec<_>>());
        parts.find_map(|parts| (parts[1].split(',').any(|name| name == wanted)).then(|| parts[2].to_owned()))
    };
    let old = path_of(controller).map(|path| format!("/sys/fs/cgroup/{controller}{path}/{}", files[0]));
    let new = path_of("").map(|path| format!("/sys/fs/cgroup{path}/{}", files[1]));
    let read = |path: String| std::fs::read_to_string(path).ok();
    old.and_then(read).or_else(|| new.and_then(read)).map(|text| text.trim().to_owned())
}

/// Both servers, which are ready and share rate limits, and everything around them.
fn prometheus_reads_the_metrics(engine: &Engine, host: &Host) {
    let jobs = ["alertmanager", "api-server", "api-server", "node", "postgres", "prometheus", "public"];
    let jobs = [&jobs[..], &["readiness", "readiness", "redis", "traefik"]].concat();
    wait_for_series(engine, host, "up", &jobs, "1");
    wait_for_series(engine, host, "investiq_rate_limit_replicas", &["api-server"; 2], "2");
    wait_for_series(engine, host, "probe_success{job=\"readiness\"}", &["readiness"; 2], "1");
    wait_for_series(engine, host, "pg_up", &["postgres"], "1");
    wait_for_series(engine, host, "redis_up", &["redis"], "1");
}

/// Waits until Prometheus has this value of a metric of each of these jobs.
fn wait_for_series(engine: &Engine, host: &Host, metric: &str, jobs: &[&str], value: &str) {
    let address = host.address_of(engine, "prometheus", "monitoring");
    let url = format!("http://{address}:9090/api/v1/query");
    let query = format!("query={metric}");
    let expected: Vec<String> = jobs.iter().map(|job| format!("\"{job}\"=\"{value}\"")).collect();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let text =
            command("curl", &["--silent", "--show-error", "--data-urlencode", &query, &url], host.path());
        let answer: Value = serde_json::from_str(&text).unwrap();
        let series = answer["data"]["result"].as_array().unwrap();
        let mut found: Vec<String> =
            series.iter().map(|one| format!("{}={}", one["metric"]["job"], one["value"][1])).collect();
        found.sort();
        if found == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{metric}: {text}");
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Whatever curl accepts by its own settings.
fn an_unknown_authority_is_found(host: &Host) {
    std::fs::write(host.file(".curlrc"), "insecure\n").unwrap();
    let mut verify = Command::new(host.file("tools/verify-deployment"));
    let output = verify.arg(format!("https://{DOMAIN}")).args(resolve()).env("HOME", host.path()).output();
    let text = text(&output.unwrap());
    assert!(text.contains("FAIL  certificate: ") && !text.contains("PASS  health"), "{text}");
}

/// The checks find what they look for: old versions of TLS, here.
fn a_weaker_configuration_is_found(host: &Host) {
    let dynamic = host.file("monitoring/traefik/dynamic.yml");
    let text = std::fs::read_to_string(&dynamic).unwrap();
    let weaker: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("- TLS_") && !line.contains("cipherSuites"))
        .map(|line| line.replace("VersionTLS12", "VersionTLS10") + "\n")
        .collect();
    replace(&dynamic, &weaker);
    let expected = ["FAIL  tls 1: not refused", "FAIL  tls 1_1: not refused"];
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let output = host.verify();
        let text = self::text(&output);
        let failed: Vec<&str> = text.lines().filter(|line| line.starts_with("FAIL")).collect();
        if failed.len() == 2 && failed.iter().zip(expected).all(|(line, expected)| line.starts_with(expected))
        {
            assert_eq!(output.status.code(), Some(2));
            break;
        }
        assert!(Instant::now() < deadline, "{text}");
    }
    // A broken file leaves the last good one in force.
    replace(&dynamic, "tls: [");
    // Traefik applies changes at most every 2 s.
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(host.request("/health", &[]).status, 200);
}

fn replace(file: &Path, text: &str) {
    let next = file.with_extension("next");
    std::fs::write(&next, text).unwrap();
    std::fs::rename(next, file).unwrap();
}

fn file_provider(engine: &Engine) {
    let host = Host::new(engine, "production", &["docker-compose.file-provider.yml"]);
    host.use_static_file("traefik.file-provider.yml");
    host.up(engine);
    verified(&host);
    let services = host.compose.run(&["ps", "--services"]);
    assert!(!services.contains("socket-proxy") && services.contains("traefik"), "{services}");
}

fn staging(engine: &Engine) {
    let host = Host::new(engine, "staging", &[]);
    host.up(engine);
    verified(&host);
    let key = format!("X-API-Key: {}", host.admin_key());
    let response = host.request("/api/symbols", &["--header", &key]);
    assert!(response.head.contains("ratelimit-policy: \"key\";q=30;w=60"), "{response:?}");
    assert_eq!(host.request("/docs", &[]).status, 200);
    let log = host.compose.run(&["logs", "--no-color", "--no-log-prefix", "api-server"]);
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
    // Each line of the file is tagged with its service.
    let container = host.container("api-server");
    let path = engine.docker(&["inspect", "--format", "{{.LogPath}}", &container]);
    let line = std::fs::read_to_string(path.trim()).unwrap();
    let line: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    assert_eq!(line["attrs"]["tag"], "investiq-api-server-1");
    a_certificate_is_kept_over_a_restart(engine, &host);
}

/// It is ordered again only when it ends within a month.
fn a_certificate_is_kept_over_a_restart(engine: &Engine, host: &Host) {
    let first = serial(host);
    host.compose.run(&["restart", "traefik"]);
    assert_eq!(serial(host), first);
    // The twin: one that ends within a month.
    host.prepare_pebble(20 * 86_400);
    std::fs::write(host.file("secrets/acme/acme.json"), "").unwrap();
    host.compose.run(&["up", "--detach", "--force-recreate", "pebble"]);
    host.compose.run(&["restart", "traefik"]);
    host.up(engine);
    let short = serial(host);
    assert_ne!(short, first);
    host.compose.run(&["restart", "traefik"]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while serial(host) == short {
        assert!(Instant::now() < deadline, "the certificate is not ordered again");
    }
}

/// The serial number of the certificate that Traefik shows, as soon as it shows one.
fn serial(host: &Host) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        let shown = handshake(host, &["-servername", DOMAIN]);
        // Before it has read its configuration, Traefik shows one of its own.
        let is_own = shown.contains("TRAEFIK DEFAULT CERT");
        if let Some((_, rest)) = shown.split_once("-----BEGIN CERTIFICATE-----").filter(|_| !is_own) {
            let certificate = rest.split("-----END").next().unwrap();
            return certificate.to_owned();
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("Traefik shows no certificate");
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream).into_owned()).concat()
}
