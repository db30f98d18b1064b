//! Finds a secret by its declared name: in the environment, then in a mounted directory, then in AWS Secrets Manager.
//! It keeps the value fresh and hands it out through a [`SecretHandle`], which always has the newest good value.
//!
//! It does not know what a secret is used for, and never prints a value. A developer's own secret files are in the
//! directory `secrets/` at the root of the repository; this crate is the code that finds them.
//!
//! | module | subject |
//! | --- | --- |
//! | `name`, `spec`, `catalogue`, `profile` | what is declared before anything is read |
//! | `source`, `environment`, `files`, [`aws`] | the sources of secrets |
//! | `text`, `shape`, `json`, `policy`, `invalid` | cleaning and validating, alike for every source |
//! | `chain` | the order of sources: only "not found" lets the next one be asked |
//! | `value`, `key_ring`, `version`, `set`, `slot`, `handle` | the current state of one secret |
//! | `announcement`, `rotation_state`, [`rotation`] | how a value is replaced, and how every process learns of it |
//! | `search`, `schedule` | one search at a time, and when the next one is due |
//! | `builder`, `secrets`, `watch`, `report` | all secrets together: start, reload, refresh, watch, report |
//! | `event`, `usage` | what is counted and recorded for audit |
//! | `memory` | no copies left in memory |

mod announcement;
pub mod aws;
mod builder;
mod catalogue;
mod chain;
mod clock;
mod config_error;
mod environment;
mod error;
mod event;
mod files;
mod fingerprint;
mod handle;
mod health;
mod invalid;
mod json;
mod key_ring;
mod memory;
mod name;
mod origin;
mod policy;
mod profile;
mod report;
pub mod rotation;
mod rotation_state;
mod schedule;
mod search;
mod secrets;
mod set;
mod shape;
mod slot;
mod source;
mod spec;
mod text;
mod usage;
mod value;
mod version;
mod version_id;
mod warning;
mod watch;

pub use announcement::{Announcement, PreviousVersion};
pub use builder::Builder;
pub use catalogue::Catalogue;
pub use clock::Clock;
pub use environment::Environment;
pub use error::{ConfigError, Error, ErrorKind, Errors, Outage, Requester};
pub use event::{AuditError, AuditSink, Change, Event, Progress, Recorder};
pub use files::{SECRETS_DIRECTORY, directory_errors, file_names_in};
pub use handle::SecretHandle;
pub use health::{Freshness, Health};
pub use invalid::{InvalidReason, PolicyViolation};
pub use key_ring::with_older_keys;
pub use memory::{AllocatedMemory, ZeroOnFree, forbid_core_dumps};
pub use name::{NameError, SecretName};
pub use origin::{Grade, Origin, Provenance, Shadow, SourceKind};
pub use policy::is_placeholder;
pub use profile::Profile;
pub use report::{Report, SecretReport, VersionReport};
pub use search::ReloadOutcome;
pub use secrets::Secrets;
pub use set::SecretSet;
pub use source::{BoxFuture, RawSecret, Source};
pub use spec::{Class, Format, GRACE_S, SecretSpec};
pub use text::clean_value;
pub use value::{SECRET_BYTES_MAX, SecretValue};
pub use version::{SecretVersion, Stage};
pub use version_id::VersionId;
pub use warning::{Notice, Warning};
