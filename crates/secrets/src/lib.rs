//! Finds a secret by its declared name: in the environment, then in a mounted directory, then wherever else a provider
//! looks; keeps it fresh, and hands it out behind a [`SecretHandle`] that always holds the newest good value.
//!
//! It does not know what a secret is used for, never prints one, and depends on nothing of the product's. The
//! directory `secrets/` at the root of the repository is where a person's own files lie; this crate finds them.
//!
//! | module | subject |
//! | --- | --- |
//! | `name`, `spec`, `catalogue` | what is declared before anything is looked up |
//! | `environment`, `files`, [`aws`] | the places; `provider` is what a place must answer |
//! | `text`, `json`, `policy` | cleaning and judging, alike for every place |
//! | `chain` | the order of places: only "not found" lets the next one be asked |
//! | `slot`, `set`, `version`, `value` | what is known of a secret now |
//! | `announcement`, [`rotation`] | how a value is replaced, and how every process hears of it |
//! | `search`, `schedule` | one search at a time, what it leaves for the next one, and when that is due |
//! | `secrets`, `watch`, `report` | all of them together: reload, refresh, watch, report |
//! | `event`, `usage` | what is told to whoever counts or records it |
//! | `memory` | no copies left behind |

mod announcement;
pub mod aws;
mod builder;
mod catalogue;
mod chain;
mod environment;
mod error;
mod event;
mod fault;
mod files;
mod fingerprint;
mod handle;
mod json;
mod kind;
mod memory;
mod misuse;
mod name;
mod origin;
mod policy;
mod profile;
mod provider;
mod report;
pub mod rotation;
mod schedule;
mod search;
mod secrets;
mod set;
mod slot;
mod spec;
mod text;
mod usage;
mod value;
mod version;
mod warning;
mod watch;

pub use builder::{Builder, Clock};
pub use catalogue::Catalogue;
pub use environment::Environment;
pub use error::{Asker, Error, Kind, Misuse, Outage, Problems};
pub use event::{AuditFailed, AuditSink, Change, Event, Progress, Recorder};
pub use fault::{Breach, Fault};
pub use files::{SECRET_BYTES_MAX, SECRETS_DIRECTORY, SecretFiles};
pub use fingerprint::Fingerprint;
pub use handle::{Freshness, Health, SecretHandle};
pub use memory::{ZeroOnFree, forbid_core_dumps};
pub use name::{NameError, SecretName};
pub use origin::{Grade, Origin, Provenance, Shadow, SourceKind};
pub use profile::Profile;
pub use provider::{Announced, Answer, Beside, Capabilities, Found, Provider, Rotating, Selector};
pub use report::{Entry, Report, VersionReport};
pub use schedule::Jitter;
pub use secrets::{Reloaded, Secrets};
pub use set::SecretSet;
pub use spec::{Class, Format, Reload, SecretSpec};
pub use value::SecretValue;
pub use version::{Created, SecretVersion, Stage, VersionId};
pub use warning::{Notice, Warning};
