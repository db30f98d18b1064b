//! The names of a setting.

/// A setting, with its path in the files and its variable in the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The path in the files, such as `server.bind_address`.
    pub path: &'static str,
    /// The variable that overrides the files.
    pub variable: &'static str,
}
