//! Every kind of file that has ever broken a secret, laid out on a disk and read through the whole crate.

use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::fs::{CWD, FileType, Mode};
use secrets::{Class, Error, Fault, Format, Profile, SECRET_BYTES_MAX, SecretSpec};

use crate::stage::{Stage, chmod, keys, spec, text};

const NAME: &str = "key";

async fn read(stage: &Stage, profile: Profile, spec: SecretSpec) -> Result<String, Error> {
    let catalogue = secrets::Catalogue::new([spec]).unwrap();
    match stage.builder(profile, catalogue).build().await {
        Ok(secrets) => secrets.handle(NAME, "test").unwrap().load().map(|set| {
            let value = set.value();
            value.expose_text().unwrap().to_owned()
        }),
        Err(mut problems) => Err(problems.0.remove(0)),
    }
}

async fn check(stage: &Stage, format: Format, expected: Result<&str, Fault>) {
    let found = read(stage, Profile::Production, spec(NAME, Class::ApiKey, format)).await;
    match (found, expected) {
        (Ok(text), Ok(expected)) => assert_eq!(text, expected),
        (Err(Error::Invalid { fault, .. }), Err(expected)) => assert_eq!(fault, expected),
        (found, expected) => panic!("found {found:?}, expected {expected:?}"),
    }
}

#[tokio::test]
async fn contents_are_cleaned_or_refused() {
    let stage = Stage::new();
    let largest = "kT9v2LqX".repeat(SECRET_BYTES_MAX / 8);
    let too_large = format!("{largest}k");
    let pem = "-----BEGIN PUBLIC KEY-----\r\nMIIB\r\n-----END PUBLIC KEY-----";
    let pem_file = format!("{pem}\r\n");
    let cases: Vec<(&[u8], Format, Result<&str, Fault>)> = vec![
        (b"", Format::Text, Err(Fault::Empty)),
        (b"\n", Format::Text, Err(Fault::Empty)),
        (b"kT9v2LqX\n", Format::Text, Ok("kT9v2LqX")),
        (b"kT9v2LqX\r\n", Format::Text, Ok("kT9v2LqX")),
        (b"kT9v2LqX\n\n\n", Format::Text, Ok("kT9v2LqX")),
        (b"kT9v\n2LqX", Format::Text, Err(Fault::LineEnd)),
        (b"\xef\xbb\xbfkT9v2LqX", Format::Text, Err(Fault::ByteOrderMark)),
        (b"\xff\xfek\0T\0", Format::Text, Err(Fault::Utf16)),
        (b"kT9v\x002LqX", Format::Text, Err(Fault::Nul)),
        (b"kT9v\xff2LqX", Format::Text, Err(Fault::NotUtf8)),
        (b" kT9v2LqX", Format::Text, Err(Fault::Blank)),
        (b"kT9v2LqX \n", Format::Text, Err(Fault::Blank)),
        (b"0072918365", Format::Text, Ok("0072918365")),
        (b"true", Format::Text, Ok("true")),
        (b"\"kT9v2LqX\"", Format::Text, Ok("\"kT9v2LqX\"")),
        (
            br#"{"user":"iq","password":"mQ2v"}"#,
            Format::Json { required: &["user"] },
            Ok(r#"{"user":"iq","password":"mQ2v"}"#),
        ),
        (
            br#"{"user":"iq"}"#,
            Format::Json { required: &["password"] },
            Err(Fault::JsonField { field: "password" }),
        ),
        (pem_file.as_bytes(), Format::Pem, Ok(pem)),
        (too_large.as_bytes(), Format::Lines, Err(Fault::TooLarge { limit: SECRET_BYTES_MAX })),
    ];
    for (contents, format, expected) in cases {
        stage.file(NAME, contents);
        check(&stage, format, expected).await;
    }
    // The rule against repetition aside, the largest size is accepted.
    stage.file(NAME, &largest);
    let list = spec(NAME, Class::AccessList, Format::Lines);
    assert_eq!(read(&stage, Profile::Production, list).await, Ok(largest));
}

#[tokio::test]
async fn a_byte_order_mark_is_stripped_in_development() {
    let stage = Stage::new();
    stage.file(NAME, b"\xef\xbb\xbfkT9v2LqX");
    let found = read(&stage, Profile::Development, spec(NAME, Class::ApiKey, Format::Text)).await;
    assert_eq!(found.as_deref(), Ok("kT9v2LqX"));
}

#[tokio::test]
async fn only_a_regular_file_beneath_the_mount_is_read() {
    let make_fifo = |stage: &Stage| {
        rustix::fs::mknodat(CWD, stage.path(NAME), FileType::Fifo, Mode::from_raw_mode(0o400), 0).unwrap();
    };
    let link = |target: &'static str| move |stage: &Stage| symlink(target, stage.path(NAME)).unwrap();
    type Make = Box<dyn Fn(&Stage)>;
    let cases: [(&str, Make, Fault); 6] = [
        (
            "directory",
            Box::new(|stage| std::fs::create_dir(stage.path(NAME)).unwrap()),
            Fault::NotAFile { kind: "directory" },
        ),
        ("FIFO", Box::new(make_fifo), Fault::NotAFile { kind: "FIFO" }),
        ("link to a device", Box::new(link("/dev/null")), Fault::Escapes),
        ("link out", Box::new(link("../outside")), Fault::Escapes),
        ("link to a file elsewhere", Box::new(link("/etc/hostname")), Fault::Escapes),
        ("link to itself", Box::new(link(NAME)), Fault::Escapes),
    ];
    for (what, make, expected) in cases {
        let stage = Stage::new();
        std::fs::write(stage.outside().join("outside"), "out").unwrap();
        make(&stage);
        let found = read(&stage, Profile::Production, spec(NAME, Class::ApiKey, Format::Text)).await;
        assert!(
            matches!(&found, Err(Error::Invalid { fault, .. }) if *fault == expected),
            "{what}: {found:?}"
        );
    }
}

#[tokio::test]
async fn a_device_is_refused_where_it_lies() {
    let mut stage = Stage::new();
    stage.variable("KEY_FILE", "/dev/zero");
    let found = read(&stage, Profile::Production, spec(NAME, Class::ApiKey, Format::Text)).await;
    let expected =
        "secret key in file /dev/zero (named by KEY_FILE) is a character device, not a regular file";
    assert_eq!(found.unwrap_err().to_string(), expected);
}

#[tokio::test]
async fn a_link_without_a_target_is_an_absence() {
    let stage = Stage::new();
    symlink("..data/key", stage.path(NAME)).unwrap();
    let found = read(&stage, Profile::Production, spec(NAME, Class::ApiKey, Format::Text)).await;
    assert!(matches!(found, Err(Error::NotFound { .. })), "{found:?}");
}

#[tokio::test]
async fn permissions_are_judged_where_the_file_lies() {
    let stage = Stage::new();
    let path = stage.file(NAME, "kT9v2LqX");
    let on_disk = |mode| match mode {
        0o400 | 0o440 | 0o600 => Ok("kT9v2LqX"),
        0o444 | 0o644 => Err(Fault::Readable { mode }),
        _ => Err(Fault::Writable { mode }),
    };
    for mode in [0o400, 0o440, 0o600, 0o444, 0o644, 0o660, 0o666] {
        chmod(&path, mode);
        check(&stage, Format::Text, on_disk(mode)).await;
    }
    // Compose mounts 0444 from a directory that no one else can enter.
    chmod(&stage.mount(), 0o700);
    chmod(&path, 0o444);
    check(&stage, Format::Text, Ok("kT9v2LqX")).await;
    chmod(&stage.mount(), 0o755);
    let development = read(&stage, Profile::Development, spec(NAME, Class::ApiKey, Format::Text)).await;
    assert_eq!(development.as_deref(), Ok("kT9v2LqX"), "said, not refused");
}

/// Container engines mount secrets in memory, readable to all.
#[tokio::test]
async fn a_readable_file_in_memory_is_accepted() {
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else { return };
    let path = memory.path().join(NAME);
    chmod(memory.path(), 0o755);
    std::fs::write(&path, "kT9v2LqX").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    let secrets = secrets::Secrets::builder(Profile::Production, keys(&[NAME]), crate::stage::clock())
        .local(secrets::Environment::new([]), memory.path())
        .build()
        .await
        .unwrap();
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("kT9v2LqX"));
    let report = secrets.report();
    assert_eq!(report.get(NAME).unwrap().version.as_ref().unwrap().grade, secrets::Grade::Weak);
}

