//! Where records are kept in these tests: in memory, with a cursor for each stream, as one transaction of a database
//! would keep both. It outlives the consumers that fill it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpaca::{Batch, EventId, Record, SinkError, Stream};

#[derive(Default)]
pub(crate) struct Inbox {
    kept: Mutex<Kept>,
    /// Refuses every batch while set.
    pub(crate) is_down: AtomicBool,
    /// Answers no batch while set.
    pub(crate) is_stuck: AtomicBool,
    pub(crate) batches: AtomicUsize,
}

#[derive(Default)]
struct Kept {
    cursors: BTreeMap<Stream, EventId>,
    records: BTreeMap<(Stream, EventId), Record>,
    /// In the order of their first arrival.
    arrivals: Vec<(Stream, EventId)>,
    repeats: usize,
}

impl Inbox {
    /// Keeps a batch whole or not at all. Whoever gives up while it waits does not know which.
    pub(crate) async fn keep(self: Arc<Self>, batch: Batch) -> Result<(), SinkError> {
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
        let mut kept = self.kept.lock().unwrap();
        for record in batch.records {
            assert_eq!(record.stream, batch.stream);
            let key = (record.stream, record.id);
            if kept.records.insert(key, record).is_some() {
                kept.repeats += 1;
            } else {
                kept.arrivals.push(key);
            }
        }
        let before = kept.cursors.insert(batch.stream, batch.cursor);
        assert!(before.is_none_or(|before| before <= batch.cursor), "a cursor never goes back");
    }

    pub(crate) fn cursor(&self, stream: Stream) -> Option<EventId> {
        self.kept.lock().unwrap().cursors.get(&stream).copied()
    }

    /// Ids of a stream in the order of their first arrival.
    pub(crate) fn arrivals(&self, stream: Stream) -> Vec<String> {
        let kept = self.kept.lock().unwrap();
        kept.arrivals.iter().filter(|(of, _)| *of == stream).map(|(_, id)| id.to_string()).collect()
    }

    pub(crate) fn data(&self, stream: Stream, id: &str) -> String {
        let kept = self.kept.lock().unwrap();
        let record = &kept.records[&(stream, id.parse().unwrap())];
        String::from_utf8(record.data.to_vec()).unwrap()
    }

    /// Records that arrived again.
    pub(crate) fn repeats(&self) -> usize {
        self.kept.lock().unwrap().repeats
    }

    pub(crate) fn count(&self) -> usize {
        self.kept.lock().unwrap().records.len()
    }
}
