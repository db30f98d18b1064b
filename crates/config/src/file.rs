//! Configuration files: YAML, flattened to paths, with `${NAME}` and `${NAME:-default}` expanded or rejected.

mod expand;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use secrets::{Environment, Profile};

use crate::error::Error;
use crate::setting::Setting;

/// Largest configuration file, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// The base file's name.
const BASE: &str = "config.yaml";

/// The base file that is built into the program: used if there is no directory.
const BASE_BUILT_IN: &str = include_str!("../../../configs/config.yaml");

/// A value in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RawValue {
    Text(String),
    List(Vec<String>),
    /// The value is empty.
    Unset,
}

/// The values of one file, by path.
#[derive(Debug, Default)]
pub(crate) struct File {
    name: String,
    values: BTreeMap<String, RawValue>,
    errors: Vec<Error>,
}

/// Files; later ones override earlier ones.
#[derive(Debug)]
pub(crate) struct Files(Vec<File>);

impl Files {
    /// The built-in base file, overridden by the one in the directory.
    pub(crate) fn open(directory: Option<&Path>, environment: &Environment) -> Self {
        let built_in = File::parse(format!("built-in {BASE}"), BASE_BUILT_IN, environment);
        let file = directory.map(|directory| match directory.is_dir() {
            true => File::read(&directory.join(BASE), environment),
            false => File::broken(&directory.display().to_string(), "is not a directory"),
        });
        Self([built_in].into_iter().chain(file).collect())
    }

    /// Adds the file of the profile: the one in the directory, else the built-in one.
    pub(crate) fn open_profile(
        &mut self,
        profile: Profile,
        directory: Option<&Path>,
        environment: &Environment,
    ) {
        let name = format!("{}.yaml", profile.as_str());
        let path = directory.map(|directory| directory.join(&name)).filter(|path| path.exists());
        self.0.push(match path {
            Some(path) => File::read(&path, environment),
            None => File::parse(format!("built-in {name}"), built_in(profile), environment),
        });
    }

    /// The value at `path`, and the name of its file.
    pub(crate) fn get(&self, path: &str) -> Option<(&RawValue, &str)> {
        self.0.iter().rev().find_map(|file| Some((file.values.get(path)?, file.name.as_str())))
    }

    /// Errors of the files themselves, unknown keys included.
    pub(crate) fn errors(&self, settings: &[Setting]) -> Vec<Error> {
        let is_known = |path: &str| settings.iter().any(|setting| setting.path == path);
        let unknown = |file: &File| -> Vec<Error> {
            let unknown = file.values.keys().filter(|path| !is_known(path));
            unknown.map(|path| file.error(path, "is not a setting")).collect()
        };
        self.0.iter().flat_map(|file| [file.errors.clone(), unknown(file)].concat()).collect()
    }
}

fn built_in(profile: Profile) -> &'static str {
    match profile {
        Profile::Development => include_str!("../../../configs/development.yaml"),
        Profile::Staging => include_str!("../../../configs/staging.yaml"),
        Profile::Production => include_str!("../../../configs/production.yaml"),
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
        let error = Error { path: String::new(), source: name.to_owned(), problem: problem.to_owned() };
        Self { name: name.to_owned(), values: BTreeMap::new(), errors: vec![error] }
    }

    fn parse(name: String, text: &str, environment: &Environment) -> Self {
        // The parser's message quotes lines of the file, which may contain secrets: only the position is reported.
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
                        // It would look like the path of another setting.
                        self.errors.push(
                            self.error(&key, "is not a setting: nest the keys instead of writing a dot"),
                        );
                        continue;
                    }
                    let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                    self.flatten(&path, value, environment);
                }
                return;
            }
            Value::Null if path.is_empty() => return,
            Value::Null => Ok(RawValue::Unset),
            Value::Array(items) => items
                .iter()
                .map(|item| scalar(item, environment))
                .collect::<Result<_, _>>()
                .map(RawValue::List),
            other => scalar(&other, environment).map(|text| match text.is_empty() {
                true => RawValue::Unset,
                false => RawValue::Text(text),
            }),
        };
        match raw {
            Ok(raw) => drop(self.values.insert(path.to_owned(), raw)),
            Err(problem) => self.errors.push(self.error(path, &problem)),
        }
    }

    fn error(&self, path: &str, problem: &str) -> Error {
        Error { path: path.to_owned(), source: self.name.clone(), problem: problem.to_owned() }
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
