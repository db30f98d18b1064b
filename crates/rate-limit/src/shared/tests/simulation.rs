//! Replicas, a Redis with a clock of its own, and requests at random times, without any I/O.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;

/// Half the time of an answer.
const LATENCY: Nanos = MILLISECOND / 2;

#[derive(Clone, Copy)]
pub(super) struct Traffic {
    /// In multiples of the limit.
    pub(super) load: f64,
    /// The part of the requests that the first replica gets beside its share.
    pub(super) skew: f64,
    pub(super) minutes: i64,
}

/// Something that happens to Redis.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// It does not answer, and clients notice after 50 ms.
    Away {
        from: Nanos,
        to: Nanos,
    },
    DataLost(Nanos),
    Clock {
        at: Nanos,
        change: Nanos,
    },
}

pub(super) struct Simulation {
    limit: Limit,
    traffic: Traffic,
    replicas: usize,
    event: Option<Event>,
    is_exact: bool,
    has_redis: bool,
    has_floor: bool,
}

#[derive(Debug)]
pub(super) struct Outcome {
    /// Allowed requests of each minute, divided by what one limit allows of the same requests.
    pub(super) minutes: Vec<f64>,
    pub(super) allowed_ratio: f64,
    pub(super) waited_ratio: f64,
    pub(super) waits_over_10_ms: usize,
    pub(super) commands_per_request: f64,
    pub(super) requests_per_s: f64,
}

/// The script of Redis, in the same steps.
struct Redis {
    arrival_us: Option<i64>,
    offset_us: i64,
}

impl Redis {
    fn run(&mut self, now: Nanos, limit: Limit, command: &Command) -> Answer {
        let (period, burst) = (limit.period_nanos() as f64 / 1000.0, f64::from(limit.burst.get()));
        let now = (now / 1000 + self.offset_us) as f64;
        let fit = |arrival: f64| arrival.min(now + 2.0 * burst * period).max(now);
        let known = self.arrival_us.unwrap_or_default().max(command.floor_us);
        let arrival = fit(fit(known as f64) + (command.spent - command.returned) as f64 * period);
        let left = ((now + burst * period - arrival) / period + 1e-9).floor().max(0.0);
        let want = command.want as f64;
        let granted = if command.is_all_or_nothing && left < want { 0.0 } else { left.min(want) };
        let arrival = arrival + granted * period;
        self.arrival_us = Some(arrival as i64);
        Answer { granted: granted as i64, arrival_us: arrival as i64, server_us: now as i64 }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Arrives(usize),
    Executes(usize, usize),
    Answered(usize, usize),
    Failed(usize, usize),
    WaitEnds(usize, usize),
    Reports(usize),
}

/// A request that waits.
struct Waiting {
    number: usize,
    since: Nanos,
}

struct Run<'a> {
    plan: &'a Simulation,
    redis: Redis,
    replicas: Vec<SharedLimit>,
    waiting: Vec<Vec<Waiting>>,
    commands: Vec<(Command, Option<Answer>)>,
    steps: BinaryHeap<Reverse<(Nanos, usize, Step)>>,
    added: usize,
    allowed: Vec<usize>,
    waits: Vec<Nanos>,
    random: Random,
}

impl Simulation {
    pub(super) fn new(per_minute: u32, replicas: usize, traffic: Traffic) -> Self {
        let limit = limit(per_minute, (per_minute / 6).max(10));
        Self { limit, traffic, replicas, event: None, is_exact: false, has_redis: true, has_floor: true }
    }

    pub(super) fn with(self, event: Event) -> Self {
        Self { event: Some(event), ..self }
    }

    pub(super) fn with_burst(self, burst: u32) -> Self {
        Self { limit: limit(self.limit.per_minute.get(), burst), ..self }
    }

    pub(super) fn exactly(self) -> Self {
        Self { is_exact: true, ..self }
    }

    pub(super) fn without_redis(self) -> Self {
        Self { has_redis: false, ..self }
    }

