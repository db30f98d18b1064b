//! Verifies who sent a delivery, and interprets what it says.
//!
//! Each provider is a module with one [`ProviderDeclaration`], and [`PROVIDERS`] lists them. The function `verify` of a provider
//! ([`alpaca`], [`bridge`], [`circle::direct`], [`circle::sns`]) is the only way to make a [`Delivery`]: whoever has one has bytes
//! that their sender signed. Later [`interpret`] turns those bytes into facts about money and shares.
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
    ChannelDeclaration, ENDPOINTS_PATH, EndpointDeclaration, Parameter, Proof, ProviderDeclaration, Sample,
    SignatureScheme, VerifyFn,
};
pub use delivery::Delivery;
pub use interpretation::{Interpretation, Unhandled};
pub use keys::{KeyFormat, Keys, KeysError};
pub use providers::{ChannelError, EndpointError, PROVIDERS, ProviderSettings, declaration, interpret};
pub use rejection::{CertificateFault, Rejection, Step};
pub use settings::{Restriction, Scope, Setting, SettingKind, SettingValue, Settings};
