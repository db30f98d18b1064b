//! Searches the memory of its own process.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::SystemTime;

use secrets::aws::{SecretsManager, Settings};
use secrets::{Catalogue, Environment, Profile, Secrets};

const CHUNK_BYTES: usize = 1 << 20;
/// Larger than the process's memory map.
const MAP_BYTES: usize = 1 << 20;
const NAME: &str = "polygon_api_key";

/// Prints how often the secret is in memory while it is in use, and after everything that read it is dropped.
pub(crate) fn run() {
    let complement = std::env::args().nth(1).expect("the complement of the secret is the argument");
    let mut search = Search::new(hex::decode(&complement).expect("hexadecimal"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let secrets = runtime.block_on(read());
    let set = secrets.handle(NAME, "holder").and_then(|handle| handle.load()).expect("the secret is there");
    let before = search.count();
    drop((set, secrets));
    drop(runtime);
    println!("{before} {}", search.count());
}

/// Allocated before the secret is read: later allocations could reuse the memory that the secret was in.
struct Search {
    complement: Vec<u8>,
    buffer: Vec<u8>,
    map: String,
}

async fn read() -> Secrets {
    let environment = Environment::from_process();
    let settings = Settings::from_environment(&environment).expect("settings").expect("a prefix");
    let clock: secrets::Clock = Arc::new(|| SystemTime::UNIX_EPOCH);
    let manager = SecretsManager::connect(&settings, Profile::Development, Arc::clone(&clock)).await;
    // One secret alone: reading others would reuse the memory that its reading freed.
    let catalogue = Catalogue::product().get(NAME).cloned().map(|spec| Catalogue::new([spec]));
    let catalogue = catalogue.expect("the secret is declared").expect("a catalogue of one");
    Secrets::builder(Profile::Development, catalogue, clock)
        .source(manager.expect("an emulator is allowed"))
        .build()
        .await
        .expect("the fake responds")
}

impl Search {
    fn new(complement: Vec<u8>) -> Self {
        Self { complement, buffer: vec![0; CHUNK_BYTES], map: String::with_capacity(MAP_BYTES) }
    }

    /// How often the secret is in memory, without the search's own buffer.
    fn count(&mut self) -> usize {
        let memory = File::open("/proc/self/mem").expect("a process may read itself");
        self.map.clear();
        let maps = File::open("/proc/self/maps").and_then(|mut maps| maps.read_to_string(&mut self.map));
        maps.expect("a process may read itself");
        let own = self.buffer.as_ptr() as u64..self.buffer.as_ptr() as u64 + CHUNK_BYTES as u64;
        let mut found = 0;
        for range in self.map.lines().filter_map(region) {
            for part in without(&range, &own) {
                found += count_in(&memory, part, &self.complement, &mut self.buffer);
            }
        }
        self.buffer.fill(0);
        found
    }
}

/// The addresses of one line of the map, when they are writable.
fn region(line: &str) -> Option<Range<u64>> {
    let mut words = line.split_whitespace();
    let (range, rights) = (words.next()?, words.next()?);
    let (start, end) = range.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    rights.starts_with("rw").then_some(address(start)?..address(end)?)
}

fn without(range: &Range<u64>, hole: &Range<u64>) -> [Range<u64>; 2] {
    [range.start..range.end.min(hole.start), range.start.max(hole.end)..range.end]
}

fn count_in(memory: &File, range: Range<u64>, complement: &[u8], buffer: &mut [u8]) -> usize {
    let mut found = 0;
    let mut at = range.start;
    while at < range.end {
        let wanted = usize::try_from(range.end - at).map_or(buffer.len(), |left| left.min(buffer.len()));
        let Ok(read) = memory.read_at(&mut buffer[..wanted], at) else { break };
        if read < complement.len() {
            break;
        }
        let windows = buffer[..read].windows(complement.len());
        found +=
            windows.filter(|window| window.iter().zip(complement).all(|(byte, not)| *byte == !not)).count();
        // Chunks overlap, so that no match is split.
        at += (read - complement.len() + 1) as u64;
    }
    found
}