    pub(super) fn without_floor(self) -> Self {
        Self { has_floor: false, ..self }
    }

    pub(super) fn run(&self) -> Outcome {
        let mut random = Random(42);
        let mean = self.limit.period_nanos() as f64 / self.traffic.load;
        let end = self.traffic.minutes * 60 * SECOND;
        let arrivals: Vec<Nanos> = std::iter::successors(Some(SECOND), |before| {
            Some(before + (-(1.0 - random.unit()).ln() * mean) as Nanos)
        })
        .take_while(|time| *time < end + SECOND)
        .collect();
        let ideal = self.ideal(&arrivals);
        let mut run = Run {
            plan: self,
            redis: Redis { arrival_us: None, offset_us: 1_700_000_000_000_000 },
            replicas: (0..self.replicas).map(|_| SharedLimit::new(self.limit, 0)).collect(),
            waiting: (0..self.replicas).map(|_| Vec::new()).collect(),
            commands: Vec::new(),
            steps: BinaryHeap::new(),
            added: 0,
            allowed: vec![0; ideal.len()],
            waits: Vec::new(),
            random,
        };
        for time in &arrivals {
            let is_first = run.random.unit() < self.traffic.skew;
            let any = (run.random.unit() * self.replicas as f64) as usize;
            run.add(*time, Step::Arrives(if is_first { 0 } else { any }));
        }
        for replica in 0..self.replicas {
            run.add(SECOND + replica as Nanos * MILLISECOND, Step::Reports(replica));
        }
        while let Some(Reverse((now, _, step))) = run.steps.pop() {
            if now >= end + SECOND {
                break;
            }
            run.step(now, step);
        }
        let ratio = |allowed: &usize, ideal: &usize| *allowed as f64 / *ideal as f64;
        let requests = arrivals.len() as f64;
        Outcome {
            minutes: run.allowed.iter().zip(&ideal).map(|(allowed, ideal)| ratio(allowed, ideal)).collect(),
            allowed_ratio: run.allowed.iter().sum::<usize>() as f64 / ideal.iter().sum::<usize>() as f64,
            waited_ratio: run.waits.len() as f64 / requests,
            waits_over_10_ms: run.waits.iter().filter(|wait| **wait >= 10 * MILLISECOND).count(),
            commands_per_request: run.commands.len() as f64 / requests,
            requests_per_s: requests / (self.traffic.minutes * 60) as f64,
        }
    }

    /// What one limit allows of these requests in each minute.
    fn ideal(&self, arrivals: &[Nanos]) -> Vec<usize> {
        let (period, burst) = (self.limit.period_nanos(), i64::from(self.limit.burst.get()));
        let mut allowed = vec![0; usize::try_from(self.traffic.minutes).unwrap()];
        let mut arrival = 0;
        for time in arrivals {
            let next = arrival.max(*time) + period;
            if next <= time + burst * period {
                (arrival, allowed[minute(*time)]) = (next, allowed[minute(*time)] + 1);
            }
        }
        allowed
    }
}

fn minute(time: Nanos) -> usize {
    usize::try_from((time - SECOND) / (60 * SECOND)).unwrap()
}

