//! Replays signed requests from a file over kept-alive connections, and prints what came of them as one line of JSON.
//!
//! It signs nothing and parses little, so that on a small machine the server gets the processor: `tests/bench_webhooks`.

#![expect(clippy::unwrap_used, reason = "a failed unwrap ends a measurement that would be wrong")]
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Clock ticks of `/proc/self/stat` in a second, on every Linux.
const TICKS_PER_S: f64 = 100.0;
/// Longest answer to a delivery.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// What is left to send, and what came of the rest.
#[derive(Default)]
struct Replay {
    requests: Vec<Vec<u8>>,
    next: usize,
    stored: usize,
    refused: usize,
    first_refusal: Option<String>,
    latencies_us: Vec<u32>,
}

impl Replay {
    /// A file of requests, each after its length in four bytes, the least significant first.
    fn read(path: &str) -> Self {
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

    fn take(&mut self) -> Option<Vec<u8>> {
        let request = self.requests.get_mut(self.next).map(std::mem::take)?;
        self.next += 1;
        Some(request)
    }

    fn record(&mut self, answer: &[u8], took: Duration) {
        self.latencies_us.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        let text = String::from_utf8_lossy(answer);
        if text.starts_with("HTTP/1.1 200") && text.contains("\"stored\"") {
            self.stored += 1;
        } else {
            self.refused += 1;
            self.first_refusal.get_or_insert_with(|| text.into_owned());
        }
    }

    fn share_us(&self, share: f64) -> u32 {
        let last = self.latencies_us.len() - 1;
        self.latencies_us[(share * last as f64) as usize]
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, address, file, connections, seconds] = arguments.as_slice() else {
        panic!("deliver ADDRESS FILE CONNECTIONS SECONDS")
    };
    let replay = Rc::new(RefCell::new(Replay::read(file)));
    let local = tokio::task::LocalSet::new();
    let (began, cpu_before) = (Instant::now(), cpu_s());
    let deadline = began + Duration::from_secs_f64(seconds.parse().unwrap());
    local
        .run_until(async {
            let connections: usize = connections.parse().unwrap();
            let each =
                |_| tokio::task::spawn_local(connection(address.clone(), Rc::clone(&replay), deadline));
            let tasks: Vec<_> = (0..connections).map(each).collect();
            for task in tasks {
                task.await.unwrap();
            }
        })
        .await;
    let took = began.elapsed().as_secs_f64();
    let mut replay = replay.borrow_mut();
    replay.latencies_us.sort_unstable();
    println!(
        "{}",
        json!({
            "stored": replay.stored, "refused": replay.refused, "first_refusal": replay.first_refusal,
            "ran_out": replay.next == replay.requests.len(), "seconds": took, "cpu_seconds": cpu_s() - cpu_before,
            "p50_us": replay.share_us(0.5), "p99_us": replay.share_us(0.99),
        })
    );
}

/// One request after the other, until none is left or the time is over.
async fn connection(address: String, replay: Rc<RefCell<Replay>>, deadline: Instant) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; ANSWER_BYTES_MAX];
    while Instant::now() < deadline {
        let Some(request) = replay.borrow_mut().take() else { return };
        let sent = Instant::now();
        stream.write_all(&request).await.unwrap();
        let length = answer(&mut stream, &mut buffer).await;
        replay.borrow_mut().record(&buffer[..length], sent.elapsed());
    }
}

/// Reads one answer whole and gives its length.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> usize {
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..]).await.unwrap();
        assert!(count > 0, "the server closed: {}", String::from_utf8_lossy(&buffer[..filled]));
        filled += count;
        if whole(&buffer[..filled]).is_some_and(|length| length <= filled) {
            return filled;
        }
    }
}

/// The length of the answer, once its head is there.
fn whole(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?.to_ascii_lowercase();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok())?;
    Some(head + length)
}

/// Processor time of this process so far, in seconds.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS_PER_S
}
