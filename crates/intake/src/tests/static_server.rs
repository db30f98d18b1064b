//! A fake of a host with documents.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use http::{StatusCode, Uri};

#[derive(Default)]
struct Contents {
    documents: BTreeMap<String, (u16, String)>,
    requested: Vec<String>,
    is_down: bool,
}

/// A running fake; it ends with its runtime.
pub(super) struct StaticServer {
    pub(super) base_url: String,
    contents: Arc<Mutex<Contents>>,
}

impl StaticServer {
    pub(super) async fn start() -> Self {
        let contents = Arc::new(Mutex::new(Contents::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(respond).with_state(Arc::clone(&contents));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base_url, contents }
    }

    /// Sets the response for this path.
    pub(super) fn put(&self, path: &str, status: u16, document: &str) {
        self.contents.lock().unwrap().documents.insert(path.to_owned(), (status, document.to_owned()));
    }

    pub(super) fn remove(&self, path: &str) {
        self.contents.lock().unwrap().documents.remove(path);
    }

    /// From now on responds to everything with 500.
    pub(super) fn go_down(&self) {
        self.contents.lock().unwrap().is_down = true;
    }

    /// How many paths that begin with `prefix` were requested.
    pub(super) fn requests(&self, prefix: &str) -> usize {
        self.contents.lock().unwrap().requested.iter().filter(|path| path.starts_with(prefix)).count()
    }
}

async fn respond(State(contents): State<Arc<Mutex<Contents>>>, uri: Uri) -> (StatusCode, String) {
    let mut contents = contents.lock().unwrap();
    contents.requested.push(uri.to_string());
    let (status, document) = match contents.documents.get(uri.path()) {
        _ if contents.is_down => (500, String::new()),
        Some((status, document)) => (*status, document.clone()),
        None => (404, String::new()),
    };
    (StatusCode::from_u16(status).unwrap(), document)
}
