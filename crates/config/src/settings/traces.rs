//! The settings of traces, under the names that other programs use.

use http::Uri;
use telemetry::traces::Sampling;

use super::parse;
use crate::reader::Reader;

settings! { read =>
    /// Which requests are traced, and where their spans are sent.
    #[derive(Clone, Debug)]
    pub struct Traces {
        /// The URL of a collector that speaks OTLP over HTTP, without a slash at its end; `None`: there are no traces.
        endpoint: Option<String> =
            read.get("traces.endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT").optional(parse::collector);
        /// The name of this service.
        service_name: String =
            read.get("traces.service_name", "OTEL_SERVICE_NAME").required(String::new(), parse::service_name);
        /// Which requests are recorded.
        sampling: Sampling = sampling(read);
    }
}

impl Traces {
    /// Whether spans may cross a network in the clear.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        let is_plain =
            |url: &Uri| url.scheme_str() == Some("http") && url.host().is_some_and(parse::is_remote);
        self.endpoint.as_ref().and_then(|url| url.parse().ok()).is_some_and(|url| is_plain(&url))
    }
}

/// The samplers of OpenTelemetry: whether a trusted proxy decides, and the share of all other requests if it is fixed.
const SAMPLERS: [(&str, (bool, Option<f64>)); 6] = [
    ("traceidratio", (false, None)),
    ("always_on", (false, Some(1.0))),
    ("always_off", (false, Some(0.0))),
    ("parentbased_traceidratio", (true, None)),
    ("parentbased_always_on", (true, Some(1.0))),
    ("parentbased_always_off", (true, Some(0.0))),
];

fn sampling(read: &mut Reader<'_>) -> Sampling {
    let (follows_proxies, fixed) = read.get("traces.sampler", "OTEL_TRACES_SAMPLER").choice(&SAMPLERS);
    let share = read.get("traces.sampler_arg", "OTEL_TRACES_SAMPLER_ARG").required(0.0, parse::share);
    Sampling { ratio: fixed.unwrap_or(share), follows_proxies }
}
