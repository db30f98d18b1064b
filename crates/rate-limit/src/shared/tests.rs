mod simulation;

use std::num::NonZeroU32;

use super::*;
use simulation::{Event, Simulation, Traffic};

const MILLISECOND: Nanos = SECOND / 1000;

fn limit(per_minute: u32, burst: u32) -> Limit {
    let number = |number| NonZeroU32::new(number).unwrap();
    Limit { per_minute: number(per_minute), burst: number(burst) }
}

fn at(now: Nanos) -> Moment {
    Moment { now, replicas: 2, is_away: false }
}

fn even(per_minute: u32, replicas: usize, load: f64) -> Simulation {
    Simulation::new(per_minute, replicas, Traffic { load, skew: 0.0, minutes: 2 })
}

fn skewed(per_minute: u32, replicas: usize, load: f64) -> Simulation {
    Simulation::new(per_minute, replicas, Traffic { load, skew: 0.9, minutes: 2 })
}

#[test]
fn replicas_together_allow_one_limit_in_each_minute() {
    for per_minute in [600, 6000] {
        for replicas in [2, 3, 10] {
            for load in [1.0, 2.0, 10.0] {
                for simulation in [even(per_minute, replicas, load), skewed(per_minute, replicas, load)] {
                    let result = simulation.run();
                    let name = format!("{per_minute} a minute, {replicas} replicas, load {load}: {result:?}");
                    assert!(result.minutes.iter().all(|ratio| (0.95..=1.05).contains(ratio)), "{name}");
                    assert!(result.commands_per_request <= 0.2 || result.requests_per_s < 100.0, "{name}");
                }
            }
        }
    }
}

#[test]
fn a_small_burst_costs_no_more_commands_above_the_limit() {
    for simulation in [even(3000, 2, 2.0), skewed(3000, 2, 2.0)] {
        let result = simulation.with_burst(20).run();
        assert!(result.commands_per_request <= 0.2, "{result:?}");
        assert!(result.minutes.iter().all(|ratio| (0.95..=1.05).contains(ratio)), "{result:?}");
    }
}

#[test]
fn each_replica_for_itself_allows_as_many_limits_as_there_are_replicas() {
    for replicas in [2, 3, 10] {
        let result = even(600, replicas, 10.0).without_redis().run();
        assert!(result.minutes[1] >= 0.95 * replicas as f64, "{replicas}: {result:?}");
    }
}

#[test]
fn below_the_limit_at_least_99_percent_are_allowed() {
    for per_minute in [600, 6000] {
        for replicas in [2, 3, 10] {
            for simulation in [even(per_minute, replicas, 0.9), skewed(per_minute, replicas, 0.9)] {
                let result = simulation.run();
                assert!(result.allowed_ratio >= 0.99, "{per_minute}, {replicas} replicas: {result:?}");
                assert!(result.waited_ratio <= 0.02, "{per_minute}, {replicas} replicas: {result:?}");
            }
        }
    }
}

#[test]
fn exact_requests_are_counted_exactly() {
    let result = even(600, 3, 2.0).exactly().run();
    assert!(result.minutes.iter().all(|ratio| (0.98..=1.02).contains(ratio)), "{result:?}");
}

#[test]
fn without_redis_the_replicas_share_the_limit_and_nothing_is_counted_twice_afterwards() {
    for replicas in [2, 3] {
        let away = Event::Away { from: 70 * SECOND, to: 75 * SECOND };
        let result = even(6000, replicas, 2.0).with(away).run();
        assert!(result.minutes.iter().all(|ratio| (0.90..=1.03).contains(ratio)), "{result:?}");
        assert!(result.waits_over_10_ms <= 3 * replicas, "{result:?}");
        let away = Event::Away { from: 61 * SECOND, to: 119 * SECOND };
        let result = even(6000, replicas, 2.0).with(away).run();
        assert!(result.minutes.iter().all(|ratio| (0.90..=1.05).contains(ratio)), "{result:?}");
    }
}

