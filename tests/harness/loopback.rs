//! Where the fakes run: a server on a free loopback port, on a thread of its own, that ends when it is dropped.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A running server. Plain tests and async tests use it alike.
pub(crate) struct Loopback {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Loopback {
    /// Runs what `serve` makes of a listener.
    ///
    /// # Panics
    /// When no port can be listened on.
    pub(crate) fn start<F, S>(serve: F) -> Self
    where
        F: FnOnce(TcpListener) -> S + Send + 'static,
        S: Future<Output = io::Result<()>>,
    {
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell_address, address) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
                tell_address.send(listener.local_addr().expect("an address")).expect("the starter waits");
                tokio::select! {
                    served = serve(listener) => served.expect("the fake serves"),
                    _ = stopped => {}
                }
            });
            // A scripted stall may still be running.
            runtime.shutdown_background();
        });
        let address = address.recv().expect("the fake listens");
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Loopback {
    /// Connections that are open are dropped, too.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
