//! Every case on the fake, on moto and on ministack.
//!
//! To try a real account or another emulator, point a `Backend` at its endpoint.

use std::collections::{BTreeMap, BTreeSet};

use tests::emulators::{Ministack, Moto};
use tests::secrets_manager::FakeSecretsManager;
use tests::workspace_root;

use crate::manager::backend::{Backend, Outcome};
use crate::manager::cases;
use crate::manager::comparison::{Deviations, differences, documented};

const DEVIATIONS: &str = include_str!("deviations.json");

fn outcomes(endpoint_url: String) -> BTreeMap<&'static str, Outcome> {
    let backend = Backend::new(endpoint_url);
    let run = |(number, (sentence, case)): (usize, cases::Case)| {
        (sentence, case(&backend, &format!("c{number:03}/secret")))
    };
    cases::all().into_iter().enumerate().map(run).collect()
}

fn assert_as_documented(backend: &str, endpoint_url: String) {
    let (_, known) = documented(DEVIATIONS, backend);
    let found = differences(&outcomes(endpoint_url), &known);
    assert!(
        found.is_empty(),
        "{backend} differs from tests/secrets/manager/deviations.json:\n{}",
        found.join("\n")
    );
}

#[test]
fn the_fake_passes_every_case() {
    let fake = FakeSecretsManager::start();
    assert_eq!(differences(&outcomes(fake.endpoint_url()), &Deviations::new()), Vec::<String>::new());
}

#[test]
fn moto_deviates_as_documented() {
    assert_as_documented("moto", Moto::start().endpoint_url());
}

#[test]
fn ministack_deviates_as_documented() {
    assert_as_documented("ministack", Ministack::start().endpoint_url());
}

#[test]
fn the_deviations_are_those_of_the_installed_versions() {
    let requirements = std::fs::read_to_string(workspace_root().join("tests/requirements.txt")).unwrap();
    for (backend, package) in [("moto", "moto[server]"), ("ministack", "ministack")] {
        let (version, known) = documented(DEVIATIONS, backend);
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