impl Run<'_> {
    fn add(&mut self, time: Nanos, step: Step) {
        self.added += 1;
        self.steps.push(Reverse((time, self.added, step)));
    }

    fn is_hung(&self, now: Nanos) -> bool {
        matches!(self.plan.event, Some(Event::Away { from, to }) if (from..to).contains(&now))
    }

    fn at(&self, now: Nanos) -> Moment {
        let is_noticed = self.is_hung(now) && self.is_hung(now - 150 * MILLISECOND);
        let replicas = if self.plan.has_redis { u32::try_from(self.plan.replicas).unwrap() } else { 1 };
        Moment { now, replicas, is_away: is_noticed || !self.plan.has_redis }
    }

    fn send(&mut self, now: Nanos, replica: usize, command: Option<Command>) {
        let Some(mut command) = command else { return };
        if !self.plan.has_floor {
            command.floor_us = 0;
        }
        self.commands.push((command, None));
        let number = self.commands.len() - 1;
        match self.is_hung(now + LATENCY) {
            true => self.add(now + 50 * MILLISECOND, Step::Failed(replica, number)),
            false => self.add(now + LATENCY, Step::Executes(replica, number)),
        }
    }

    fn allow(&mut self, now: Nanos) {
        self.allowed[minute(now)] += 1;
    }

    fn step(&mut self, now: Nanos, step: Step) {
        match self.plan.event {
            Some(Event::DataLost(lost)) if now >= lost && now < lost + MILLISECOND => {
                self.redis.arrival_us = None;
            }
            Some(Event::Clock { at, change }) if now >= at => {
                self.redis.offset_us = 1_700_000_000_000_000 + change / 1000;
            }
            Some(_) | None => {}
        }
        let at = self.at(now);
        match step {
            Step::Arrives(replica) if self.plan.is_exact => {
                let decision = self.replicas[replica].check_exactly(1, at);
                self.send(now, replica, decision.command);
            }
            Step::Arrives(replica) => {
                let decision = self.replicas[replica].check(1, at);
                self.send(now, replica, decision.command);
                match decision.verdict {
                    Verdict::Allowed(_) => self.allow(now),
                    Verdict::Exceeded(_) => {}
                    Verdict::Undecided => {
                        let number = self.added;
                        self.waiting[replica].push(Waiting { number, since: now });
                        let wait = nanos(WAIT_MAX);
                        self.add(now + wait, Step::WaitEnds(replica, number));
                        self.resume(now, replica);
                    }
                }
            }
            Step::Executes(replica, number) => {
                let command = self.commands[number].0;
                self.commands[number].1 = Some(self.redis.run(now, self.plan.limit, &command));
                self.add(now + LATENCY, Step::Answered(replica, number));
            }
            Step::Answered(replica, number) => {
                let (command, answer) = self.commands[number];
                let answer = answer.unwrap();
                if command.is_all_or_nothing {
                    let verdict = self.replicas[replica].exact_verdict(&command, &answer, now);
                    if matches!(verdict, Verdict::Allowed(_)) {
                        self.allow(now);
                    }
                    return;
                }
                let jitter = 75 + (self.random.unit() * 50.0) as u32;
                self.replicas[replica].answer(&command, &answer, now, jitter);
                self.resume(now, replica);
            }
            Step::Failed(replica, number) => {
                let command = self.commands[number].0;
                self.replicas[replica].fail(&command, now);
                self.resume(now, replica);
            }
            Step::WaitEnds(replica, number) => {
                let Some(index) = self.waiting[replica].iter().position(|waiting| waiting.number == number)
                else {
                    return;
                };
                let waiting = self.waiting[replica].remove(index);
                let decision = self.replicas[replica].decide_alone(1, at);
                self.end(now, replica, waiting, decision);
            }
            Step::Reports(replica) => {
                let command = self.replicas[replica].report(at);
                self.send(now, replica, command);
                self.add(now + nanos(REPORT_PERIOD), Step::Reports(replica));
            }
        }
    }

    fn resume(&mut self, now: Nanos, replica: usize) {
        for waiting in std::mem::take(&mut self.waiting[replica]) {
            let at = self.at(now);
            let decision = self.replicas[replica].resume(1, at);
            match decision.verdict {
                Verdict::Undecided => {
                    self.send(now, replica, decision.command);
                    self.waiting[replica].push(waiting);
                }
                Verdict::Allowed(_) | Verdict::Exceeded(_) => self.end(now, replica, waiting, decision),
            }
        }
    }

    fn end(&mut self, now: Nanos, replica: usize, waiting: Waiting, decision: Decision) {
        self.replicas[replica].end_wait(1);
        self.send(now, replica, decision.command);
        self.waits.push(now - waiting.since);
        if matches!(decision.verdict, Verdict::Allowed(_)) {
            self.allow(waiting.since);
        }
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    /// From 0 to below 1.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
