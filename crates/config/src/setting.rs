//! The name of a setting.

/// A setting: every one has a path in the files and a variable in the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The path in the files, such as `server.bind_address`.
    pub path: &'static str,
    /// The variable that overrides the files.
    pub variable: &'static str,
}

pub(crate) const fn setting(path: &'static str, variable: &'static str) -> Setting {
    Setting { path, variable }
}
