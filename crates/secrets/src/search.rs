//! One search at a time: who is looked for, what it does to each slot, and who is told.

mod books;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;

use books::{Books, Scope};

use crate::chain::{Behind, Chain, Remote, Resolved, Wanted};
use crate::error::Error;
use crate::event::{AuditSink, Event, Recorder};
use crate::fault::Breach;
use crate::name::SecretName;
use crate::policy;
use crate::schedule::{Jitter, Schedule};
use crate::secrets::Reloaded;
use crate::slot::{Outcome, Sighting, Slot};
use crate::spec::SecretSpec;
use crate::usage::Tally;
use crate::value::SecretValue;
use crate::version::SecretVersion;
use crate::warning::{Notice, Warning};

/// Everything that a search needs, and what it leaves for the next one.
pub(crate) struct Searcher {
    pub(crate) slots: BTreeMap<SecretName, Arc<Slot>>,
    pub(crate) chain: Chain,
    pub(crate) witnesses: Witnesses,
    jitter: Jitter,
    /// The secrets that this process uses; all of them for `None`.
    used: Option<BTreeSet<SecretName>>,
    /// Searches begun so far.
    begun: AtomicU64,
    /// Something is due earlier than it was.
    pub(crate) doubted: Notify,
    /// Held while a search is under way, so that there is never more than one.
    books: Mutex<Books>,
}

/// Who is told what happens.
pub(crate) struct Witnesses {
    pub(crate) recorder: Recorder,
    pub(crate) audit: AuditSink,
}

type Look = Option<Result<Resolved, Error>>;

impl Searcher {
    pub(crate) fn new(
        slots: BTreeMap<SecretName, Arc<Slot>>,
        chain: Chain,
        witnesses: Witnesses,
        jitter: Jitter,
        used: Option<BTreeSet<SecretName>>,
    ) -> Self {
        let books = Mutex::new(Books::of(slots.keys()));
        let (begun, doubted) = (AtomicU64::new(0), Notify::new());
        Self { slots, chain, witnesses, jitter, used, begun, doubted, books }
    }

    /// Whether this process uses a secret. Of one that it does not use only this machine is asked.
    pub(crate) fn uses(&self, name: &SecretName) -> bool {
        self.used.as_ref().is_none_or(|used| used.contains(name))
    }

