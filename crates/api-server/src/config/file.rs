//! Configuration files: YAML, flattened to paths, with `${NAME}` and `${NAME:-default}` expanded or refused.

mod expand;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{Environment, Fault, Profile, Setting};

/// Largest configuration file, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// The base file's name.
const BASE: &str = "config.yaml";

/// The base file as it was when the program was built: what serves when there is no directory.
const BASE_BUILT_IN: &str = include_str!("../../../../configs/config.yaml");

/// A value as a file gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Raw {
    /// A scalar.
    Text(String),
    /// A sequence of scalars.
    List(Vec<String>),
    /// Written, and left empty.
    Unset,
}

/// One file's values by path.
#[derive(Debug, Default)]
pub(super) struct File {
    name: String,
    values: BTreeMap<String, Raw>,
    faults: Vec<Fault>,
}

/// Files from the weakest to the strongest.
#[derive(Debug)]
pub(super) struct Files(Vec<File>);

impl Files {
    /// The built-in base file, and the directory's own over it where there is one.
    pub(super) fn open(directory: Option<&Path>, environment: &Environment) -> Self {
        let built_in = File::parse(format!("built-in {BASE}"), BASE_BUILT_IN, environment);
        let own = directory.map(|directory| match directory.is_dir() {
            true => File::read(&directory.join(BASE), environment),
            false => File::broken(&directory.display().to_string(), "is not a directory"),
        });
        Self([built_in].into_iter().chain(own).collect())
    }

    /// Adds the profile's file: the directory's own, else the built-in one.
    pub(super) fn open_profile(
        &mut self,
        profile: Profile,
        directory: Option<&Path>,
        environment: &Environment,
    ) {
        let name = format!("{}.yaml", profile.as_str());
        let own = directory.map(|directory| directory.join(&name)).filter(|path| path.exists());
        self.0.push(match own {
            Some(path) => File::read(&path, environment),
            None => File::parse(format!("built-in {name}"), built_in(profile), environment),
        });
    }

    /// The strongest file's value at `path`, and that file's name.
    pub(super) fn get(&self, path: &str) -> Option<(&Raw, &str)> {
        self.0.iter().rev().find_map(|file| Some((file.values.get(path)?, file.name.as_str())))
    }

    /// What is wrong with the files themselves, unknown keys included.
    pub(super) fn faults(&self, settings: &[Setting]) -> Vec<Fault> {
        let is_known = |path: &str| settings.iter().any(|setting| setting.path == path);
        let unknown = |file: &File| -> Vec<Fault> {
            let unknown = file.values.keys().filter(|path| !is_known(path));
            unknown.map(|path| file.fault(path, "is not a setting")).collect()
        };
        self.0.iter().flat_map(|file| [file.faults.clone(), unknown(file)].concat()).collect()
    }
}

fn built_in(profile: Profile) -> &'static str {
    match profile {
        Profile::Development => include_str!("../../../../configs/development.yaml"),
        Profile::Staging => include_str!("../../../../configs/staging.yaml"),
        Profile::Production => include_str!("../../../../configs/production.yaml"),
    }
}

impl File {
    fn read(path: &Path, environment: &Environment) -> Self {
        let name = path.display().to_string();
        match std::fs::metadata(path).map(|file| file.len()) {
            Ok(0..=FILE_BYTES_MAX) => {}
            Ok(_) => return Self::broken(&name, "is larger than 256 KiB"),
            Err(_) => return Self::broken(&name, "cannot be read"),
        }
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(name, &text, environment),
            Err(_) => Self::broken(&name, "cannot be read as UTF-8 text"),
        }
    }

    fn broken(name: &str, problem: &str) -> Self {
        let fault = Fault { path: String::new(), source: name.to_owned(), problem: problem.to_owned() };
        Self { name: name.to_owned(), values: BTreeMap::new(), faults: vec![fault] }
    }

    fn parse(name: String, text: &str, environment: &Environment) -> Self {
        // The parser's own message quotes lines of the file; only the position is passed on.
        let options = serde_saphyr::options! { with_snippet: false };
        let tree = match serde_saphyr::from_str_with_options::<Value>(text, options) {
            Ok(tree) => tree,
            Err(error) => {
                let line = error.location().map_or(0, |at| at.line());
                return Self::broken(&name, &format!("is not YAML with distinct keys, at line {line}"));
            }
        };
        let mut file = Self { name, ..Self::default() };
        file.flatten("", tree, environment);
        file
    }

    fn flatten(&mut self, path: &str, tree: Value, environment: &Environment) {
        let raw = match tree {
            Value::Object(members) => {
                for (key, value) in members {
                    if key.contains('.') {
                        // It would pass for a path, and hide the setting that stands there or be hidden by it.
                        self.faults
                            .push(self.fault(&key, "is not a setting: write one key within the other"));
                        continue;
                    }
                    let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                    self.flatten(&path, value, environment);
                }
                return;
            }
            Value::Null if path.is_empty() => return,
            Value::Null => Ok(Raw::Unset),
            Value::Array(items) => {
                items.iter().map(|item| scalar(item, environment)).collect::<Result<_, _>>().map(Raw::List)
            }
            other => scalar(&other, environment).map(|text| match text.is_empty() {
                true => Raw::Unset,
                false => Raw::Text(text),
            }),
        };
        match raw {
            Ok(raw) => drop(self.values.insert(path.to_owned(), raw)),
            Err(problem) => self.faults.push(self.fault(path, &problem)),
        }
    }

    fn fault(&self, path: &str, problem: &str) -> Fault {
        Fault { path: path.to_owned(), source: self.name.clone(), problem: problem.to_owned() }
    }
}

fn scalar(value: &Value, environment: &Environment) -> Result<String, String> {
    match value {
        Value::String(text) => expand::expand(text, environment),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err("is nested deeper than a list of values".into())
        }
    }
}
