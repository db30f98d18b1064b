//! Files of every kind that broke a secret before.

use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::fs::{CWD, FileType, Mode};
use secrets::{Class, Error, Format, InvalidReason, Profile, SECRET_BYTES_MAX, SecretSpec};

use crate::fixture::{Fixture, chmod, keys, spec, text};

const NAME: &str = "key";

async fn load(fixture: &Fixture, profile: Profile, spec: SecretSpec) -> Result<String, Error> {
    let catalogue = secrets::Catalogue::new([spec]).unwrap();
    match fixture.builder(profile, catalogue).build().await {
        Ok(secrets) => secrets.handle(NAME, "test").unwrap().load().map(|set| {
            let value = set.value();
            value.expose_text().unwrap().to_owned()
        }),
        Err(mut errors) => Err(errors.0.remove(0)),
    }
}

async fn check(fixture: &Fixture, format: Format, expected: Result<&str, InvalidReason>) {
    let result = load(fixture, Profile::Production, spec(NAME, Class::ApiKey, format)).await;
    match (result, expected) {
        (Ok(text), Ok(expected)) => assert_eq!(text, expected),
        (Err(Error::Invalid { reason, .. }), Err(expected)) => assert_eq!(reason, expected),
        (result, expected) => panic!("{result:?} instead of {expected:?}"),
    }
}

