//! Every case on the fake, on moto and on ministack.
//!
//! To try a real account, or to see what an emulator of another version does, run a case list against its endpoint by
//! pointing a `Backend` there; nothing here knows which of them answers.

use std::collections::{BTreeMap, BTreeSet};

use tests::emulators::{Ministack, Moto};
use tests::secrets_manager::FakeSecretsManager;
use tests::workspace_root;

use crate::backend::{Backend, Outcome};
use crate::cases;
use crate::comparison::{Known, differences, written};

const DEVIATIONS: &str = include_str!("deviations.json");

fn outcomes(endpoint_url: String) -> BTreeMap<&'static str, Outcome> {
    let backend = Backend::new(endpoint_url);
    let run = |(number, (sentence, case)): (usize, cases::Case)| {
        (sentence, case(&backend, &format!("c{number:03}/secret")))
    };
    cases::all().into_iter().enumerate().map(run).collect()
}

fn assert_as_written(backend: &str, endpoint_url: String) {
    let (_, known) = written(DEVIATIONS, backend);
    let found = differences(&outcomes(endpoint_url), &known);
    assert!(
        found.is_empty(),
        "{backend} differs from tests/secrets_manager/deviations.json:\n{}",
        found.join("\n")
    );
}

#[test]
fn the_fake_keeps_every_rule() {
    let fake = FakeSecretsManager::start();
    assert_eq!(differences(&outcomes(fake.endpoint_url()), &Known::new()), Vec::<String>::new());
}

#[test]
fn moto_deviates_as_written() {
    assert_as_written("moto", Moto::start().endpoint_url());
}

#[test]
fn ministack_deviates_as_written() {
    assert_as_written("ministack", Ministack::start().endpoint_url());
}

#[test]
fn the_deviations_are_those_of_the_installed_versions() {
    let requirements = std::fs::read_to_string(workspace_root().join("tests/requirements.txt")).unwrap();
    for (backend, package) in [("moto", "moto[server]"), ("ministack", "ministack")] {
        let (version, known) = written(DEVIATIONS, backend);
        assert!(
            requirements.lines().any(|line| line == format!("{package}=={version}")),
            "{package} {version}"
        );
        assert!(!known.is_empty(), "{backend} deviates");
    }
}

#[test]
fn every_case_has_a_sentence_of_its_own() {
    let all = cases::all();
    let sentences: BTreeSet<&str> = all.iter().map(|(sentence, _)| *sentence).collect();
    assert_eq!(sentences.len(), all.len());
}
