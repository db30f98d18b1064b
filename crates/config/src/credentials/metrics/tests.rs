use ::secrets::Profile;

use super::*;

const CANARY: &str = "canary-Zx7kQp2vWn9tLm4rBc8yHs3dJf6gTa";

async fn text(variables: &[(&str, &str)]) -> (String, Arc<SecretMetrics>) {
    let catalogue = Catalogue::product();
    let metrics = Arc::new(SecretMetrics::new(catalogue.clone()).unwrap());
    let directory = std::path::Path::new("/nowhere/at/all");
    let clock: ::secrets::Clock = Arc::new(|| Clock::System.now().into());
    let secrets = Secrets::builder(Profile::Development, catalogue, clock)
        .local(variables.iter().copied().collect(), directory)
        .recorder(metrics.recorder())
        .build()
        .await
        .unwrap();
    let families = Families::default();
    metrics.register(&families, &secrets).unwrap();
    (prometheus::TextEncoder::new().encode_to_string(&families.gather()).unwrap(), metrics)
}

#[tokio::test]
async fn every_counter_exists_at_zero() {
    let (text, _) = text(&[]).await;
    for line in [
        "investiq_secret_refresh_total{outcome=\"confirmed\"} 0",
        "investiq_secret_refresh_total{outcome=\"unavailable\"} 0",
        "investiq_secret_upstream_calls_total{operation=\"BatchGetSecretValue\",outcome=\"throttled\"} 0",
        "investiq_secret_upstream_seconds_count{operation=\"GetSecretValue\"} 0",
        "investiq_secret_read_total{freshness=\"stale\"} 0",
        "investiq_secret_previous_used_total{secret=\"api_keys\"} 0",
        "investiq_secret_last_success_timestamp_seconds{secret=\"audit_key\"} 0",
        "investiq_secret_stale{secret=\"polygon_api_key\"} 0",
        "investiq_secret_shadowed_sources{secret=\"polygon_api_key\"} 0",
        "investiq_secret_audit_lost_total 0",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
    for unknown in ["investiq_secret_age_seconds{", "investiq_secret_version_info{"] {
        assert!(!text.contains(unknown), "{unknown} of a secret that is not set");
    }
}

#[tokio::test]
async fn a_secret_is_shown_by_name_source_and_version_and_never_by_value() {
    let (text, metrics) = text(&[("POLYGON_API_KEY", CANARY)]).await;
    assert!(text.contains("investiq_secret_refresh_total{outcome=\"found\"} 1"), "{text}");
    let info = text.lines().find(|line| line.starts_with("investiq_secret_version_info{")).unwrap();
    for part in ["secret=\"polygon_api_key\"", "source=\"env\"", "stage=\"current\"", "version=\""] {
        assert!(info.contains(part), "{info}");
    }
    assert!(!text.contains(CANARY.trim_start_matches("canary-")), "{text}");
    let at = metrics.last_success.with_label_values(&["polygon_api_key"]).get();
    assert!((0..5).contains(&(Clock::System.now().as_second() - at)), "{at}");
}

#[tokio::test]
async fn calls_and_uses_of_the_previous_version_are_counted() {
    let (_, metrics) = text(&[]).await;
    let elapsed = Duration::from_millis(20);
    metrics.record(&Event::ApiCall { operation: "GetSecretValue", outcome: "throttled", elapsed });
    metrics.record(&Event::PreviousUsed { name: "api_keys".parse().unwrap(), count: 3 });
    assert_eq!(metrics.calls.with_label_values(&["GetSecretValue", "throttled"]).get(), 1);
    assert_eq!(metrics.call_seconds.with_label_values(&["GetSecretValue"]).get_sample_sum(), 0.02);
    assert_eq!(metrics.previous_used.with_label_values(&["api_keys"]).get(), 3);
}
