//! From a failure to the person: parts of a real stack are killed in turn, and come back.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use tests::alert_receivers::Receiver::{self, Heartbeat, Mail, Opsgenie, PagerDuty, Slack};
use tests::polygon::Behaviour;

use crate::stack::Stack;

/// Longest time from a failure to the notification: `for`, of which 8 s is the longest, and 30 s. The same from the end of a failure.
const NOTIFIED_MAX: Duration = Duration::from_secs(38);
/// How long a healthy stack is watched, in seconds; ten minutes are better, and too long for each run.
const HEALTHY_SECS: &str = "HEALTHY_STACK_SECS";
const HEALTHY_DEFAULT: Duration = Duration::from_secs(30);

/// Waits until a receiver was notified since `since`, and returns what people read.
fn expect(stack: &Stack, since: Instant, receiver: Receiver, alert: &str, is_firing: bool) -> String {
    let deadline = since + NOTIFIED_MAX;
    loop {
        let notifications = stack.receivers.notifications();
        let found = notifications.into_iter().find(|notification| {
            notification.at >= since
                && (notification.receiver, notification.is_firing, notification.alert.as_str())
                    == (receiver, is_firing, alert)
        });
        if let Some(notification) = found {
            eprintln!(
                "{alert} {} to {receiver:?} after {:.1?}",
                if is_firing { "fires" } else { "ended" },
                notification.at - since
            );
            return notification.text;
        }
        assert!(
            Instant::now() < deadline,
            "{receiver:?} was not notified within {NOTIFIED_MAX:?} that {alert} {}; firing: {:?}; refused: {:?}\n{:#?}\n{}",
            if is_firing { "fires" } else { "ended" },
            stack.firing(),
            stack.receivers.refusals(),
            notified(stack, since),
            stack.logs(),
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Who was notified of what since then.
fn notified(stack: &Stack, since: Instant) -> BTreeSet<(Receiver, String)> {
    let notifications = stack.receivers.notifications().into_iter();
    notifications
        .filter(|notification| notification.at >= since)
        .map(|notification| (notification.receiver, notification.alert))
        .collect()
}

fn is_notified(stack: &Stack, since: Instant, receiver: Receiver, alert: &str) -> bool {
    notified(stack, since).contains(&(receiver, alert.to_owned()))
}

#[test]
fn who_must_know_is_notified_when_a_part_fails_and_when_it_is_back() {
    let started = Instant::now();
    let mut stack = Stack::start();
    expect(&stack, started, Heartbeat, "Watchdog", true);
    nothing_fires_on_a_healthy_stack(&stack);
    the_server_is_killed(&mut stack);
    redis_is_killed_and_the_vendor_fails(&mut stack);
    postgres_is_killed(&mut stack);
    an_alert_that_can_wait_is_mailed(&stack);
    assert_eq!(stack.receivers.refusals(), Vec::<String>::new());
    a_receiver_without_its_secret_does_not_stop_the_others(&mut stack);
}

fn nothing_fires_on_a_healthy_stack(stack: &Stack) {
    // With so short times, the first seconds without a target are an alert.
    let settled_by = Instant::now() + NOTIFIED_MAX;
    while stack.firing() != ["Watchdog"] {
        assert!(Instant::now() < settled_by, "{:?}", stack.firing());
        std::thread::sleep(Duration::from_millis(200));
    }
    std::thread::sleep(Duration::from_secs(3));
    let started = Instant::now();
    #[expect(clippy::disallowed_methods, reason = "a variable of this test")]
    let seconds = std::env::var(HEALTHY_SECS).ok().and_then(|text| text.parse().ok());
    let end = Instant::now() + seconds.map_or(HEALTHY_DEFAULT, Duration::from_secs);
    while Instant::now() < end {
        stack.send_requests();
        assert_eq!(stack.firing(), ["Watchdog"], "{:#?}", notified(stack, started));
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(notified(stack, started), BTreeSet::from([(Heartbeat, "Watchdog".to_owned())]));
    // It is repeated.
    expect(stack, end - Duration::from_secs(5), Heartbeat, "Watchdog", true);
}

fn the_server_is_killed(stack: &mut Stack) {
    let killed = Instant::now();
    stack.kill_server();
    let text = expect(stack, killed, PagerDuty, "ApplicationDown", true);
    for part in [
        "[FIRING:1] ApplicationDown (staging): No server answers Prometheus",
        "critical: No server answers Prometheus",
        "https://git.example.com/investiq/docs/runbook.md#applicationdown",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    let text = expect(stack, killed, Opsgenie, "ApplicationDown", true);
    assert!(text.contains("/docs/runbook.md#applicationdown"), "{text}");
    // Not a symptom: the scrape alone may be refused.
    expect(stack, killed, PagerDuty, "PublicEndpointDown", true);
    expect(stack, killed, Opsgenie, "PublicEndpointDown", true);
    // Longer than the `for` of its symptoms.
    std::thread::sleep(Duration::from_secs(7));
    let firing = stack.firing();
    for symptom in ["ServerDown", "ReplicaNotReady"] {
        assert!(firing.iter().any(|alert| alert == symptom), "{symptom}: {firing:?}");
    }
    let expected = [
        (PagerDuty, "ApplicationDown"),
        (Opsgenie, "ApplicationDown"),
        (PagerDuty, "PublicEndpointDown"),
        (Opsgenie, "PublicEndpointDown"),
        (Heartbeat, "Watchdog"),
    ];
    assert_eq!(
        notified(stack, killed),
        expected.map(|(receiver, alert)| (receiver, alert.to_owned())).into()
    );

    stack.start_server();
    let back = Instant::now() - Duration::from_secs(2);
    expect(stack, back, PagerDuty, "ApplicationDown", false);
    expect(stack, back, Opsgenie, "ApplicationDown", false);
}

fn redis_is_killed_and_the_vendor_fails(stack: &mut Stack) {
    let failed = Instant::now();
    stack.redis.kill();
    stack.vendor.everywhere(&Behaviour::Status(500));
    assert!(stack.ask_vendor("IBM") >= 500);
    let text = expect(stack, failed, Slack, "RedisDown", true);
    assert!(text.contains("warning: Redis does not answer; rate limits are not shared"), "{text}");
    assert!(text.contains("https://git.example.com/investiq/docs/runbook.md#redisdown"), "{text}");
    expect(stack, failed, Slack, "UpstreamDown", true);
    assert!(!is_notified(stack, failed, PagerDuty, "RedisDown"), "nobody is woken: the servers go on");
    stack.redis.start_again();
    stack.vendor.everywhere(&Behaviour::Documented);
    let back = Instant::now();
    assert_eq!(stack.ask_vendor("MSFT"), 200);
    expect(stack, back, Slack, "RedisDown", false);
    expect(stack, back, Slack, "UpstreamDown", false);
}

fn postgres_is_killed(stack: &mut Stack) {
    let killed = Instant::now();
    stack.postgres.kill();
    expect(stack, killed, PagerDuty, "PostgreSQLDown", true);
    expect(stack, killed, Opsgenie, "PostgreSQLDown", true);
    std::thread::sleep(Duration::from_secs(7));
    assert!(!is_notified(stack, killed, Slack, "ReplicaNotReady"), "a symptom");
    stack.postgres.start_again();
    let back = Instant::now();
    expect(stack, back, PagerDuty, "PostgreSQLDown", false);
    expect(stack, back, Opsgenie, "PostgreSQLDown", false);
}

fn an_alert_that_can_wait_is_mailed(stack: &Stack) {
    let raised = Instant::now();
    stack.raise(&json!({ "alertname": "ReviewsWaiting", "severity": "info", "environment": "staging" }));
    let text = expect(stack, raised, Mail, "ReviewsWaiting", true);
    assert!(text.contains("info: raised by a test") && text.contains("https://x/docs/runbook.md"), "{text}");
}

fn a_receiver_without_its_secret_does_not_stop_the_others(stack: &mut Stack) {
    stack.remove_secret("opsgenie_api_key");
    let killed = Instant::now();
    stack.kill_server();
    expect(stack, killed, PagerDuty, "ApplicationDown", true);
    let text = expect(stack, killed, PagerDuty, "NotificationsFailing", true);
    assert!(text.contains("Alertmanager cannot notify by opsgenie"), "{text}");
    assert!(!is_notified(stack, killed, Opsgenie, "ApplicationDown"));
}
