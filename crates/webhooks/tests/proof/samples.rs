//! The samples of every channel.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use webhooks::PROVIDERS;

fn files(directory: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path(), found),
            false => drop(found.insert(entry.path())),
        }
    }
}

#[test]
fn every_file_is_a_sample_and_every_sample_is_a_file_of_its_channel() {
    for declared in PROVIDERS {
        let name = declared.provider.as_str();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name).join("samples");
        let mut found = BTreeSet::new();
        files(&root, &mut found);
        let mut listed = BTreeSet::new();
        for channel in declared.channels {
            let directory = channel.channel.as_str().strip_prefix(name).unwrap().trim_start_matches('/');
            let path = |sample: &str| root.join(directory).join(format!("{sample}.json"));
            listed.extend(channel.samples.iter().map(|sample| path(sample.name)));
        }
        assert_eq!(found, listed);
        for channel in declared.channels {
            assert!(!channel.samples.is_empty(), "{} has samples", channel.channel);
            for sample in channel.samples {
                let body: serde_json::Value = serde_json::from_str(sample.body).unwrap();
                let has_id = channel.id_fields.iter().any(|field| body.get(field).is_some());
                assert!(has_id, "{}/{} has no id that can be renewed", channel.channel, sample.name);
            }
        }
    }
}
