//! A fake of the part of Circle's API that a receiver needs: public keys by their id, at the path of each product.

use serde_json::json;

pub use crate::shelf::Fault;
use crate::shelf::Shelf;

/// The paths below which keys lie: wallets and contracts, the payments network, StableFX.
const FOLDERS: [&str; 3] = [
    "/v2/notifications/publicKey/",
    "/v2/cpn/notifications/publicKey/",
    "/v2/stablefx/notifications/publicKey/",
];

/// A running fake; it ends when it is dropped.
pub struct FakeCircle(Shelf);

impl FakeCircle {
    /// Starts a fake that knows no key and accepts any caller.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn start() -> Self {
        Self(Shelf::start())
    }

    /// What to configure as Circle's base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.0.base_url()
    }

    /// Accepts this API key and no other caller from now on.
    pub fn accept(&self, api_key: &str) {
        self.0.accept(&format!("Bearer {api_key}"));
    }

    /// Knows this key from now on: SPKI in DER, in Base64.
    pub fn publish(&self, id: &str, der: &str) {
        self.answer(id, id, "ECDSA_SHA_256", der);
    }

    /// Answers for `id` with whatever is told: another id, another algorithm, no key.
    pub fn answer(&self, id: &str, named: &str, algorithm: &str, der: &str) {
        let created = "2023-06-28T21:47:35.107250Z";
        let data = json!({"id": named, "algorithm": algorithm, "publicKey": der, "createDate": created});
        let document = json!({ "data": data }).to_string();
        for folder in FOLDERS {
            self.0.put(&format!("{folder}{id}"), "application/json", &document);
        }
    }

    /// Knows this key no more.
    pub fn withdraw(&self, id: &str) {
        for folder in FOLDERS {
            self.0.remove(&format!("{folder}{id}"));
        }
    }

    /// Commits these faults on the next calls, one each.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.next(faults);
    }

    /// Commits this fault on every call from now on, or none.
    pub fn always(&self, fault: Option<Fault>) {
        self.0.always(fault);
    }

    /// The ids that were asked for so far, in order; what else was asked for, whole.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        let id = |path: String| {
            let id = FOLDERS.iter().find_map(|folder| path.strip_prefix(folder)).map(str::to_owned);
            id.unwrap_or(path)
        };
        self.0.asked().into_iter().map(|asked| id(asked.path)).collect()
    }

    /// The `Authorization` of every call so far, in order.
    #[must_use]
    pub fn authorizations(&self) -> Vec<String> {
        self.0.asked().into_iter().map(|asked| asked.authorization).collect()
    }
}