    /// A ticket for [`all`](Self::all) and [`one`](Self::one): the searches begun before the caller asked.
    pub(crate) fn ticket(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    /// Looks for everything, unless such a search began after the ticket was taken.
    pub(crate) async fn all(&self, ticket: u64) -> Reloaded {
        let mut books = self.books.lock().await;
        if books.all.0 <= ticket {
            books.all = self.search(&mut books, Scope::All).await;
        }
        books.all.1.clone()
    }

    /// Looks for one secret, unless its last answer is still believed or it was searched since the ticket was taken.
    pub(crate) async fn one(&self, ticket: u64, name: &SecretName) {
        let mut books = self.books.lock().await;
        let is_known =
            books.pages.get(name).is_some_and(|page| page.searched > ticket || page.schedule.is_believed());
        if !is_known {
            self.search(&mut books, Scope::One(name)).await;
        }
    }

    /// Believes nothing of what is known of these secrets, and makes them due; all of them for `None`.
    pub(crate) async fn doubt(&self, name: Option<&SecretName>) {
        let mut books = self.books.lock().await;
        let pages = books.pages.iter_mut().filter(|(known, _)| name.is_none_or(|name| name == *known));
        pages.for_each(|(_, page)| page.schedule = Schedule::new());
        self.doubted.notify_one();
    }

    /// Looks for what is due.
    pub(crate) async fn due(&self) {
        let mut books = self.books.lock().await;
        let is_due = books.pages.values().any(|page| page.schedule.is_due());
        let scope = if is_due { Scope::DueSoon } else { Scope::Local };
        self.search(&mut books, scope).await;
    }

    /// When a secret is due next. What lies on this machine is looked at more often than that anyway.
    pub(crate) async fn next_due(&self) -> Option<Instant> {
        self.books.lock().await.pages.values().map(|page| page.schedule.due()).min()
    }

    async fn search(&self, books: &mut Books, scope: Scope<'_>) -> (u64, Reloaded) {
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let looks_behind = books.looks_behind(scope);
        let wanted: Vec<Wanted<'_>> =
            self.slots.values().map(|slot| self.wanted(slot, books, scope, looks_behind)).collect();
        let mut looks = self.chain.resolve(&wanted).await;
        self.refuse_reuse(&mut looks);
        let mut reloaded = Reloaded::default();
        let mut known = std::mem::take(&mut books.notices);
        for (slot, found) in self.slots.values().zip(looks).filter_map(|(slot, look)| Some((slot, look?))) {
            if let Some(page) = books.pages.get_mut(&slot.spec().name) {
                page.searched = number;
                page.schedule.looked(found.as_ref().map(|_| ()), slot.spec(), &self.jitter);
                if let Ok(found) = &found {
                    page.behind.clone_from(&found.behind);
                }
            }
            self.tell_new(&mut known, slot.spec(), &found);
            self.settle(slot, found, &mut reloaded);
        }
        books.notices = known;
        (number, reloaded)
    }

    fn wanted<'a>(
        &'a self,
        slot: &'a Slot,
        books: &'a Books,
        scope: Scope<'_>,
        looks_behind: bool,
    ) -> Wanted<'a> {
        let spec = slot.spec();
        let (page, is_used) = (books.pages.get(&spec.name), self.uses(&spec.name));
        let known = page.map_or(&[][..], |page| &page.behind);
        let behind = if looks_behind && is_used { Behind::Asked(known) } else { Behind::Known(known) };
        let asks_remote = match scope {
            Scope::All => true,
            Scope::One(name) => *name == spec.name,
            // A value that came from this machine and is no longer here is looked for elsewhere at once.
            Scope::Local => slot.is_local(),
            Scope::DueSoon => slot.is_local() || page.is_none_or(|page| page.is_due(spec)),
        };
        let remote = match (is_used, asks_remote) {
            (false, _) => Remote::Never,
            (true, true) => Remote::Now,
            (true, false) => Remote::NotNow,
        };
        Wanted { spec, remote, behind }
    }

    /// Two secrets of one value fall together: the later name is refused, or the reuse is said.
    fn refuse_reuse(&self, looks: &mut [Look]) {
        let values: Vec<Option<SecretValue>> =
            self.slots.values().zip(looks.iter()).map(|(slot, look)| value(slot, look)).collect();
        let specs: Vec<_> = self.slots.values().map(|slot| slot.spec()).collect();
        let pairs = specs.iter().zip(&values).filter_map(|(spec, value)| Some((*spec, value.as_ref()?)));
        for (name, with) in policy::reused(pairs) {
            let found = specs.iter().zip(looks.iter_mut()).find(|(spec, _)| spec.name == name);
            let Some((spec, Some(look))) = found else { continue };
            let Ok(resolved) = look else { continue };
            let warning = Warning::Rule(Breach::Reused { with });
            match self.chain.allow(spec, &resolved.version.provenance().origin, warning) {
                Ok(notice) => resolved.notices.push(notice),
                Err(error) => *look = Err(error),
            }
        }
    }

    fn settle(&self, slot: &Slot, found: Result<Resolved, Error>, reloaded: &mut Reloaded) {
        let name = slot.spec().name.clone();
        let (found, notices) = match found {
            Ok(Resolved { version, announced, behind: _, notices }) => {
                (Ok(Sighting { version, announced }), notices)
            }
            Err(error) => (Err(error), Vec::new()),
        };
        reloaded.notices.extend(notices);
        let outcome = slot.accept(found.clone());
        match (outcome, found) {
            (Outcome::StillAbsent, Err(Error::NotFound { .. })) => {}
            (_, Err(error)) => {
                self.witnesses.tell(&Event::RefreshFailed { name, error: error.clone() });
                reloaded.failed.push(error);
            }
            (Outcome::Confirmed, Ok(_)) => self.witnesses.tell(&Event::Confirmed { name }),
            (Outcome::Failed | Outcome::StillAbsent, Ok(sighting)) => {
                let error = slot.health().last_error.unwrap_or_else(|| withdrawn(&name, &sighting.version));
                self.witnesses.tell(&Event::RefreshFailed { name, error: error.clone() });
                reloaded.failed.push(error);
            }
            (Outcome::Accepting, Ok(_)) => self.tell_accepting(slot),
            (outcome, Ok(sighting)) => {
                self.witnesses.tell(&took_over(&outcome, &name, &sighting.version));
                reloaded.changed.push(name);
                if slot.load().is_ok_and(|set| set.beside() != (None, None)) {
                    self.tell_accepting(slot);
                }
            }
        }
    }

    /// Tells what is accepted beside the value in use.
    fn tell_accepting(&self, slot: &Slot) {
        let Ok(set) = slot.load() else { return };
        let (pending, previous) = set.beside();
        let (pending, previous) = (pending.cloned(), previous.cloned());
        self.witnesses.tell(&Event::Accepting { name: slot.spec().name.clone(), pending, previous });
    }

    /// Tells how often each secret was read, and how often the value before was used.
    pub(crate) fn tell_usage(&self) {
        for slot in self.slots.values() {
            let name = &slot.spec().name;
            for (by, Tally { fresh, stale, failed }) in slot.take_reads() {
                self.witnesses.tell(&Event::Read { name: name.clone(), by, fresh, stale, failed });
            }
            let times = slot.take_previous_used();
            if times > 0 {
                self.witnesses.tell(&Event::PreviousUsed { name: name.clone(), times });
            }
        }
    }

    /// Tells each notice of a secret when it first comes up, and again only when it had gone.
    fn tell_new(&self, known: &mut Vec<Notice>, spec: &SecretSpec, found: &Result<Resolved, Error>) {
        let notices = found.as_ref().map_or(&[][..], |resolved| &resolved.notices);
        for notice in notices.iter().filter(|notice| !known.contains(notice)) {
            self.witnesses.tell(&Event::Noticed(notice.clone()));
        }
        known.retain(|notice| notice.name != spec.name);
        known.extend_from_slice(notices);
    }
}

