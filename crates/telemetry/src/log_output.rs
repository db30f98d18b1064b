//! Where log lines go: a bounded queue, and one thread that writes it. No other thread waits for the output, so that a reader that
//! stalls stops neither a request nor the shutdown.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Size of the queue; lines that do not fit are lost and counted.
const QUEUE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Longest wait for the output at the end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A handle to the queue. What is written to it is whole lines.
#[derive(Clone, Debug)]
pub struct LogOutput(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    lines: Vec<u8>,
    lost: u64,
    is_closing: bool,
    is_closed: bool,
}

impl LogOutput {
    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let for_writer = Arc::clone(&shared);
        thread::Builder::new().name("log-output".to_owned()).spawn(move || for_writer.write_out(output))?;
        Ok(Self(shared))
    }

    /// Number of lines that were lost, because the queue was full or the output failed.
    #[must_use]
    pub fn lost_lines(&self) -> u64 {
        self.0.lock().lost
    }

    /// Waits until everything is written, for a second at most. Later lines are lost.
    pub fn close(&self) {
        let mut queue = self.0.lock();
        queue.is_closing = true;
        self.0.changed.notify_all();
        let is_open = |queue: &mut Queue| !queue.is_closed;
        drop(self.0.changed.wait_timeout_while(queue, CLOSE_TIMEOUT, is_open));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_out(&self, mut output: impl Write) {
        let mut taken = Vec::new();
        loop {
            let is_idle = |queue: &mut Queue| queue.lines.is_empty() && !queue.is_closing;
            let waited = self.changed.wait_while(self.lock(), is_idle);
            let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
            if queue.lines.is_empty() {
                queue.is_closed = true;
                return self.changed.notify_all();
            }
            std::mem::swap(&mut taken, &mut queue.lines);
            drop(queue);
            let lost = write(&mut output, &taken);
            taken.clear();
            self.lock().lost += lost;
        }
    }
}

/// Writes lines, and returns how many of them the output did not accept.
fn write(output: &mut impl Write, mut lines: &[u8]) -> u64 {
    while !lines.is_empty() {
        match output.write(lines) {
            Ok(written @ 1..) => lines = lines.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
        }
    }
    count(lines)
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

impl Write for LogOutput {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let mut queue = self.0.lock();
        let space = QUEUE_BYTES_MAX.saturating_sub(queue.lines.len()).min(lines.len());
        let fits = match lines.get(..space) {
            _ if queue.is_closing => 0,
            Some(part) if space < lines.len() => {
                part.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)
            }
            _ => space,
        };
        let (queued, lost) = lines.split_at(fits);
        queue.lines.extend_from_slice(queued);
        queue.lost += count(lost);
        self.0.changed.notify_all();
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogOutput {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_reader_that_stalls_delays_nobody_and_what_is_lost_is_counted() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut output = LogOutput::start(writer).unwrap();
        let line = [&[b'a'; 1023][..], b"\n"].concat();
        // More than the queue, and what the thread has taken out of it.
        let (started, lines) = (Instant::now(), 20_000);
        for _ in 0..lines {
            output.write_all(&line).unwrap();
        }
        output.close();
        assert!(started.elapsed() < CLOSE_TIMEOUT * 30, "{:?}", started.elapsed());
        let lost = output.lost_lines();
        assert!((1000..lines).contains(&lost), "{lost}");
        output.write_all(b"late\n").unwrap();
        assert_eq!(output.lost_lines(), lost + 1);
        drop(output);
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert_eq!(count(&read) + lost, lines);
    }

    #[test]
    fn an_output_that_fails_is_counted() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut output = LogOutput::start(full).unwrap();
        output.write_all(b"one\ntwo\n").unwrap();
        output.close();
        assert_eq!(output.lost_lines(), 2);
    }
}
