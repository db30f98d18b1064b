//! A bare axum server that serves the bytes of one file, for `tools/bench` to compare the service with.
//!
//!     cargo run --release -p api-server --example bare_axum -- FILE
//!
//! The same library on the same runtime with no layer at all, as `axum::serve` drives it.
#![expect(clippy::print_stdout, reason = "it prints its address")]

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderValue, header};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: bare_axum FILE")?;
    let body = Bytes::from(std::fs::read(path)?);
    let response = move || std::future::ready(([(header::CONTENT_TYPE, JSON)], body));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/", get(response))).await?;
    Ok(())
}