impl Witnesses {
    /// Tells both. A read goes on when its record cannot be kept, and that is counted.
    pub(crate) fn tell(&self, event: &Event) {
        (self.recorder)(event);
        if (self.audit)(event).is_err() {
            (self.recorder)(&Event::AuditLost);
        }
    }
}

/// The value that a secret will have after a look.
fn value(slot: &Slot, look: &Look) -> Option<SecretValue> {
    match look {
        Some(Ok(found)) => Some(found.version.value().clone()),
        Some(Err(_)) | None => slot.load().ok().map(|set| set.value().clone()),
    }
}

/// A place offers a version again that was withdrawn.
fn withdrawn(name: &SecretName, version: &SecretVersion) -> Error {
    let breach = Breach::Denied { version: version.id().clone() };
    Error::Policy { name: name.clone(), origin: version.provenance().origin.clone(), breach }
}

fn took_over(outcome: &Outcome, name: &SecretName, version: &SecretVersion) -> Event {
    let (name, origin) = (name.clone(), version.provenance().origin.clone());
    let version = version.id().clone();
    match outcome {
        Outcome::Appeared => Event::Resolved { name, origin, version },
        Outcome::Confirmed
        | Outcome::Changed
        | Outcome::Accepting
        | Outcome::Failed
        | Outcome::StillAbsent => Event::Changed { name, origin, version },
    }
}
