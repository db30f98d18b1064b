//! A fake of a host that has documents.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use http::{StatusCode, Uri};

/// What it has, by path; what it was asked for.
#[derive(Default)]
struct Shelf {
    documents: BTreeMap<String, (u16, String)>,
    asked: Vec<String>,
    is_away: bool,
}

/// A running fake; it ends with its runtime.
pub(super) struct Host {
    pub(super) base_url: String,
    shelf: Arc<Mutex<Shelf>>,
}

impl Host {
    pub(super) async fn start() -> Self {
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shelf));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base_url, shelf }
    }

    /// Answers so for this path from now on.
    pub(super) fn put(&self, path: &str, status: u16, document: &str) {
        self.shelf.lock().unwrap().documents.insert(path.to_owned(), (status, document.to_owned()));
    }

    /// Has nothing at this path from now on.
    pub(super) fn remove(&self, path: &str) {
        self.shelf.lock().unwrap().documents.remove(path);
    }

    /// Answers nothing of use from now on, or again.
    pub(super) fn is_away(&self, is_away: bool) {
        self.shelf.lock().unwrap().is_away = is_away;
    }

    /// How often it was asked for something that begins so.
    pub(super) fn asked(&self, beginning: &str) -> usize {
        self.shelf.lock().unwrap().asked.iter().filter(|path| path.starts_with(beginning)).count()
    }
}

async fn answer(State(shelf): State<Arc<Mutex<Shelf>>>, uri: Uri) -> (StatusCode, String) {
    let mut shelf = shelf.lock().unwrap();
    shelf.asked.push(uri.to_string());
    let (status, document) = match shelf.documents.get(uri.path()) {
        _ if shelf.is_away => (500, String::new()),
        Some((status, document)) => (*status, document.clone()),
        None => (404, String::new()),
    };
    (StatusCode::from_u16(status).unwrap(), document)
}