#[test]
fn redis_without_its_data_learns_what_was_granted() {
    let lost = Event::DataLost(70 * SECOND);
    let result = even(600, 3, 2.0).with(lost).run();
    assert!(result.minutes.iter().all(|ratio| (0.95..=1.05).contains(ratio)), "{result:?}");
    let forgetful = even(600, 3, 2.0).with(lost).without_floor().run();
    assert!(forgetful.minutes.iter().any(|ratio| *ratio > 1.1), "{forgetful:?}");
}

#[test]
fn the_clock_of_another_redis_may_differ() {
    for change in [SECOND, -SECOND] {
        let result = even(6000, 3, 2.0).with(Event::Clock { at: 70 * SECOND, change }).run();
        assert!(result.minutes.iter().all(|ratio| (0.85..=1.05).contains(ratio)), "{change}: {result:?}");
    }
}

#[test]
fn many_small_limits_share_commands() {
    let mut reports = 0;
    for number in 0..1000 {
        let mut one = SharedLimit::new(limit(60, 10), 0);
        assert_eq!(one.check(1, at(number)).verdict, Verdict::Undecided);
        let command = one.resume(1, at(number)).command.unwrap();
        let answer = Answer { granted: 1, arrival_us: 1_000_000, server_us: 0 };
        one.answer(&command, &answer, MILLISECOND, 100);
        let decision = one.resume(1, at(MILLISECOND));
        assert!(matches!(decision.verdict, Verdict::Allowed(_)) && decision.command.is_none());
        one.end_wait(1);
        let decision = one.check(1, at(2 * SECOND));
        assert!(matches!(decision.verdict, Verdict::Allowed(_)) && decision.command.is_none());
        let report = one.report(at(2 * SECOND + 100 * MILLISECOND));
        reports += usize::from(report.is_some_and(|report| report.spent == 1));
    }
    assert_eq!(reports, 1000, "all of them wait for the next common report");
}

#[test]
fn a_stopped_replica_reports_what_it_spent_and_gives_back_what_it_has() {
    let mut one = SharedLimit::new(limit(600, 100), 0);
    one.check(1, at(0));
    let command = one.resume(1, at(0)).command.unwrap();
    let answer = Answer { granted: 5, arrival_us: 0, server_us: 0 };
    one.answer(&Command { want: 5, ..command }, &answer, MILLISECOND, 100);
    one.resume(1, at(MILLISECOND));
    one.end_wait(1);
    let last = one.drain(at(2 * MILLISECOND)).unwrap();
    assert_eq!((last.spent, last.returned, last.want), (0, 4, 0));
    assert!(one.drain(at(3 * MILLISECOND)).is_none());
}

#[test]
fn tokens_that_nobody_asks_for_are_given_back() {
    let mut one = SharedLimit::new(limit(600, 100), 0);
    one.check(1, at(0));
    let command = one.resume(1, at(0)).command.unwrap();
    let answer = Answer { granted: 3, arrival_us: 0, server_us: 0 };
    one.answer(&Command { want: 3, ..command }, &answer, MILLISECOND, 100);
    one.resume(1, at(MILLISECOND));
    one.end_wait(1);
    assert!(one.report(at(SECOND / 2)).is_none());
    assert_eq!(one.report(at(2 * SECOND)).unwrap().returned, 2);
}

#[test]
fn a_request_whose_wait_is_over_is_decided_alone_and_never_waits_again() {
    let mut one = SharedLimit::new(limit(60, 10), 0);
    assert_eq!(one.check(1, at(0)).verdict, Verdict::Undecided);
    assert!(one.resume(1, at(0)).command.is_some());
    assert!(matches!(one.decide_alone(1, at(10 * MILLISECOND)).verdict, Verdict::Allowed(_)));
    one.end_wait(1);
    let allowed =
        (0..9).filter(|_| matches!(one.check(1, at(11 * MILLISECOND)).verdict, Verdict::Allowed(_)));
    assert_eq!(allowed.count(), 4, "half of the burst");
}

