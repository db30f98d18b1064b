//! What handlers answer, over the bundled sample.

mod deliveries_taken;
mod pages;
mod resources;

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, Request, StatusCode, header};
use serde_json::Value;
use store::Store;
use tower::ServiceExt;

use super::*;
use crate::clock::Clock;
use crate::config::MetricsAccess;
use crate::layers::exchange::Exchange;
use crate::problem::Problem;
use crate::{answers, workers};

/// Parts whose store is gone: for routes that keep nothing.
async fn parts() -> Parts {
    parts_in(tempfile::tempdir().unwrap().path(), &[]).await
}

/// Parts with a store in this directory, and these secrets.
async fn parts_in(directory: &Path, secrets: &[(&str, &str)]) -> Parts {
    let environment = BIND.iter().chain(secrets).copied().collect();
    let config = crate::config::load(&environment, None).unwrap();
    let found = crate::assembly::secrets(&config, &environment).await.unwrap();
    let url = format!("sqlite:{}", directory.join("test.db").display()).parse().unwrap();
    let key = ::audit::Key::new(&[7; 32]).unwrap();
    let store = Store::open(store::StoreConfig::new(url), key, Clock::System.now()).await.unwrap();
    let metrics = Arc::new(crate::metrics::Metrics::new(ROUTES).unwrap());
    let desk = Arc::new(crate::assembly::desk(&config, &found, store, &metrics).unwrap());
    let market_data = Arc::new(market_data::MarketData::bundled());
    let answers = answers::Config { entries_max: 100, bytes_max: 16 * 1024 * 1024 };
    Parts {
        probes: Probes {
            board: Arc::new(workers::Board::new(market_data.data_source())),
            draining: crate::serve::Draining::default(),
        },
        api: Api {
            market_data,
            answers: Arc::new(answers::Answers::new(answers)),
            models: Arc::new(analysis::Models::bundled().unwrap()),
        },
        exposition: Exposition { metrics, store: desk.store.clone(), access: MetricsAccess::Loopback },
        pages: Some(Arc::new(docs::Pages::new(docs::Keys::Demanded))),
        reception: Arc::new(deliveries::Reception::new(Arc::clone(&desk), Clock::System, 50)),
        books: Arc::new(Books { desk, retention: config.deliveries.retention, clock: Clock::System }),
    }
}

const BIND: [(&str, &str); 1] = [("SECRETS_DIR", "/nonexistent")];

/// The routes within their layers, without keys.
fn all(parts: Parts) -> Router {
    let layers = Layers::without_keys(Arc::clone(&parts.exposition.metrics));
    router(parts, &layers)
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    problem: Option<Problem>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn code(&self) -> Option<&'static str> {
        self.problem.as_ref().map(|problem| problem.kind().code())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

async fn ask(router: &Router, mut request: Request<Body>) -> Answer {
    Exchange::begin_from(&mut request, "127.0.0.1");
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Answer {
        status: parts.status,
        problem: parts.extensions.get::<Problem>().cloned(),
        headers: parts.headers,
        body,
    }
}

async fn get(router: &Router, path: &str) -> Answer {
    ask(router, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn get_held(router: &Router, path: &str, etag: &str) -> Answer {
    let request = Request::get(path).header(header::IF_NONE_MATCH, etag);
    ask(router, request.body(Body::empty()).unwrap()).await
}

async fn post(router: &Router, path: &str, body: &Value) -> Answer {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    ask(router, request.body(Body::from(body.to_string())).unwrap()).await
}
