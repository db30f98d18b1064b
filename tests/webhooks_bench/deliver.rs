//! Replays signed requests from a file over keep-alive connections, and prints the results as one line of JSON:
//! `tools/bench_webhooks`. It signs nothing and parses little, so that on a small machine the server gets the processor.

#![expect(clippy::unwrap_used, reason = "a failed unwrap ends a measurement that would be wrong")]
#![expect(clippy::print_stdout, reason = "the program prints its results")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Clock ticks of `/proc/self/stat` in a second, on every Linux.
const TICKS_PER_S: f64 = 100.0;
const RESPONSE_BYTES_MAX: usize = 16 * 1024;

#[derive(Default)]
struct Replay {
    requests: Vec<Vec<u8>>,
    next: usize,
    stored: usize,
    rejected: usize,
    first_rejection: Option<String>,
    latencies_us: Vec<u32>,
}

impl Replay {
    /// Loads a file of requests, each after its length in four bytes, little-endian.
    fn load(path: &str) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let mut rest = bytes.as_slice();
        let mut requests = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (request, after) = after.split_at(usize::try_from(u32::from_le_bytes(*length)).unwrap());
            requests.push(request.to_vec());
            rest = after;
        }
        Self { requests, ..Self::default() }
    }

    fn next_request(&mut self) -> Option<Vec<u8>> {
        let request = self.requests.get_mut(self.next).map(std::mem::take)?;
        self.next += 1;
        Some(request)
    }

    fn record(&mut self, response: &[u8], elapsed: Duration) {
        self.latencies_us.push(u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX));
        let text = String::from_utf8_lossy(response);
        if text.starts_with("HTTP/1.1 200") && text.contains("\"stored\"") {
            self.stored += 1;
        } else {
            self.rejected += 1;
            self.first_rejection.get_or_insert_with(|| text.into_owned());
        }
    }

    fn quantile_us(&self, quantile: f64) -> u32 {
        let last = self.latencies_us.len() - 1;
        self.latencies_us[(quantile * last as f64) as usize]
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let ([_, address, file, connections, seconds], rate) = arguments.split_first_chunk().unwrap();
    // How many requests a second are offered; without it, each connection sends as soon as it has its response.
    let rate: Option<f64> = rate.first().map(|rate| rate.parse().unwrap());
    let replay = Rc::new(RefCell::new(Replay::load(file)));
    let local = tokio::task::LocalSet::new();
    let (started, cpu_before) = (Instant::now(), cpu_s());
    let deadline = started + Duration::from_secs_f64(seconds.parse().unwrap());
    local
        .run_until(async {
            let connections: usize = connections.parse().unwrap();
            let each = |_| {
                tokio::task::spawn_local(connection(
                    address.clone(),
                    Rc::clone(&replay),
                    Pace { started, deadline, rate },
                ))
            };
            let tasks: Vec<_> = (0..connections).map(each).collect();
            for task in tasks {
                task.await.unwrap();
            }
        })
        .await;
    let elapsed_s = started.elapsed().as_secs_f64();
    let mut replay = replay.borrow_mut();
    replay.latencies_us.sort_unstable();
    println!(
        "{}",
        json!({
            "stored": replay.stored, "rejected": replay.rejected, "first_rejection": replay.first_rejection,
            "ran_out": replay.next == replay.requests.len(), "seconds": elapsed_s, "cpu_seconds": cpu_s() - cpu_before,
            "p50_us": replay.quantile_us(0.5), "p99_us": replay.quantile_us(0.99),
        })
    );
}

#[derive(Clone, Copy)]
struct Pace {
    started: Instant,
    deadline: Instant,
    /// Requests a second of all connections.
    rate: Option<f64>,
}

impl Pace {
    /// When a request is due, by its position.
    fn due(&self, position: usize) -> Instant {
        let offset = self.rate.map_or(0.0, |rate| position as f64 / rate);
        self.started + Duration::from_secs_f64(offset)
    }
}

/// One request after the other, until none is left or the deadline is reached. The time of an answer counts from when its
/// request was due.
async fn connection(address: String, replay: Rc<RefCell<Replay>>, pace: Pace) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; RESPONSE_BYTES_MAX];
    while Instant::now() < pace.deadline {
        let due = pace.due(replay.borrow().next);
        let Some(request) = replay.borrow_mut().next_request() else { return };
        tokio::time::sleep_until(due.into()).await;
        let sent_at = if pace.rate.is_some() { due } else { Instant::now() };
        stream.write_all(&request).await.unwrap();
        let length = read_response(&mut stream, &mut buffer).await;
        replay.borrow_mut().record(&buffer[..length], sent_at.elapsed());
    }
}

/// Reads one complete response and returns its length.
async fn read_response(stream: &mut TcpStream, buffer: &mut [u8]) -> usize {
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..]).await.unwrap();
        assert!(count > 0, "the server closed: {}", String::from_utf8_lossy(&buffer[..filled]));
        filled += count;
        if response_length(&buffer[..filled]).is_some_and(|length| length <= filled) {
            return filled;
        }
    }
}

/// The length of the response, once its head is complete.
fn response_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?.to_ascii_lowercase();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok())?;
    Some(head + length)
}

/// CPU time of this process so far, in seconds.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS_PER_S
}
