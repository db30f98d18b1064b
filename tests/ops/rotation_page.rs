//! `docs/secrets-rotation.md` agrees with the code. `reading` executes its commands.

use tests::workspace_root;

use crate::command::Workspace;
use crate::reading::page::{Block, blocks};

const PAGE: &str = "docs/secrets-rotation.md";

fn page() -> String {
    std::fs::read_to_string(workspace_root().join(PAGE)).unwrap()
}

fn of_kind(kind: &str) -> Vec<Block> {
    blocks(&page()).into_iter().filter(|block| block.kind == kind).collect()
}

#[test]
fn every_manifest_is_valid_yaml() {
    for block in of_kind("yaml") {
        let tree = serde_saphyr::from_str::<serde_json::Value>(&block.text);
        assert!(tree.is_ok_and(|tree| tree.is_object()), "{}", block.text);
    }
}

#[test]
fn the_policy_is_valid_json() {
    let policies = of_kind("json");
    assert!(matches!(&policies[..], [only] if serde_json::from_str::<serde_json::Value>(&only.text).is_ok()));
}

#[test]
fn the_page_and_the_code_have_the_same_bound_of_an_emergency() {
    let catalogue = secrets::Catalogue::product();
    let bound_s = secrets::rotation::emergency_bound(catalogue.get("api_keys").unwrap()).as_secs();
    assert!(page().contains(&format!("A process that reaches AWS does so within {bound_s} seconds")));
}

#[test]
fn the_inventory_has_every_secret() {
    let page = page();
    let inventory = page.split("\n## ").find(|section| section.starts_with("Inventory")).unwrap();
    let list = Workspace::new().run("secrets list --json").json();
    for line in list["secrets"].as_array().unwrap() {
        let name = line["name"].as_str().unwrap();
        assert!(inventory.contains(&format!("`{name}`")), "{name} is not in the inventory");
    }
}
