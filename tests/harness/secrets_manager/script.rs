//! The scripted faults, the recorded requests, and the account.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use axum::http::HeaderMap;

use super::account::Account;
use super::operation::Operation;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// As documented.
    None,
    /// The documented response after this wait.
    Delay(Duration),
    /// 400 `ThrottlingException`.
    Throttle,
    /// 500 `InternalServiceError`.
    InternalError,
    /// This status with a page of HTML, as a proxy in between would send.
    Status(u16),
    /// 400 `AccessDeniedException`.
    AccessDenied,
    /// 400 `ExpiredTokenException`.
    ExpiredCredentials,
    /// 400 `DecryptionFailure`.
    DecryptionFailure,
    /// No response, ever. Nothing is changed.
    Hang,
    /// The connection is reset before anything is changed.
    Reset,
    /// The request takes effect, then the connection is reset.
    LostResponse,
    /// The request takes effect; the response ends in the middle.
    CutBody,
    /// The request takes effect; the response arrives one byte at a time, with this wait before each.
    Trickle(Duration),
    /// 200 with a body that is not JSON. Nothing is changed.
    Garbage,
}

#[derive(Clone, Debug)]
pub struct Head {
    /// `None` when the fake does not have it.
    pub operation: Option<Operation>,
    pub headers: HeaderMap,
}

/// The account, and an older copy that serves the next reads.
#[derive(Default)]
pub(super) struct Replicas {
    pub(super) account: Account,
    lagging: Option<(Account, usize)>,
}

impl Replicas {
    pub(super) fn lag(&mut self, reads: usize) {
        self.lagging = (reads > 0).then(|| (self.account.clone(), reads));
    }

    pub(super) fn account_for(&mut self, operation: Operation) -> &mut Account {
        match &mut self.lagging {
            Some((account, left)) if operation.is_read() && *left > 0 => {
                *left -= 1;
                account
            }
            _ => &mut self.account,
        }
    }
}

pub(super) struct Script {
    state: Mutex<State>,
    replicas: Mutex<Replicas>,
}

#[derive(Default)]
struct State {
    always: BTreeMap<Operation, Fault>,
    next: BTreeMap<Operation, VecDeque<Fault>>,
    calls: BTreeMap<Operation, usize>,
    heads: Vec<Head>,
    delay: Duration,
    accepted_key_ids: Vec<String>,
}

impl Script {
    pub(super) fn new(access_key_id: &str) -> Self {
        let state = State { accepted_key_ids: vec![access_key_id.to_owned()], ..State::default() };
        Self { state: Mutex::new(state), replicas: Mutex::default() }
    }

    pub(super) fn always(&self, operation: Operation, fault: Fault) {
        self.lock().always.insert(operation, fault);
    }

    pub(super) fn next(&self, operation: Operation, faults: impl IntoIterator<Item = Fault>) {
        self.lock().next.entry(operation).or_default().extend(faults);
    }

    pub(super) fn clear_faults(&self) {
        let mut state = self.lock();
        state.always.clear();
        state.next.clear();
        state.delay = Duration::ZERO;
    }

    pub(super) fn delay(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    pub(super) fn accept(&self, access_key_ids: &[&str]) {
        self.lock().accepted_key_ids = access_key_ids.iter().map(|id| (*id).to_owned()).collect();
    }

    pub(super) fn accepts(&self, access_key_id: &str) -> bool {
        self.lock().accepted_key_ids.iter().any(|accepted| accepted == access_key_id)
    }

    pub(super) fn calls(&self, operation: Operation) -> usize {
        self.lock().calls.get(&operation).copied().unwrap_or_default()
    }

    pub(super) fn heads(&self) -> Vec<Head> {
        self.lock().heads.clone()
    }

    /// Records a request and returns the delay and fault of its response.
    pub(super) fn record(&self, head: Head) -> (Duration, Fault) {
        let mut state = self.lock();
        let operation = head.operation;
        state.heads.push(head);
        let Some(operation) = operation else { return (state.delay, Fault::None) };
        *state.calls.entry(operation).or_default() += 1;
        let next = state.next.get_mut(&operation).and_then(VecDeque::pop_front);
        let fault = next.or_else(|| state.always.get(&operation).cloned()).unwrap_or(Fault::None);
        (state.delay, fault)
    }

    pub(super) fn replicas(&self) -> MutexGuard<'_, Replicas> {
        self.replicas.lock().expect("no thread panics while it holds the lock")
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it holds the lock")
    }
}
