//! Keeps secrets up to date: watches directories, polls mounts without change events, and reads secrets that are due.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::secrets::Secrets;

/// Quiet time before a directory is read, so that a swap of several files is one change.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// How often local sources are read without a change event. A container sees no event of a change that its host made if the
/// directory is shared by a virtual machine or a network.
const POLL_PERIOD: Duration = Duration::from_secs(3);
const USAGE_PERIOD: Duration = Duration::from_secs(60);
const PAUSE_AFTER_PANIC: Duration = Duration::from_secs(10);

impl Secrets {
    /// Keeps every secret up to date until the future is dropped: spawn it as a task.
    ///
    /// Local sources are read when a directory changes and every few seconds. Remote sources are read when a secret is due:
    /// after three quarters of its TTL to all of it, together with secrets that are due soon; after failures, in pauses
    /// that double. Readers never wait.
    ///
    /// The directory is watched and never the file. When Kubernetes swaps its link, a watch on a file reports the first
    /// change and no later one.
    pub async fn watch(self) {
        let changed = Arc::new(Notify::new());
        let mut directories = DirectoryWatcher::new(Arc::clone(&changed));
        let (mut poll, mut usage) = (interval(POLL_PERIOD), interval(USAGE_PERIOD));
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        usage.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            directories.watch(self.watched_directories());
            let next_due = self.0.next_due().await;
            tokio::select! {
                () = debounced(&changed) => {}
                _ = poll.tick() => {}
                _ = usage.tick() => {
                    self.report_usage();
                    continue;
                }
                () = sleep_until(next_due) => {}
                () = self.0.invalidated.notified() => {}
            }
            let searcher = Arc::clone(&self.0);
            if tokio::spawn(async move { searcher.due().await }).await.is_err() {
                // A search that panics changes neither values nor schedules.
                tokio::time::sleep(PAUSE_AFTER_PANIC).await;
            }
        }
    }
}

/// Never returns for `None`.
async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Without a watcher, on a platform that has none, the poll remains.
struct DirectoryWatcher {
    watcher: Option<RecommendedWatcher>,
    watched: Vec<PathBuf>,
}

impl DirectoryWatcher {
    fn new(changed: Arc<Notify>) -> Self {
        let on_event = move |event: notify::Result<notify::Event>| {
            if event.map_or(true, |event| may_change(event.kind)) {
                changed.notify_one();
            }
        };
        Self { watcher: notify::recommended_watcher(on_event).ok(), watched: Vec::new() }
    }

    /// Adds new directories; a missing directory is tried again at the next poll.
    fn watch(&mut self, directories: Vec<PathBuf>) {
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

/// Whether an event may mean a new value. Our own reads cause events too, which must not cause further reads.
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

/// Waits for an event, and then until there was none for [`DEBOUNCE`].
async fn debounced(changed: &Notify) {
    changed.notified().await;
    while tokio::time::timeout(DEBOUNCE, changed.notified()).await.is_ok() {}
}
