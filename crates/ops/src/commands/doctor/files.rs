//! `.env`, `secrets/` and everything that is mounted into containers: present, with the right owner and mode, filled in.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use config::check::Finding;
use rustix::process::geteuid;
use secrets::is_placeholder;

use super::certificate;
use super::compose::{Model, SERVER, SOCKET};
use super::engine;
use super::error;
use crate::deployment::Deployment;
use crate::deployment::env_file::EnvFile;
use crate::deployment::secret_layout::{ACME, CONTAINER_UID, SecretLayout};
use crate::secret_file::{self, DIRECTORY_MODE, PRIVATE_MODE};

const PERMISSIONS: u32 = 0o777;
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The user of a container, as the host numbers it.
#[derive(Clone, Copy)]
struct ContainerUser {
    uid: u32,
    gid: u32,
}

/// Without the rights to read the secrets, everything about them would be wrong.
pub(super) fn denied(deployment: &Deployment) -> Option<Finding> {
    let root = SecretLayout::new(deployment).root().to_path_buf();
    let is_denied = fs::read_dir(&root).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    is_denied.then(|| {
        let message = format!("cannot be read by user {}, so that no file was checked", geteuid().as_raw());
        error("denied", root.display(), message, "sudo investiq doctor")
    })
}

pub(super) fn findings(deployment: &Deployment, model: Option<&Model>) -> Vec<Finding> {
    if let Some(denied) = denied(deployment) {
        return vec![denied];
    }
    let mut findings = Vec::new();
    let layout = SecretLayout::new(deployment);
    let (root, is_strict) = (layout.root(), deployment.profile.is_strict());
    if is_strict {
        findings.extend(env_file(&deployment.env_file));
        findings.extend(private_directory(root));
        findings.extend(layout.contradictions().iter().map(|(source, derived)| {
            let (source, derived) = (source.display(), derived.display());
            let remedy =
                format!("restore the one that is wrong, or move {derived} away and run: investiq init");
            error("contradiction", derived, format!("does not agree with {source}"), remedy)
        }));
    }
    if let Some((socket, group)) = model.and_then(Model::docker_socket) {
        findings.extend(engine::socket_finding(socket, group));
    }
    findings.extend(model.and_then(Model::certificates).and_then(certificate::storage_finding));
    let mut checked = BTreeSet::new();
    for (name, service) in model.into_iter().flat_map(Model::services) {
        let user = ContainerUser::parse(service.user());
        for (_, path) in service.bind_mounts().filter(|(target, _)| *target != SOCKET) {
            if !checked.insert(path) {
                continue;
            }
            findings.extend(user.mounted(path));
            if !path.starts_with(root) || path.ends_with(ACME) {
                continue;
            }
            for (path, metadata) in files_in(path) {
                findings.extend(user.unreadable(&path, &metadata));
                if is_strict {
                    findings.extend(owner(&path, &metadata));
                    // Those of the server are checked with its settings.
                    findings.extend((name != SERVER).then(|| content(&path, &metadata)).flatten());
                }
            }
        }
    }
    let is_mounted = |path: &&PathBuf| path.parent().is_some_and(|directory| checked.contains(directory));
    let files = layout.service_files();
    let missing = files.iter().filter(is_mounted).filter(|path| !path.exists());
    findings.extend(missing.map(|path| missing_file(path)));
    findings
}

fn missing_file(path: &Path) -> Finding {
    error("missing", path.display(), "does not exist", "investiq init")
}

fn env_file(file: &EnvFile) -> Vec<Finding> {
    let shown = file.path().display();
    if !file.exists() {
        return vec![error("env_file", &shown, "does not exist", "investiq init")];
    }
    let mut findings = Vec::new();
    if let Some(mode) = secret_file::mode(file.path()).filter(|mode| mode & !PRIVATE_MODE != 0) {
        let message = format!("has mode {mode:04o}: others can read it");
        findings.push(error("env_mode", &shown, message, format!("chmod 0600 {shown}")));
    }
    let mut names = BTreeSet::new();
    for (name, value) in file.variables() {
        let remedy = format!("change {name} in {shown}");
        if !names.insert(name) {
            findings.push(error("env_twice", &shown, format!("sets {name} twice"), &remedy));
        }
        if is_placeholder(value) {
            findings.push(error("placeholder", &shown, format!("{name} is a placeholder"), &remedy));
        }
    }
    findings
}

