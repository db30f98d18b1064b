//! Notices that a secret changed: a watch on the directories, and a poll for mounts that tell nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};

use crate::secrets::Secrets;

/// How long a directory must be quiet before it is read: a swap of several files is one change.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// How often everything is looked for without being told.
const POLL: Duration = Duration::from_secs(60);
/// How long to wait before the next search after one that panicked.
const AFTER_PANIC: Duration = Duration::from_secs(10);

impl Secrets {
    /// Keeps every secret up to date until it is dropped: run it as a task of its own.
    ///
    /// What lies on this machine is looked at when a directory stirs and once a minute. What costs a call is looked for
    /// when it is due: after three quarters of its TTL to all of it, together with what is due soon; after a failure in
    /// pauses that double. No reader ever waits for any of it.
    ///
    /// The directory is watched and never the file. When Kubernetes swaps its link, a watch on a file tells of the
    /// first change and of none after it.
    pub async fn watch(self) {
        let stirred = Arc::new(Notify::new());
        let mut eyes = Eyes::new(Arc::clone(&stirred));
        let mut poll = tokio::time::interval(POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            eyes.open(self.watched());
            let next_due = self.0.next_due().await;
            tokio::select! {
                () = settled(&stirred) => {}
                _ = poll.tick() => self.tell_usage(),
                () = until(next_due) => {}
                () = self.0.doubted.notified() => {}
            }
            let searcher = Arc::clone(&self.0);
            if tokio::spawn(async move { searcher.due().await }).await.is_err() {
                // A search that panics leaves every good value in place, and everything as due as it was.
                tokio::time::sleep(AFTER_PANIC).await;
            }
        }
    }
}

/// Waits for a moment; without one, for ever.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Watches directories. A platform that cannot watch leaves the poll.
struct Eyes {
    watcher: Option<RecommendedWatcher>,
    watched: Vec<PathBuf>,
}

impl Eyes {
    fn new(stirred: Arc<Notify>) -> Self {
        let tell = move |event: notify::Result<notify::Event>| {
            if event.map_or(true, |event| may_change(event.kind)) {
                stirred.notify_one();
            }
        };
        Self { watcher: notify::recommended_watcher(tell).ok(), watched: Vec::new() }
    }

    /// Watches what is not watched yet; a directory that does not exist is tried again at the next poll.
    fn open(&mut self, directories: Vec<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        for directory in directories {
            if !self.watched.contains(&directory)
                && watcher.watch(&directory, RecursiveMode::NonRecursive).is_ok()
            {
                self.watched.push(directory);
            }
        }
    }
}

/// Whether an event may mean another value. Our own reading is an event, too, and must not lead to more of it.
fn may_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}

/// Waits for an event, and then until there was none for a while.
async fn settled(stirred: &Notify) {
    stirred.notified().await;
    while tokio::time::timeout(DEBOUNCE, stirred.notified()).await.is_ok() {}
}