#[tokio::test]
async fn contents_are_cleaned_or_refused() {
    let fixture = Fixture::new();
    let largest = "kT9v2LqX".repeat(SECRET_BYTES_MAX / 8);
    let too_large = format!("{largest}k");
    let pem = "-----BEGIN PUBLIC KEY-----\r\nMIIB\r\n-----END PUBLIC KEY-----";
    let pem_file = format!("{pem}\r\n");
    let cases: Vec<(&[u8], Format, Result<&str, InvalidReason>)> = vec![
        (b"", Format::Text, Err(InvalidReason::Empty)),
        (b"\n", Format::Text, Err(InvalidReason::Empty)),
        (b"kT9v2LqX\n", Format::Text, Ok("kT9v2LqX")),
        (b"kT9v2LqX\r\n", Format::Text, Ok("kT9v2LqX")),
        (b"kT9v2LqX\n\n\n", Format::Text, Ok("kT9v2LqX")),
        (b"kT9v\n2LqX", Format::Text, Err(InvalidReason::MultipleLines)),
        (b"\xef\xbb\xbfkT9v2LqX", Format::Text, Err(InvalidReason::ByteOrderMark)),
        (b"\xff\xfek\0T\0", Format::Text, Err(InvalidReason::Utf16)),
        (b"kT9v\x002LqX", Format::Text, Err(InvalidReason::Nul)),
        (b"kT9v\xff2LqX", Format::Text, Err(InvalidReason::NotUtf8)),
        (b" kT9v2LqX", Format::Text, Err(InvalidReason::SurroundingWhitespace)),
        (b"kT9v2LqX \n", Format::Text, Err(InvalidReason::SurroundingWhitespace)),
        (b"0072918365", Format::Text, Ok("0072918365")),
        (b"true", Format::Text, Ok("true")),
        (b"\"kT9v2LqX\"", Format::Text, Ok("kT9v2LqX")),
        (br#"{"KEY":"kT9v2LqX"}"#, Format::Text, Ok("kT9v2LqX")),
        (br#"{"OTHER":"kT9v2LqX"}"#, Format::Text, Err(InvalidReason::NoField)),
        (
            br#"{"user":"iq","password":"mQ2v"}"#,
            Format::Json { required: &["user"] },
            Ok(r#"{"user":"iq","password":"mQ2v"}"#),
        ),
        (
            br#"{"user":"iq"}"#,
            Format::Json { required: &["password"] },
            Err(InvalidReason::JsonField { field: "password" }),
        ),
        (pem_file.as_bytes(), Format::Pem, Ok(pem)),
        (too_large.as_bytes(), Format::Lines, Err(InvalidReason::TooLarge { limit: SECRET_BYTES_MAX })),
    ];
    for (contents, format, expected) in cases {
        fixture.file(NAME, contents);
        check(&fixture, format, expected).await;
    }
    // The rule against repetition aside, the largest size is accepted.
    fixture.file(NAME, &largest);
    let list = spec(NAME, Class::AccessList, Format::Lines);
    assert_eq!(load(&fixture, Profile::Production, list).await, Ok(largest));
}

#[tokio::test]
async fn a_byte_order_mark_is_stripped_in_development() {
    let fixture = Fixture::new();
    fixture.file(NAME, b"\xef\xbb\xbfkT9v2LqX");
    let result = load(&fixture, Profile::Development, spec(NAME, Class::ApiKey, Format::Text)).await;
    assert_eq!(result.as_deref(), Ok("kT9v2LqX"));
}

#[tokio::test]
async fn only_a_regular_file_beneath_the_mount_is_read() {
    let make_fifo = |fixture: &Fixture| {
        rustix::fs::mknodat(CWD, fixture.path(NAME), FileType::Fifo, Mode::from_raw_mode(0o400), 0).unwrap();
    };
    let link = |target: &'static str| move |fixture: &Fixture| symlink(target, fixture.path(NAME)).unwrap();
    type Make = Box<dyn Fn(&Fixture)>;
    let cases: [(&str, Make, InvalidReason); 6] = [
        (
            "directory",
            Box::new(|fixture| std::fs::create_dir(fixture.path(NAME)).unwrap()),
            InvalidReason::NotRegularFile { kind: "directory" },
        ),
        ("FIFO", Box::new(make_fifo), InvalidReason::NotRegularFile { kind: "FIFO" }),
        ("link to a device", Box::new(link("/dev/null")), InvalidReason::OutsideDirectory),
        ("link out", Box::new(link("../outside")), InvalidReason::OutsideDirectory),
        ("link to a file elsewhere", Box::new(link("/etc/hostname")), InvalidReason::OutsideDirectory),
        ("link to itself", Box::new(link(NAME)), InvalidReason::OutsideDirectory),
    ];
    for (what, make, expected) in cases {
        let fixture = Fixture::new();
        std::fs::write(fixture.outside().join("outside"), "out").unwrap();
        make(&fixture);
        let result = load(&fixture, Profile::Production, spec(NAME, Class::ApiKey, Format::Text)).await;
        assert!(
            matches!(&result, Err(Error::Invalid { reason, .. }) if *reason == expected),
            "{what}: {result:?}"
        );
    }
}

#[tokio::test]
async fn a_device_is_refused() {
    let mut fixture = Fixture::new();
    fixture.variable("KEY_FILE", "/dev/zero");
    let result = load(&fixture, Profile::Production, spec(NAME, Class::ApiKey, Format::Text)).await;
    let expected =
        "secret key in file /dev/zero (named by KEY_FILE) is a character device, not a regular file";
    assert_eq!(result.unwrap_err().to_string(), expected);
}

#[tokio::test]
async fn a_link_without_a_target_is_not_found() {
    let fixture = Fixture::new();
    symlink("..data/key", fixture.path(NAME)).unwrap();
    let result = load(&fixture, Profile::Production, spec(NAME, Class::ApiKey, Format::Text)).await;
    assert!(matches!(result, Err(Error::NotFound { .. })), "{result:?}");
}

#[tokio::test]
async fn permissions_are_checked_by_location() {
    let fixture = Fixture::new();
    let path = fixture.file(NAME, "kT9v2LqX");
    let on_disk = |mode| match mode {
        0o400 | 0o440 | 0o600 => Ok("kT9v2LqX"),
        0o444 | 0o644 => Err(InvalidReason::WorldReadable { mode }),
        _ => Err(InvalidReason::WritableByOthers { mode }),
    };
    for mode in [0o400, 0o440, 0o600, 0o444, 0o644, 0o660, 0o666] {
        chmod(&path, mode);
        check(&fixture, Format::Text, on_disk(mode)).await;
    }
    // Compose mounts 0444 from a directory that no one else can enter.
    chmod(&fixture.mount(), 0o700);
    chmod(&path, 0o444);
    check(&fixture, Format::Text, Ok("kT9v2LqX")).await;
    // As `secrets/live`, which is mounted as a whole, in a private `secrets`.
    chmod(&fixture.mount(), 0o755);
    let outer = fixture.mount().parent().unwrap().to_path_buf();
    chmod(&outer, 0o700);
    check(&fixture, Format::Text, Ok("kT9v2LqX")).await;
    chmod(&outer, 0o755);
    let development = load(&fixture, Profile::Development, spec(NAME, Class::ApiKey, Format::Text)).await;
    assert_eq!(development.as_deref(), Ok("kT9v2LqX"), "reported, not refused");
}

/// Container engines mount secrets in memory, readable to all.
#[tokio::test]
async fn a_readable_file_in_memory_is_accepted() {
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else { return };
    let path = memory.path().join(NAME);
    chmod(memory.path(), 0o755);
    std::fs::write(&path, "kT9v2LqX").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    let secrets = secrets::Secrets::builder(Profile::Production, keys(&[NAME]), crate::fixture::clock())
        .local(secrets::Environment::default(), memory.path())
        .build()
        .await
        .unwrap();
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("kT9v2LqX"));
    let report = secrets.report();
    assert_eq!(report.get(NAME).unwrap().version.as_ref().unwrap().grade, secrets::Grade::Weak);
}

/// Root can read every file, so this test needs another user.
#[tokio::test]
async fn an_unreadable_file_is_not_reported_as_not_found() {
    let fixture = Fixture::new();
    let path = fixture.file(NAME, "kT9v2LqX");
    chmod(&path, 0o000);
    let uid = rustix::process::geteuid();
    if uid.is_root() {
        return;
    }
    let result = load(&fixture, Profile::Production, spec(NAME, Class::ApiKey, Format::Text)).await;
    let expected =
        format!("access to secret key in file {} was denied for uid {}, ", path.display(), uid.as_raw());
    assert!(result.unwrap_err().to_string().starts_with(&expected), "{expected}");
    // The same in a directory that we cannot enter.
    chmod(&fixture.mount(), 0o000);
    let result = load(&fixture, Profile::Production, spec("other", Class::ApiKey, Format::Text)).await;
    chmod(&fixture.mount(), 0o700);
    assert!(matches!(result, Err(Error::AccessDenied { .. })), "{result:?}");
}

#[test]
fn an_unreadable_file_names_its_path_and_the_user() {
    let origin = secrets::Origin::SecretFile { path: "/run/secrets/key".into() };
    let error = Error::AccessDenied {
        name: NAME.parse().unwrap(),
        origin,
        requester: secrets::Requester::User(10_001),
    };
    let expected = "access to secret key in file /run/secrets/key was denied for uid 10001, which runs this process: \
                    change the owner or the mode of the file";
    assert_eq!(error.to_string(), expected);
}
