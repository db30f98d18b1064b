//! Verifies who sent a delivery, and interprets what it says.
//!
//! Each provider is a module with one [`ProviderDeclaration`], and [`PROVIDERS`] lists them. Only the function `verify` of a provider
//! ([`alpaca`], [`bridge`], [`circle::direct`], [`circle::sns`]) makes a [`Delivery`] of a request, so its bytes are signed by their
//! sender. [`alpaca::from_stream`] makes one of a record that the server read from a stream. Later [`interpret`] turns those bytes into facts about money and shares.
//!
//! Nothing here fetches a key, reads a clock, or remembers what it has seen: keys, certificates and the time are arguments,
//! and a delivery carries the key by which its receiver recognizes copies.

pub mod alpaca;
pub mod bridge;
mod channel;
pub mod circle;
mod decimal;
mod declaration;
mod delivery;
mod encoding;
mod extract;
mod header;
mod hmac_signature;
mod interpretation;
mod json;
mod keys;
mod providers;
mod rejection;
mod settings;
mod tolerance;
mod validity_period;

pub use channel::{Channel, Endpoint, Transport};
pub use declaration::{
    ChannelDeclaration, ENDPOINTS_PATH, EndpointDeclaration, HeaderDeclaration, Parameter, Proof,
    ProviderDeclaration, Sample, SignatureScheme, VerifyFn,
};
pub use delivery::Delivery;
pub use interpretation::{Interpretation, Unhandled};
pub use keys::{KeyFormat, Keys, KeysError};
pub use providers::{ChannelError, EndpointError, PROVIDERS, ProviderSettings, declaration, interpret};
pub use rejection::{CertificateFault, Rejection, Step};
pub use settings::{Restriction, Scope, Setting, SettingKind, SettingValue, Settings};
