//! Buffers lines in memory and writes them from a dedicated thread.
//!
//! One write per line would cost more than all other work for a small request. If the process is killed, up to
//! [`FLUSH_INTERVAL`] of lines are lost, so do not use it for an audit trail.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use jiff::Timestamp;
use prometheus::IntCounter;

use super::line::Line;
use crate::Clock;
use crate::logs::Format;

/// Longest time that a line is buffered.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);
/// Size of a buffer, in bytes, at which the writer is woken early.
const FLUSH_BYTES: usize = 60 * 1024;
/// Largest size of a buffer, in bytes, when the output does not keep up; further lines are dropped and counted.
const BUFFER_BYTES_MAX: usize = 1024 * 1024;
/// Number of buffers; several, so that threads rarely wait for each other.
const BUFFERS: usize = 8;

/// The access log: a handle to its writer.
#[derive(Debug)]
pub struct AccessLog {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
    wake: Thread,
}

#[derive(Debug)]
struct Shared {
    format: Format,
    clock: Clock,
    buffers: [Mutex<Buffer>; BUFFERS],
    is_closing: AtomicBool,
    dropped: IntCounter,
}

#[derive(Debug, Default)]
struct Buffer {
    lines: Vec<u8>,
    /// The second that `timestamp` shows.
    second: Option<i64>,
    /// Such as `2026-11-22T03:20:22.123456Z`; within a second only the fraction changes.
    timestamp: Vec<u8>,
}

impl AccessLog {
    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        format: Format,
        clock: Clock,
        dropped: IntCounter,
        output: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let buffers = Default::default();
        let shared = Arc::new(Shared { format, clock, buffers, is_closing: AtomicBool::new(false), dropped });
        let for_writer = Arc::clone(&shared);
        let writer = thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || for_writer.write_out(output))?;
        let wake = writer.thread().clone();
        Ok(Self { shared, writer: Mutex::new(Some(writer)), wake })
    }

    /// Appends one line. It is dropped and counted if the output does not keep up.
    pub fn write(&self, line: &Line<'_>) {
        let mut buffer = self.shared.buffers[buffer_index()].lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.lines.len() >= BUFFER_BYTES_MAX {
            self.shared.dropped.inc();
            return;
        }
        let Buffer { lines, second, timestamp } = &mut *buffer;
        refresh(second, timestamp, self.shared.clock.now());
        line.write(self.shared.format, timestamp, lines);
        let is_full = lines.len() >= FLUSH_BYTES;
        drop(buffer);
        if is_full {
            self.wake.unpark();
        }
    }

    /// Writes all buffered lines and ends the thread.
    pub fn close(&self) {
        self.shared.is_closing.store(true, Ordering::Release);
        self.wake.unpark();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // If the writer panicked, its lines are lost already.
        let _ended = writer.map(JoinHandle::join);
    }
}

impl Shared {
    fn write_out(&self, mut output: impl Write) {
        let mut lines = Vec::new();
        loop {
            let is_closing = self.is_closing.load(Ordering::Acquire);
            for buffer in &self.buffers {
                std::mem::swap(&mut lines, &mut buffer.lock().unwrap_or_else(PoisonError::into_inner).lines);
                // A closed pipe must not stop the service.
                let _ignored = output.write_all(&lines).and_then(|()| output.flush());
                lines.clear();
            }
            if is_closing {
                return;
            }
            thread::park_timeout(FLUSH_INTERVAL);
        }
    }
}

/// The index of this thread's buffer.
fn buffer_index() -> usize {
    thread_local! {
        static INDEX: usize = {
            let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(thread::current().id());
            usize::try_from(hash % BUFFERS as u64).unwrap_or(0)
        };
    }
    INDEX.with(|index| *index)
}

/// Updates the timestamp; the calendar date is computed only once a second.
fn refresh(second: &mut Option<i64>, timestamp: &mut Vec<u8>, now: Timestamp) {
    if *second != Some(now.as_second()) {
        *second = Some(now.as_second());
        timestamp.clear();
        timestamp.extend_from_slice(now.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string().as_bytes());
    }
    let mut rest = now.subsec_nanosecond() / 1000;
    let fraction = timestamp.len().saturating_sub(7)..timestamp.len().saturating_sub(1);
    for digit in timestamp[fraction].iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
}
