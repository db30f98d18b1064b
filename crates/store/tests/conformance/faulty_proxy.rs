//! A proxy to a Postgres server that a test can break.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fault {
    None,
    /// Nothing passes, and no connection is closed.
    Silence,
    /// The server receives a COMMIT, and the client no reply.
    CutAfterCommit,
}

/// A port on this machine, behind which the server is.
pub(crate) struct FaultyProxy {
    server: String,
    port: u16,
    fault: Arc<AtomicU8>,
}

impl FaultyProxy {
    /// A proxy to the server of a URL.
    pub(crate) async fn to(url: &str) -> Self {
        let server = url.split(['@', '/']).find(|part| part.starts_with("127.0.0.1:")).unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fault = Arc::new(AtomicU8::new(Fault::None as u8));
        let proxy = Self { server: server.clone(), port, fault: fault.clone() };
        drop(tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                drop(tokio::spawn(forward(client, server.clone(), fault.clone())));
            }
        }));
        proxy
    }

    /// The URL through this proxy.
    pub(crate) fn url(&self, url: &str) -> String {
        url.replace(&self.server, &format!("127.0.0.1:{}", self.port))
    }

    pub(crate) fn set_fault(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }
}

async fn forward(client: TcpStream, server: String, fault: Arc<AtomicU8>) {
    let server = TcpStream::connect(server).await.unwrap();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pass(from_client, to_server, &fault, b"\0no request is cut") => {}
        () = pass(from_server, to_client, &fault, b"COMMIT") => {}
    }
}

/// Passes bytes on until the end or the fault; `cut` is what [`Fault::CutAfterCommit`] does not pass on.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    fault: &AtomicU8,
    cut: &[u8],
) {
    let mut buffer = vec![0; 64 * 1024];
    let is = |expected: Fault| fault.load(Ordering::SeqCst) == expected as u8;
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if is(Fault::Silence) {
            std::future::pending::<()>().await;
        }
        let bytes = &buffer[..count];
        // The server replies to COMMIT with the same word.
        let is_cut = is(Fault::CutAfterCommit) && bytes.windows(cut.len()).any(|window| window == cut);
        if is_cut || to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
