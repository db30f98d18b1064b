//! One address that leads to the server that is in use, as a proxy or a managed service in front of two databases does.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::loopback::Loopback;

pub struct Forwarder {
    server: Loopback,
    target: Arc<watch::Sender<SocketAddr>>,
}

impl Forwarder {
    /// Forwards to this port of this machine.
    pub fn start(port: u16) -> Self {
        let target = Arc::new(watch::Sender::new(local(port)));
        let shared = Arc::clone(&target);
        let server = Loopback::start(move |listener| async move {
            loop {
                let (mut client, _) = listener.accept().await?;
                let mut changes = shared.subscribe();
                tokio::spawn(async move {
                    let address = *changes.borrow_and_update();
                    let Ok(mut server) = TcpStream::connect(address).await else { return };
                    tokio::select! {
                        _ended = copy_bidirectional(&mut client, &mut server) => {}
                        _changed = changes.changed() => {}
                    }
                });
            }
        });
        Self { server, target }
    }

    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// Forwards to another port from now on, and closes the open connections.
    pub fn lead_to(&self, port: u16) {
        self.target.send_replace(local(port));
    }

    /// Forwards new connections to another port, and keeps the open ones, as when the server behind them hangs.
    pub fn lead_new_connections_to(&self, port: u16) {
        self.target.send_if_modified(|target| {
            *target = local(port);
            false
        });
    }
}

fn local(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}
