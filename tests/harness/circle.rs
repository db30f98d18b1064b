//! A fake of the part of Circle's API that serves public keys by id, at the path of each product.

use serde_json::json;

pub use crate::static_server::Fault;
use crate::static_server::StaticServer;

/// Wallets and contracts, the payments network, StableFX.
const FOLDERS: [&str; 3] = [
    "/v2/notifications/publicKey/",
    "/v2/cpn/notifications/publicKey/",
    "/v2/stablefx/notifications/publicKey/",
];

pub struct FakeCircle(StaticServer);

impl FakeCircle {
    /// Starts a fake with no keys that accepts any caller.
    pub fn start() -> Self {
        Self(StaticServer::start())
    }

    pub fn base_url(&self) -> String {
        self.0.base_url()
    }

    /// Accepts this API key and no other from now on.
    pub fn accept_key(&self, api_key: &str) {
        self.0.accept(&format!("Bearer {api_key}"));
    }

    /// Serves this key from now on: SPKI in DER, in Base64.
    pub fn publish(&self, id: &str, der: &str) {
        self.serve(id, id, "ECDSA_SHA_256", der);
    }

    /// Serves for `id` a document with these members, right or wrong.
    pub fn serve(&self, id: &str, document_id: &str, algorithm: &str, der: &str) {
        let created = "2023-06-28T21:47:35.107250Z";
        let data =
            json!({"id": document_id, "algorithm": algorithm, "publicKey": der, "createDate": created});
        let document = json!({ "data": data }).to_string();
        for folder in FOLDERS {
            self.0.put(&format!("{folder}{id}"), "application/json", &document);
        }
    }

    /// Applies to the next requests, one each.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.next(faults);
    }

    /// Applies to every request from now on.
    pub fn always(&self, fault: Option<Fault>) {
        self.0.always(fault);
    }

    /// The key ids requested so far, in order; the whole path where it is no key's.
    pub fn requested_ids(&self) -> Vec<String> {
        let id = |path: String| {
            let id = FOLDERS.iter().find_map(|folder| path.strip_prefix(folder)).map(str::to_owned);
            id.unwrap_or(path)
        };
        self.0.requests().into_iter().map(|request| id(request.path)).collect()
    }
}