/// The directory of all secrets is its owner's alone.
fn private_directory(root: &Path) -> Option<Finding> {
    let Ok(metadata) = fs::metadata(root) else {
        return Some(missing_file(root));
    };
    let mode = metadata.mode() & PERMISSIONS;
    let open = (mode != DIRECTORY_MODE).then(|| {
        let message = format!("has mode {mode:04o}, and only its owner should be able to enter it (0700)");
        error("mode", root.display(), message, format!("chmod 0700 {}", root.display()))
    });
    open.or_else(|| owner(root, &metadata))
}

/// Whoever owns a secret can change it.
fn owner(path: &Path, metadata: &Metadata) -> Option<Finding> {
    let (owner, shown) = (metadata.uid(), path.display());
    (![0, geteuid().as_raw(), CONTAINER_UID].contains(&owner)).then(|| {
        let message = format!("belongs to user {owner}, who can change it");
        error("owner", &shown, message, format!("chown 0:0 {shown}"))
    })
}

/// A secret of another container than the server's.
fn content(path: &Path, metadata: &Metadata) -> Option<Finding> {
    let (mode, shown) = (metadata.mode() & PERMISSIONS, path.display());
    let renew = format!("mv {shown} {shown}.old && investiq init");
    if mode & WRITABLE_BY_OTHERS != 0 {
        let message = format!("has mode {mode:04o}: others can change it");
        Some(error("mode", &shown, message, format!("chmod 0444 {shown}")))
    } else if metadata.len() == 0 {
        Some(error("empty", shown, "is empty", renew))
    } else {
        let is_placeholder = fs::read_to_string(path).is_ok_and(|text| is_placeholder(text.trim()));
        is_placeholder.then(|| error("placeholder", shown, "is a placeholder", renew))
    }
}

/// The regular files of a directory, except hidden ones; a file itself.
fn files_in(path: &Path) -> Vec<(PathBuf, Metadata)> {
    let paths = match fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => vec![path.to_path_buf()],
    };
    let is_hidden =
        |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let visible = paths.into_iter().filter(|path| !is_hidden(path));
    visible
        .filter_map(|path| {
            fs::metadata(&path).ok().filter(Metadata::is_file).map(|metadata| (path, metadata))
        })
        .collect()
}

impl ContainerUser {
    /// `65532:999`; root unless the service says otherwise.
    fn parse(text: &str) -> Self {
        let (uid, gid) = text.split_once(':').unwrap_or((text, "0"));
        Self { uid: uid.parse().unwrap_or_default(), gid: gid.parse().unwrap_or_default() }
    }

    /// What is mounted exists, and the container can read it.
    fn mounted(self, path: &Path) -> Option<Finding> {
        match fs::metadata(path) {
            Ok(metadata) => self.unreadable(path, &metadata),
            Err(_) => {
                let message = "does not exist, and is mounted into a container";
                Some(error(
                    "missing",
                    path.display(),
                    message,
                    "investiq init, or restore it from the release",
                ))
            }
        }
    }

    /// Without capabilities, root is a user like any other.
    fn unreadable(self, path: &Path, metadata: &Metadata) -> Option<Finding> {
        let (needed, open) = if metadata.is_dir() { (0o5, "0755") } else { (0o4, "0444") };
        let (mode, owner) = (metadata.mode() & PERMISSIONS, metadata.uid());
        let granted = match () {
            () if owner == self.uid => mode >> 6,
            () if metadata.gid() == self.gid => mode >> 3,
            () => mode,
        };
        (granted & needed != needed).then(|| {
            let (uid, shown) = (self.uid, path.display());
            let message = format!(
                "has mode {mode:04o} and belongs to user {owner}: user {uid} of the container cannot read it"
            );
            let remedy = match path.ends_with(ACME) {
                true => format!("chown {uid}:{uid} {shown}"),
                false => format!("chmod {open} {shown}"),
            };
            error("unreadable", &shown, message, remedy)
        })
    }
}
