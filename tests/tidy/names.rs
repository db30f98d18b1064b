//! A file is named for its subject, never for its kind.

use std::path::{Path, PathBuf};

/// Names that say a kind. The subject is the better name.
const KINDS: &[&str] = &["utils", "util", "helpers", "helper", "common", "misc", "types"];

fn is_named_for_its_kind(path: &Path) -> bool {
    path.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        KINDS.contains(&part.trim_end_matches(".rs"))
    })
}

#[test]
fn no_file_is_named_for_its_kind() {
    let found: Vec<PathBuf> =
        crate::tracked_files().into_iter().filter(|path| is_named_for_its_kind(path)).collect();
    assert_eq!(found, Vec::<PathBuf>::new());
}

#[test]
fn a_module_lies_beside_its_folder() {
    let found: Vec<PathBuf> = crate::rust_files("crates")
        .into_iter()
        // Below a crate's tests/ every file is a binary of its own, and a shared module has to be a folder.
        .filter(|path| path.ends_with("mod.rs") && path.components().any(|part| part.as_os_str() == "src"))
        .collect();
    assert_eq!(found, Vec::<PathBuf>::new(), "write foo.rs beside foo/");
}

#[test]
fn a_kind_is_seen_as_a_file_and_as_a_folder() {
    assert!(is_named_for_its_kind(Path::new("crates/domain/src/utils.rs")));
    assert!(is_named_for_its_kind(Path::new("crates/domain/src/common/date.rs")));
    assert!(!is_named_for_its_kind(Path::new("crates/domain/src/date.rs")));
}
