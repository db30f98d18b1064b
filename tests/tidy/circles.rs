//! No modules of one crate import each other in a circle. A module and those below it may.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, ItemMod, ItemUse, UseTree, Visibility};

/// `crate::a::b` is `["a", "b"]`; the root of a crate is empty.
type Module = Vec<String>;
/// Arrows between modules that have one parent, each with an import that makes it.
type Arrows = BTreeMap<Module, BTreeMap<Module, String>>;

/// What one file imports, as it is written.
#[derive(Default)]
struct Imports {
    paths: Vec<Module>,
    reexports: Vec<Module>,
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args().is_ok_and(|path: syn::Path| path.is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut paths = Vec::new();
        expand(&item.tree, &mut Vec::new(), &mut paths);
        if !matches!(item.vis, Visibility::Inherited) {
            self.reexports.extend(paths.iter().cloned());
        }
        self.paths.extend(paths);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }
}

/// Every path of a `use` with its braces taken apart.
fn expand(tree: &UseTree, prefix: &mut Module, paths: &mut Vec<Module>) {
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            expand(&path.tree, prefix, paths);
            prefix.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|item| expand(item, prefix, paths)),
        UseTree::Name(name) => paths.push([prefix.as_slice(), &[name.ident.to_string()]].concat()),
        UseTree::Rename(name) => paths.push([prefix.as_slice(), &[name.ident.to_string()]].concat()),
        UseTree::Glob(_) => paths.push(prefix.clone()),
    }
}

/// A path as it is written in `module`, from the root of its crate; `None` when it leads out of the crate.
fn from_root(module: &Module, path: &[String], modules: &BTreeMap<Module, Imports>) -> Option<Module> {
    let supers = path.iter().take_while(|part| *part == "super").count();
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([module, &path[1..]].concat()),
        "super" => Some([&module[..module.len().checked_sub(supers)?], &path[supers..]].concat()),
        child => {
            let child = [module.as_slice(), &[child.to_owned()]].concat();
            modules.contains_key(&child).then(|| [module, path].concat())
        }
    }
}

/// The module in which what `path` names is defined, through re-exports.
fn home(path: &[String], modules: &BTreeMap<Module, Imports>) -> Option<Module> {
    let length = (0..=path.len()).rev().find(|length| modules.contains_key(&path[..*length]))?;
    let module = path[..length].to_vec();
    let Some(name) = path.get(length) else { return Some(module) };
    let reexport = modules[&module].reexports.iter().find(|reexport| reexport.last() == Some(name));
    let target = reexport.and_then(|reexport| from_root(&module, reexport, modules));
    target.filter(|target| target != path).map_or(Some(module), |target| home(&target, modules))
}

fn arrows(modules: &BTreeMap<Module, Imports>) -> Arrows {
    let mut arrows = Arrows::new();
    for (module, imports) in modules {
        for path in &imports.paths {
            let target = from_root(module, path, modules).and_then(|path| home(&path, modules));
            let Some(target) = target else { continue };
            let shared = module.iter().zip(&target).take_while(|(one, other)| one == other).count();
            if shared < module.len().min(target.len()) {
                let why = format!("{} imports {}", module.join("::"), path.join("::"));
                arrows.entry(module[..=shared].to_vec()).or_default().insert(target[..=shared].to_vec(), why);
            }
        }
    }
    arrows
}

/// What is left when modules that import nothing, or that nothing imports, are taken away again and again.
fn circles(sources: &BTreeMap<Module, String>) -> Vec<String> {
    let parsed = sources.iter().map(|(module, source)| {
        let mut imports = Imports::default();
        imports.visit_file(
            &syn::parse_file(source).unwrap_or_else(|error| panic!("{}: {error}", module.join("::"))),
        );
        (module.clone(), imports)
    });
    let mut arrows = arrows(&parsed.collect());
    loop {
        let size = arrows.values().map(BTreeMap::len).sum::<usize>();
        let from: BTreeSet<Module> = arrows.keys().cloned().collect();
        let to: BTreeSet<Module> = arrows.values().flat_map(BTreeMap::keys).cloned().collect();
        arrows.retain(|module, _| to.contains(module));
        arrows.values_mut().for_each(|targets| targets.retain(|target, _| from.contains(target)));
        arrows.retain(|_, targets| !targets.is_empty());
        if arrows.values().map(BTreeMap::len).sum::<usize>() == size {
            return arrows.into_values().flat_map(BTreeMap::into_values).collect();
        }
    }
}

/// The modules of the crate in `folder`, without those of tests.
fn sources(folder: &Path) -> BTreeMap<Module, String> {
    let files = crate::rust_files(folder.to_str().unwrap()).into_iter().filter_map(|file| {
        let path = file.strip_prefix(folder).unwrap().with_extension("");
        let module: Module = path.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        let is_root = ["lib", "main"].contains(&module.join("::").as_str());
        let is_test = module.iter().any(|part| part == "tests");
        (!is_test).then(|| (if is_root { Module::new() } else { module }, crate::read(&file)))
    });
    files.collect()
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let crates = std::fs::read_dir(tests::workspace_root().join("crates")).unwrap();
    for name in crates.map(|folder| folder.unwrap().file_name()) {
        let sources = sources(&Path::new("crates").join(&name).join("src"));
        assert!(!sources.is_empty(), "{name:?} has sources");
        assert_eq!(circles(&sources), Vec::<String>::new(), "{name:?}");
    }
}

fn of_text(files: &[(&str, &str)]) -> Vec<String> {
    let module = |path: &str| path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
    circles(&files.iter().map(|(path, source)| (module(path), (*source).to_owned())).collect())
}

#[test]
fn a_circle_is_seen_through_a_third_module_a_child_and_a_re_export() {
    let through_a_third = of_text(&[
        ("", ""),
        ("a", "use crate::b::B;"),
        ("b", "use super::c::C;"),
        ("c", "fn c(_: crate::a::A) {}"),
    ]);
    assert_eq!(through_a_third, ["a imports crate::b::B", "b imports super::c::C", "c imports crate::a::A"]);
    let through_a_child =
        of_text(&[("", ""), ("a", ""), ("a::x", "use crate::b::B;"), ("b", "use crate::a::A;")]);
    assert_eq!(through_a_child.len(), 2);
    let through_a_re_export =
        of_text(&[("", "pub use b::B; pub use a::A;"), ("a", "use crate::B;"), ("b", "use crate::{A};")]);
    assert_eq!(through_a_re_export.len(), 2);
}

#[test]
fn a_parent_and_its_child_are_no_circle_and_neither_are_tests() {
    assert_eq!(
        of_text(&[("", ""), ("a", "mod b; use b::B;"), ("a::b", "use super::A;")]),
        Vec::<String>::new()
    );
    let tests = "#[cfg(test)] mod tests { use crate::a::A; }";
    assert_eq!(of_text(&[("", ""), ("a", "use crate::b::B;"), ("b", tests)]), Vec::<String>::new());
}
