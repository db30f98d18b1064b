//! Collects lines in memory and writes them out from a thread of its own.
//!
//! A write for every line would cost more than everything else that is done for a small request. At most the lines of
//! [`FLUSH_INTERVAL`] are lost when the process is killed; an audit trail must not be kept this way.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use jiff::Timestamp;
use prometheus::IntCounter;

use super::line::{Format, Line};
use crate::clock::Clock;

/// How long a line waits at most.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);
/// How full a buffer becomes before the writer is woken early, in bytes.
const FLUSH_BYTES: usize = 60 * 1024;
/// How full a buffer becomes when the output does not keep up; further lines are dropped and counted.
const BUFFER_BYTES_MAX: usize = 1024 * 1024;
/// Buffers, so that threads seldom wait for each other.
const BUFFERS: usize = 8;

/// The access log.
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
    /// The second that `stamp` holds.
    second: Option<i64>,
    /// `2026-11-22T03:20:22.123456Z`, of which only the fraction changes from line to line.
    stamp: Vec<u8>,
}

impl AccessLog {
    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    /// The operating system has no thread to give.
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

    pub(super) fn write(&self, line: &Line<'_>) {
        let mut buffer = self.shared.buffers[place()].lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.lines.len() >= BUFFER_BYTES_MAX {
            self.shared.dropped.inc();
            return;
        }
        let Buffer { lines, second, stamp } = &mut *buffer;
        refresh(second, stamp, self.shared.clock.now());
        line.write(self.shared.format, stamp, lines);
        let is_full = lines.len() >= FLUSH_BYTES;
        drop(buffer);
        if is_full {
            self.wake.unpark();
        }
    }

    /// Writes out what is there and ends the thread.
    pub fn close(&self) {
        self.shared.is_closing.store(true, Ordering::Release);
        self.wake.unpark();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A writer that panicked has lost its lines already.
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
                // An output that is gone, such as a closed pipe, must not stop the service.
                let _gone = output.write_all(&lines).and_then(|()| output.flush());
                lines.clear();
            }
            if is_closing {
                return;
            }
            thread::park_timeout(FLUSH_INTERVAL);
        }
    }
}

/// The buffer of this thread.
fn place() -> usize {
    thread_local! {
        static PLACE: usize = {
            let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(thread::current().id());
            usize::try_from(hash % BUFFERS as u64).unwrap_or(0)
        };
    }
    PLACE.with(|place| *place)
}

/// Brings the stamp to this time; the calendar is asked only once a second.
fn refresh(second: &mut Option<i64>, stamp: &mut Vec<u8>, now: Timestamp) {
    if *second != Some(now.as_second()) {
        *second = Some(now.as_second());
        stamp.clear();
        stamp.extend_from_slice(now.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string().as_bytes());
    }
    let mut rest = now.subsec_nanosecond() / 1000;
    let fraction = stamp.len().saturating_sub(7)..stamp.len().saturating_sub(1);
    for digit in stamp[fraction].iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
}
