//! Buffers lines in memory and writes them in the order of their times from a dedicated thread.
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
        let mut taken: [Vec<u8>; BUFFERS] = Default::default();
        let mut ordered = Vec::new();
        loop {
            let is_closing = self.is_closing.load(Ordering::Acquire);
            self.take(&mut taken);
            self.merge(&taken, &mut ordered);
            // A closed pipe must not stop the service.
            let _ignored = output.write_all(&ordered).and_then(|()| output.flush());
            ordered.clear();
            if is_closing {
                return;
            }
            thread::park_timeout(FLUSH_INTERVAL);
        }
    }

    /// Exchanges all buffers at one moment, so that every later line has a later time.
    fn take(&self, taken: &mut [Vec<u8>; BUFFERS]) {
        let mut buffers =
            self.buffers.each_ref().map(|buffer| buffer.lock().unwrap_or_else(PoisonError::into_inner));
        for (buffer, taken) in buffers.iter_mut().zip(taken) {
            taken.clear();
            std::mem::swap(taken, &mut buffer.lines);
        }
    }

    /// Appends the lines of all buffers by time; those of one buffer keep their order.
    fn merge(&self, taken: &[Vec<u8>; BUFFERS], ordered: &mut Vec<u8>) {
        let mut lines: Vec<&[u8]> =
            taken.iter().flat_map(|buffer| buffer.split_inclusive(|byte| *byte == b'\n')).collect();
        let time = Line::time_position(self.format);
        lines.sort_by(|one, other| one.get(time.clone()).cmp(&other.get(time.clone())));
        lines.iter().for_each(|line| ordered.extend_from_slice(line));
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn lines_of_all_threads_are_in_the_order_of_their_times() {
        for format in [Format::Text, Format::Json] {
            let (mut reader, writer) = io::pipe().unwrap();
            let dropped = IntCounter::new("dropped", "dropped").unwrap();
            let log = AccessLog::start(format, Clock::System, dropped, writer).unwrap();
            for number in 0..200 {
                let (log, path) = (&log, number.to_string());
                let line = Line {
                    request_id: "",
                    ids: None,
                    client: None,
                    method: "GET",
                    path: &path,
                    route: None,
                    status: Some(200),
                    code: None,
                    bytes: None,
                    duration_us: 0,
                    key: None,
                    user_agent: None,
                };
                // One after the other, each on a thread of its own.
                thread::scope(|scope| scope.spawn(|| log.write(&line)).join().unwrap());
                thread::sleep(Duration::from_millis(1));
            }
            log.close();
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            let number = |line: &str| {
                let path =
                    line.split_once(if format == Format::Text { "GET " } else { "\"path\":\"" }).unwrap().1;
                path.split([' ', '"']).next().unwrap().parse::<u32>().unwrap()
            };
            let numbers: Vec<u32> = text.lines().map(number).collect();
            assert_eq!(numbers, Vec::from_iter(0..200));
        }
    }
}
