//! A Kubernetes volume: each file is a link through `..data`, which a rename swaps.

use std::os::unix::fs::symlink;
use std::time::Duration;

use secrets::{Class, Format, Profile};

use crate::fixture::{Fixture, chmod, spec, text};

const NAME: &str = "database_url";

/// Writes the next version of a volume and swaps it in.
fn swap(fixture: &Fixture, version: usize, contents: &str) {
    let directory = format!("..2026_{version}");
    std::fs::create_dir(fixture.path(&directory)).unwrap();
    let file = fixture.path(&directory).join(NAME);
    std::fs::write(&file, contents).unwrap();
    chmod(&file, 0o440);
    symlink(&directory, fixture.path("..data_tmp")).unwrap();
    std::fs::rename(fixture.path("..data_tmp"), fixture.path("..data")).unwrap();
    if version == 0 {
        symlink(format!("..data/{NAME}"), fixture.path(NAME)).unwrap();
    } else {
        std::fs::remove_dir_all(fixture.path(&format!("..2026_{}", version - 1))).unwrap();
    }
}

/// A watch on the file would miss the second swap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_swap_is_noticed_and_not_only_the_first() {
    let fixture = Fixture::new();
    swap(&fixture, 0, "postgres://iq:value-0@db/iq");
    let catalogue = secrets::Catalogue::new([spec(NAME, Class::DbCredential, Format::Text)]).unwrap();
    let secrets = fixture.builder(Profile::Production, catalogue).build().await.unwrap();
    let mut handle = secrets.handle(NAME, "test").unwrap();
    let watch = tokio::spawn(secrets.clone().watch());
    // The first poll of the watch comes at once and finds the initial value.
    tokio::time::sleep(Duration::from_millis(300)).await;
    for version in 1..=3 {
        let value = format!("postgres://iq:value-{version}@db/iq");
        swap(&fixture, version, &value);
        tokio::time::timeout(Duration::from_secs(60), handle.changed())
            .await
            .expect("the swap was not noticed");
        assert_eq!(text(&secrets, NAME), Ok(value));
    }
    watch.abort();
}

/// A change in a directory that is not watched, because it is reached through a link or shared by a network, is noticed, too.
#[tokio::test(start_paused = true)]
async fn a_change_without_an_event_is_noticed_within_5_s() {
    let fixture = Fixture::new();
    let link = fixture.outside().join("current");
    let publish = |version: &str| {
        let directory = fixture.outside().join(version);
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join(NAME), format!("postgres://iq:{version}@db/iq")).unwrap();
        chmod(&directory.join(NAME), 0o400);
        symlink(&directory, fixture.outside().join("next")).unwrap();
        std::fs::rename(fixture.outside().join("next"), &link).unwrap();
    };
    publish("first");
    let catalogue = secrets::Catalogue::new([spec(NAME, Class::DbCredential, Format::Text)]).unwrap();
    let builder = secrets::Secrets::builder(Profile::Production, catalogue, crate::fixture::clock());
    let secrets = builder.local(secrets::Environment::default(), &link).build().await.unwrap();
    let mut handle = secrets.handle(NAME, "test").unwrap();
    let watch = tokio::spawn(secrets.clone().watch());
    tokio::time::sleep(Duration::from_secs(10)).await;
    publish("second");
    tokio::time::timeout(Duration::from_secs(5), handle.changed()).await.expect("noticed within 5 s");
    assert_eq!(text(&secrets, NAME).as_deref(), Ok("postgres://iq:second@db/iq"));
    watch.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_swaps_under_reads_never_tear() {
    const SWAPS: usize = 1_000;
    let fixture = std::sync::Arc::new(Fixture::new());
    let value = |version: usize| format!("{version:04}-{}-{version:04}", "mQ2v8sKd".repeat(400));
    swap(&fixture, 0, &value(0));
    let catalogue = secrets::Catalogue::new([spec(NAME, Class::AccessList, Format::Text)]).unwrap();
    let secrets = fixture.builder(Profile::Production, catalogue).build().await.unwrap();
    let writer = {
        let fixture = std::sync::Arc::clone(&fixture);
        std::thread::spawn(move || (1..=SWAPS).for_each(|version| swap(&fixture, version, &value(version))))
    };
    let mut versions = std::collections::BTreeSet::new();
    while !writer.is_finished() {
        secrets.reload().await;
        let value = text(&secrets, NAME).unwrap();
        assert_eq!(value.get(..4), value.get(value.len() - 4..), "torn");
        versions.insert(value);
    }
    writer.join().unwrap();
    secrets.reload().await;
    assert!(text(&secrets, NAME).unwrap().starts_with("1000-"), "the last swap was missed");
    assert!(versions.len() > 10, "only {} versions seen", versions.len());
}
