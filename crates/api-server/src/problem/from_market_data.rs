//! Problems from errors of the data source. Clients never see the vendor's own messages.

use domain::Symbol;
use market_data::{Denial, Error};

use super::{Kind, Problem};

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let retry_after_s = error.retry_after_s();
        let problem = match &error {
            Error::UnknownSymbol { symbol, similar } => unknown_symbol(*symbol, similar),
            Error::QuotaExhausted { .. } => {
                Self::new(Kind::UpstreamQuota, "this service's quota at its data vendor is exhausted")
            }
            Error::Unavailable { .. } => Self::new(
                Kind::UpstreamUnavailable,
                "the data source is unavailable and no usable data is cached",
            ),
            Error::Denied(Denial::NoKey | Denial::KeyRefused | Denial::NotInPlan) => Self::new(
                Kind::BadGateway,
                "the data vendor denies access to this service; contact its operator",
            ),
            Error::UnusableFile { symbol, file, fault } => {
                Self::new(Kind::UnusableFile, format!("{file} cannot be used: {fault}"))
                    .with("symbol", symbol.as_str())
                    .with("reason", fault.code())
            }
            // `fault` is our own text.
            Error::BadData { symbol, fault } => {
                Self::new(Kind::BadGateway, format!("the data of {symbol} cannot be used: {fault}"))
                    .with("symbol", symbol.as_str())
            }
        };
        match retry_after_s {
            Some(seconds) => problem.retry_after_s(u64::from(seconds)).caused_by(&error),
            None => problem.caused_by(&error),
        }
    }
}

/// Says how the symbol is written, if it differs in case alone.
fn unknown_symbol(symbol: Symbol, similar: &[Symbol]) -> Problem {
    let absent = format!("the data source does not have {symbol}");
    let names: Vec<&str> = similar.iter().map(Symbol::as_str).collect();
    let detail = match names[..] {
        [] => absent,
        _ => format!("{absent}; case is part of a symbol: if you mean {0}, write {0}", names.join(" or ")),
    };
    Problem::new(Kind::UnknownSymbol, detail).with("symbol", symbol.as_str()).with("similar", names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use market_data::{Fault, FileFault, Outage};

    #[test]
    fn errors_of_the_data_source_become_error_responses() {
        let symbol = "AAPL".parse().unwrap();
        for (error, status, retry_after) in [
            (Error::UnknownSymbol { symbol, similar: vec![symbol] }, 404, None),
            (Error::UnusableFile { symbol, file: "AAPL.csv".to_owned(), fault: FileFault::Empty }, 500, None),
            (Error::QuotaExhausted { retry_after_s: 7 }, 503, Some("7")),
            (Error::Unavailable { kind: Outage::Timeout, retry_after_s: 2 }, 503, Some("2")),
            (Error::Denied(Denial::KeyRefused), 502, None),
            (Error::BadData { symbol, fault: Fault::NoBars }, 502, None),
        ] {
            let problem = Problem::from(error.clone());
            assert_eq!(problem.cause, Some(error.to_string()));
            let response = problem.into_response();
            assert_eq!(response.status(), status, "{error}");
            let got = response.headers().get("retry-after").map(|value| value.to_str().unwrap());
            assert_eq!(got, retry_after, "{error}");
        }
    }
}