#[test]
fn without_redis_the_rate_is_divided_by_the_replicas_whatever_the_burst() {
    // Requests a minute, burst, replicas, cost; allowed at once and in a minute at ten requests a second.
    for (per_minute, burst, replicas, cost, at_once, in_a_minute) in [
        (60, 1, 10, 1, 1, 6),
        (60, 5, 10, 1, 1, 6),
        (600, 100, 10, 1, 10, 69),
        // More than the share can hold costs the whole share.
        (600, 100, 10, 50, 1, 6),
        (60, 10, 10, 10, 1, 6),
    ] {
        let name = format!("{per_minute} a minute, burst {burst}, {replicas} replicas, cost {cost}");
        let mut one = SharedLimit::new(limit(per_minute, burst), 0);
        let mut is_allowed = |now| {
            let verdict = one.check(cost, Moment { now, replicas, is_away: true }).verdict;
            matches!(verdict, Verdict::Allowed(_))
        };
        assert_eq!((0..100).filter(|_| is_allowed(0)).count(), at_once, "{name}");
        let more = (1..600).filter(|tenth| is_allowed(tenth * SECOND / 10)).count();
        assert_eq!(at_once + more, in_a_minute, "{name}");
    }
}

#[test]
fn a_refused_request_may_come_again_when_its_share_says() {
    let away = |now| Moment { now, replicas: 10, is_away: true };
    let mut one = SharedLimit::new(limit(60, 10), 0);
    assert!(matches!(one.check(10, away(0)).verdict, Verdict::Allowed(_)));
    let Verdict::Exceeded(status) = one.check(10, away(SECOND)).verdict else { panic!("it is exceeded") };
    assert_eq!(status.reset_s, 9);
    assert!(matches!(one.check(10, away(10 * SECOND)).verdict, Verdict::Allowed(_)));
}

#[test]
fn what_a_share_allowed_is_reported_once_even_if_the_burst_is_less_than_the_replicas() {
    let mut one = SharedLimit::new(limit(60, 1), 0);
    let moment = |now, is_away| Moment { now, replicas: 10, is_away };
    assert!(matches!(one.check(1, moment(0, true)).verdict, Verdict::Allowed(_)));
    let report = one.report(moment(SECOND, false)).unwrap();
    assert_eq!(report.spent, 1);
    one.answer(&report, &Answer { granted: 0, arrival_us: 1_000_000, server_us: 0 }, SECOND, 100);
    assert_eq!(one.report(moment(3 * SECOND, false)), None);
}

#[test]
fn a_limit_is_forgotten_without_redis_when_its_share_is_earned_again() {
    let away = |now| Moment { now, replicas: 2, is_away: true };
    let mut one = SharedLimit::new(limit(60, 100), 0);
    one.check(1, away(0));
    let may = |seconds| one.may_be_forgotten(60 * SECOND, away(seconds * SECOND));
    assert_eq!([59, 99, 100].map(may), [false, false, true]);
    assert!(!one.is_settled());
}

#[test]
fn every_limit_and_any_answer_is_handled() {
    for (per_minute, burst) in [(1, 1), (1, u32::MAX), (u32::MAX, 1), (u32::MAX, u32::MAX)] {
        let mut one = SharedLimit::new(limit(per_minute, burst), 0);
        for (step, number) in [0, 1, -1, i64::MAX / 1000, i64::MIN / 1000].into_iter().enumerate() {
            let now = at(Nanos::try_from(step).unwrap() * SECOND);
            one.check(1, now);
            let Some(command) = one.resume(1, now).command else { continue };
            one.answer(&command, &Answer { granted: 0, arrival_us: number, server_us: number }, now.now, 75);
            one.decide_alone(u32::MAX, now);
            one.drain(now);
        }
    }
}