/// Root can read everything, so this says something only where the tests do not run as root.
#[tokio::test]
async fn a_file_that_we_may_not_read_is_never_an_absence() {
    let stage = Stage::new();
    let path = stage.file(NAME, "kT9v2LqX");
    chmod(&path, 0o000);
    let uid = rustix::process::geteuid();
    if uid.is_root() {
        return;
    }
    let found = read(&stage, Profile::Production, spec(NAME, Class::ApiKey, Format::Text)).await;
    let expected =
        format!("access to secret key in file {} was refused to uid {}", path.display(), uid.as_raw());
    assert_eq!(found.unwrap_err().to_string(), expected);
    // Nor is one in a directory that we may not enter.
    chmod(&stage.mount(), 0o000);
    let found = read(&stage, Profile::Production, spec("other", Class::ApiKey, Format::Text)).await;
    chmod(&stage.mount(), 0o700);
    assert!(matches!(found, Err(Error::AccessDenied { .. })), "{found:?}");
}

#[test]
fn an_unreadable_file_names_its_path_and_the_user() {
    let origin = secrets::Origin::SecretFile { path: "/run/secrets/key".into() };
    let error = Error::AccessDenied { name: NAME.parse().unwrap(), origin, to: secrets::Asker::User(10_001) };
    assert_eq!(error.to_string(), "access to secret key in file /run/secrets/key was refused to uid 10001");
}
