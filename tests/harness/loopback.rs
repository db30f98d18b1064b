//! A server on a free loopback port, on a thread of its own, that ends when dropped.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub(crate) struct Loopback {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Loopback {
    pub(crate) fn start<F, S>(serve: F) -> Self
    where
        F: FnOnce(TcpListener) -> S + Send + 'static,
        S: Future<Output = io::Result<()>>,
    {
        let (stop, stop_requested) = oneshot::channel::<()>();
        let (address_sender, address) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
                address_sender.send(listener.local_addr().expect("an address")).expect("the starter waits");
                tokio::select! {
                    served = serve(listener) => served.expect("the fake serves"),
                    _ = stop_requested => {}
                }
            });
            // A scripted stall may still be running.
            runtime.shutdown_background();
        });
        let address = address.recv().expect("the fake listens");
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Loopback {
    /// Drops open connections, too.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
