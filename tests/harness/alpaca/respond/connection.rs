//! What one open connection sends, in order.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use http_body::{Body, Frame};
use tokio::sync::{mpsc, watch};

use crate::alpaca::feed::Feed;
use crate::alpaca::script::{Fault, Script};
use crate::alpaca::state::{Event, State};
use crate::alpaca::style::Style;

/// Between two heartbeats of an idle connection.
const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(100);
const FRAMES_MAX: usize = 4;

type FrameResult = Result<Bytes, io::Error>;

/// The connection ended.
struct Closed;

/// The response body.
pub(super) struct Frames {
    frames: mpsc::Receiver<FrameResult>,
    state: Arc<State>,
    feed: Feed,
}

pub(super) fn start(state: Arc<State>, feed: Feed, since: Option<String>, script: Script) -> Frames {
    let (out, frames) = mpsc::channel(FRAMES_MAX);
    state.connection_opened(feed);
    let (history, position) = state.history(feed, since.as_deref());
    let mut connection = Connection {
        changes: state.changes(),
        state: Arc::clone(&state),
        feed,
        style: script.style,
        faults: script.faults,
        history: history.into(),
        position,
        events_sent: 0,
        recent: VecDeque::new(),
        out,
    };
    tokio::spawn(async move { connection.run().await });
    Frames { frames, state, feed }
}

struct Connection {
    state: Arc<State>,
    feed: Feed,
    style: Style,
    faults: Vec<(usize, Fault)>,
    changes: watch::Receiver<u64>,
    history: VecDeque<Event>,
    /// Of the next event, in order of publication.
    position: usize,
    events_sent: usize,
    recent: VecDeque<Event>,
    out: mpsc::Sender<FrameResult>,
}

impl Connection {
    async fn run(&mut self) {
        let welcome = self.style.comment(" welcome to the Alpaca events");
        if self.send(&welcome).await.is_err() {
            return;
        }
        while self.step().await.is_ok() {}
    }

    async fn step(&mut self) -> Result<(), Closed> {
        while let Some(at) = self.faults.iter().position(|(after, _)| *after == self.events_sent) {
            let (_, fault) = self.faults.remove(at);
            self.apply(fault).await?;
        }
        let event = self.next().await?;
        self.send_event(&event).await?;
        self.events_sent += 1;
        self.recent.push_back(event);
        self.recent.drain(..self.recent.len().saturating_sub(64));
        Ok(())
    }

    /// The next event; sends heartbeats until there is one.
    async fn next(&mut self) -> Result<Event, Closed> {
        loop {
            if let Some(event) = self.history.pop_front() {
                return Ok(event);
            }
            self.changes.borrow_and_update();
            if let Some(event) = self.state.event_at(self.feed, self.position) {
                self.position += 1;
                return Ok(event);
            }
            if tokio::time::timeout(HEARTBEAT_INTERVAL, self.changes.changed()).await.is_err() {
                self.send(&self.style.comment("heartbeat")).await?;
            }
        }
    }

    async fn apply(&mut self, fault: Fault) -> Result<(), Closed> {
        match fault {
            Fault::Close => Err(Closed),
            Fault::Break => self.reset().await,
            Fault::Cut => {
                let event = self.next().await?;
                let text = self.style.event(&event.json);
                self.send(&text[..text.len() / 2]).await?;
                self.reset().await
            }
            Fault::ServerError => {
                self.send(&self.style.comment(" internal server error")).await?;
                Err(Closed)
            }
            Fault::Drop(events) => {
                self.drop_events(events).await?;
                let text = format!(" you are reading too slowly, dropped {events} messages");
                self.send(&self.style.comment(&text)).await
            }
            Fault::DropSilently(events) => self.drop_events(events).await,
            Fault::Repeat(events) => {
                let from = self.recent.len().saturating_sub(events);
                for event in self.recent.range(from..).cloned().collect::<Vec<_>>() {
                    self.send_event(&event).await?;
                }
                Ok(())
            }
            Fault::Heartbeat => self.send(&self.style.comment("heartbeat")).await,
            Fault::Silence(time) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Fault::Bytes(bytes) => self.send(&bytes).await,
        }
    }

    async fn drop_events(&mut self, events: usize) -> Result<(), Closed> {
        for _ in 0..events {
            self.next().await?;
            self.state.event_dropped(self.feed);
        }
        Ok(())
    }

    async fn send_event(&self, event: &Event) -> Result<(), Closed> {
        self.send(&self.style.event(&event.json)).await?;
        self.state.event_sent(self.feed);
        Ok(())
    }

    async fn send(&self, bytes: &[u8]) -> Result<(), Closed> {
        for piece in self.style.pieces(bytes) {
            self.out.send(Ok(Bytes::copy_from_slice(piece))).await.map_err(|_| Closed)?;
            if !self.style.piece_wait.is_zero() {
                tokio::time::sleep(self.style.piece_wait).await;
            }
        }
        Ok(())
    }

    /// An error in a body ends its connection without the last chunk.
    async fn reset(&self) -> Result<(), Closed> {
        drop(self.out.send(Err(io::ErrorKind::ConnectionReset.into())).await);
        Err(Closed)
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.frames.poll_recv(context).map(|frame| frame.map(|frame| frame.map(Frame::data)))
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.state.connection_closed(self.feed);
    }
}
