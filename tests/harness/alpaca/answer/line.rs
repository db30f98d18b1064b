//! One open connection: what is sent on it, in order.

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
use crate::alpaca::play::{Mishap, Play};
use crate::alpaca::text::Style;
use crate::alpaca::world::{Event, World};

/// Time between two heartbeats of an idle connection.
const HEARTBEAT: Duration = Duration::from_millis(100);
/// Frames that wait to be written.
const FRAMES_MAX: usize = 4;

type Sent = Result<Bytes, io::Error>;

/// Why nothing more is sent.
struct Over;

/// What a connection sends. It is closed when it is dropped.
pub(super) struct Frames {
    frames: mpsc::Receiver<Sent>,
    world: Arc<World>,
    feed: Feed,
}

pub(super) fn start(world: Arc<World>, feed: Feed, since: Option<String>, play: Play) -> Frames {
    let (out, frames) = mpsc::channel(FRAMES_MAX);
    world.opened(feed);
    let (history, place) = world.history(feed, since.as_deref());
    let mut line = Line {
        hang_ups: world.hang_ups(),
        changes: world.changes(),
        world: Arc::clone(&world),
        feed,
        style: play.style,
        mishaps: play.mishaps,
        history: history.into(),
        place,
        count: 0,
        last: VecDeque::new(),
        out,
    };
    tokio::spawn(async move { line.run().await });
    Frames { frames, world, feed }
}

struct Line {
    world: Arc<World>,
    feed: Feed,
    style: Style,
    mishaps: Vec<(usize, Mishap)>,
    hang_ups: u64,
    changes: watch::Receiver<u64>,
    history: VecDeque<Event>,
    /// The next place among what was published.
    place: usize,
    /// Events sent.
    count: usize,
    /// The events sent last.
    last: VecDeque<Event>,
    out: mpsc::Sender<Sent>,
}

impl Line {
    async fn run(&mut self) {
        let welcome = self.style.comment(" welcome to the Alpaca events");
        if self.send(&welcome).await.is_err() {
            return;
        }
        while self.step().await.is_ok() {}
    }

    async fn step(&mut self) -> Result<(), Over> {
        while let Some(at) = self.mishaps.iter().position(|(after, _)| *after == self.count) {
            let (_, mishap) = self.mishaps.remove(at);
            self.suffer(mishap).await?;
        }
        let event = self.next().await?;
        self.tell(&event).await?;
        self.count += 1;
        self.last.push_back(event);
        self.last.drain(..self.last.len().saturating_sub(64));
        Ok(())
    }

    /// What the client is to be told next, with heartbeats until there is something.
    async fn next(&mut self) -> Result<Event, Over> {
        loop {
            self.stay_unless_hung_up().await?;
            if let Some(event) = self.history.pop_front() {
                return Ok(event);
            }
            self.changes.borrow_and_update();
            if let Some(event) = self.world.published(self.feed, self.place) {
                self.place += 1;
                return Ok(event);
            }
            if tokio::time::timeout(HEARTBEAT, self.changes.changed()).await.is_err() {
                self.send(&self.style.comment("heartbeat")).await?;
            }
        }
    }

    async fn suffer(&mut self, mishap: Mishap) -> Result<(), Over> {
        match mishap {
            Mishap::Close => Err(Over),
            Mishap::Break => self.break_off().await,
            Mishap::Cut => {
                let event = self.next().await?;
                let text = self.style.event(&event.json);
                self.send(&text[..text.len() / 2]).await?;
                self.break_off().await
            }
            Mishap::ServerError => {
                self.send(&self.style.comment(" internal server error")).await?;
                Err(Over)
            }
            Mishap::Drop(events) => {
                self.leave_out(events).await?;
                let words = format!(" you are reading too slowly, dropped {events} messages");
                self.send(&self.style.comment(&words)).await
            }
            Mishap::DropSilently(events) => self.leave_out(events).await,
            Mishap::Repeat(events) => {
                let from = self.last.len().saturating_sub(events);
                for event in self.last.range(from..).cloned().collect::<Vec<_>>() {
                    self.tell(&event).await?;
                }
                Ok(())
            }
            Mishap::Heartbeat => self.send(&self.style.comment("heartbeat")).await,
            Mishap::Silence(time) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Mishap::Bytes(bytes) => self.send(&bytes).await,
        }
    }

    async fn leave_out(&mut self, events: usize) -> Result<(), Over> {
        for _ in 0..events {
            self.next().await?;
            self.world.left_one_out(self.feed);
        }
        Ok(())
    }

    async fn tell(&self, event: &Event) -> Result<(), Over> {
        self.send(&self.style.event(&event.json)).await?;
        self.world.sent_one(self.feed);
        Ok(())
    }

    async fn send(&self, bytes: &[u8]) -> Result<(), Over> {
        for piece in self.style.pieces(bytes) {
            self.out.send(Ok(Bytes::copy_from_slice(piece))).await.map_err(|_| Over)?;
            if !self.style.piece_wait.is_zero() {
                tokio::time::sleep(self.style.piece_wait).await;
            }
        }
        Ok(())
    }

    async fn stay_unless_hung_up(&self) -> Result<(), Over> {
        if self.world.hang_ups() == self.hang_ups { Ok(()) } else { self.break_off().await }
    }

    /// An error in a body ends its connection without the last chunk.
    async fn break_off(&self) -> Result<(), Over> {
        drop(self.out.send(Err(io::ErrorKind::ConnectionReset.into())).await);
        Err(Over)
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.frames.poll_recv(context).map(|sent| sent.map(|sent| sent.map(Frame::data)))
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.world.closed(self.feed);
    }
}
