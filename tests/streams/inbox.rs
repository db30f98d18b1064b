//! An inbox in memory: records, and a cursor for each stream, stored together as in a transaction. It outlives the
//! consumers that fill it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpaca::{Batch, EventId, Record, SinkError, Stream};

#[derive(Default)]
pub(crate) struct Inbox {
    stored: Mutex<Stored>,
    /// Rejects every batch while set.
    pub(crate) is_down: AtomicBool,
    /// Hangs on every batch while set.
    pub(crate) is_stuck: AtomicBool,
    pub(crate) batches: AtomicUsize,
}

#[derive(Default)]
struct Stored {
    cursors: BTreeMap<Stream, EventId>,
    records: BTreeMap<(Stream, EventId), Record>,
    /// In order of first arrival.
    arrivals: Vec<(Stream, EventId)>,
    repeats: usize,
}

impl Inbox {
    /// Stores a batch as a whole or not at all. A caller that times out does not know which.
    pub(crate) async fn store(self: Arc<Self>, batch: Batch) -> Result<(), SinkError> {
        self.batches.fetch_add(1, Relaxed);
        tokio::task::yield_now().await;
        if self.is_stuck.load(Relaxed) {
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        if self.is_down.load(Relaxed) {
            return Err(SinkError::new("the inbox is down"));
        }
        self.commit(batch);
        tokio::task::yield_now().await;
        Ok(())
    }

    fn commit(&self, batch: Batch) {
        assert!((1..=alpaca::BATCH_RECORDS_MAX).contains(&batch.records.len()));
        let mut stored = self.stored.lock().unwrap();
        for record in batch.records {
            assert_eq!(record.stream, batch.stream);
            let key = (record.stream, record.id);
            if stored.records.insert(key, record).is_some() {
                stored.repeats += 1;
            } else {
                stored.arrivals.push(key);
            }
        }
        let before = stored.cursors.insert(batch.stream, batch.cursor);
        assert!(before.is_none_or(|before| before <= batch.cursor), "a cursor never goes back");
    }

    pub(crate) fn cursor(&self, stream: Stream) -> Option<EventId> {
        self.stored.lock().unwrap().cursors.get(&stream).copied()
    }

    /// Ids of a stream in order of first arrival.
    pub(crate) fn arrivals(&self, stream: Stream) -> Vec<String> {
        let stored = self.stored.lock().unwrap();
        stored.arrivals.iter().filter(|(found, _)| *found == stream).map(|(_, id)| id.to_string()).collect()
    }

    pub(crate) fn data(&self, stream: Stream, id: &str) -> String {
        let stored = self.stored.lock().unwrap();
        let record = &stored.records[&(stream, id.parse().unwrap())];
        String::from_utf8(record.data.to_vec()).unwrap()
    }

    pub(crate) fn repeats(&self) -> usize {
        self.stored.lock().unwrap().repeats
    }

    pub(crate) fn count(&self) -> usize {
        self.stored.lock().unwrap().records.len()
    }
}
