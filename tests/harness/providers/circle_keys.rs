//! Where Circle's public keys are asked for by id: the one path of its API that a receiver needs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::json;

use crate::loopback::Loopback;

/// A running server of keys; it ends when it is dropped.
pub struct CircleKeys {
    server: Loopback,
    known: Arc<Known>,
}

#[derive(Default)]
struct Known {
    keys: Mutex<BTreeMap<String, String>>,
    asked: Mutex<Vec<String>>,
}

impl CircleKeys {
    /// Starts a server that knows no key.
    pub(super) fn start() -> Self {
        let known = Arc::new(Known::default());
        let state = Arc::clone(&known);
        let server = Loopback::start(move |listener| async move {
            let router = Router::new().route("/v2/notifications/publicKey/{id}", get(answer));
            axum::serve(listener, router.with_state(state)).await
        });
        Self { server, known }
    }

    /// What to configure as Circle's base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Knows this key from now on: SPKI in DER, in Base64.
    ///
    /// # Panics
    /// Never, unless another call did.
    pub fn publish(&self, id: &str, der: &str) {
        self.known.keys.lock().expect("nobody panics").insert(id.to_owned(), der.to_owned());
    }

    /// The ids that were asked for so far, in order.
    ///
    /// # Panics
    /// Never, unless another call did.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.known.asked.lock().expect("nobody panics").clone()
    }
}

async fn answer(State(known): State<Arc<Known>>, Path(id): Path<String>) -> Result<String, StatusCode> {
    known.asked.lock().expect("nobody panics").push(id.clone());
    let key = known.keys.lock().expect("nobody panics").get(&id).cloned().ok_or(StatusCode::NOT_FOUND)?;
    let data = json!({"id": id, "algorithm": "ECDSA_SHA_256", "publicKey": key, "createDate": "2023-06-28T21:47:35.107250Z"});
    Ok(json!({ "data": data }).to_string())
}
