//! Business figures: computed from tables by the replica that holds the leader lease, never counted in a process.

use std::time::Duration;

use prometheus::{Gauge, IntGauge};

use super::{Families, opts};

/// Declares the gauges with their types, names and help texts, which are also their documentation.
macro_rules! figures {
    ($($field:ident: $gauge:ty = $name:literal, $help:literal;)*) => {
        /// Figures from tables. Replicas without the leader lease show zeros: take the maximum of all replicas.
        #[derive(Debug)]
        pub struct Business {
            $(#[doc = $help] pub $field: $gauge,)*
        }

        impl Business {
            pub(super) fn new(families: &Families) -> Result<Self, prometheus::Error> {
                Ok(Self { $($field: families.declare(<$gauge>::with_opts(opts($name, $help)))?,)* })
            }

            /// Resets all figures to zero: another replica computes them now.
            pub fn step_down(&self) {
                $(self.$field.set(Default::default());)*
            }
        }
    };
}

figures! {
    aum_usd: Gauge = "aum_usd", "Assets under management, in USD";
    aum_age_seconds: Gauge = "aum_age_seconds",
        "Age of the oldest price in the assets under management, in seconds";
    aum_unpriced: IntGauge = "aum_unpriced",
        "Holdings without a known price, left out of the assets under management";
    deposits_today_usd: Gauge = "deposits_today_usd", "Deposits settled since midnight UTC, in USD";
    investments_today_usd: Gauge = "investments_today_usd", "Buys filled since midnight UTC, in USD";
    active_users_5m: IntGauge = "active_users_5m", "Users active in the last five minutes";
    users_registered: IntGauge = "users_registered", "Users ever registered";
    portfolio_return_ytd_ratio: Gauge = "portfolio_return_ytd_ratio",
        "Time-weighted return since the last close of the previous year; NaN while there is none";
    ledger_imbalance_minor: IntGauge = "ledger_imbalance_minor",
        "Sum of all ledger entries, in minor units: 0 when balanced";
    ledger_drifted_accounts: IntGauge = "ledger_drifted_accounts",
        "Accounts whose balance is not the sum of their entries";
    deposit_drift_minor: IntGauge = "deposit_drift_minor", "Deposits credited beyond those settled, in minor units";
    computed_at_seconds: Gauge = "business_computed_at_seconds",
        "When the figures were last computed, in seconds since 1970";
    is_elected: IntGauge = "business_elected", "1 if this replica computes the figures";
}

impl Business {
    /// Adds to the age of figures that were not computed again.
    pub fn grow_older(&self, by: Duration) {
        self.aum_age_seconds.add(by.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::{Labels, Metrics};

    #[test]
    fn a_replica_that_steps_down_shows_no_figure() {
        let metrics = Metrics::new(Labels::default()).unwrap();
        let fresh = metrics.text().unwrap();
        let of_business = |text: &str| -> Vec<String> {
            let names =
                ["aum", "deposit", "investments", "active", "user", "portfolio", "ledger", "business"];
            let is_figure =
                |line: &&str| names.iter().any(|name| line.starts_with(&format!("investiq_{name}")));
            text.lines().filter(is_figure).map(str::to_owned).collect()
        };
        let business = &metrics.business;
        business.aum_usd.set(1.0);
        business.computed_at_seconds.set(1.0);
        business.grow_older(std::time::Duration::from_secs(2));
        for gauge in [
            &business.aum_unpriced,
            &business.active_users_5m,
            &business.users_registered,
            &business.ledger_imbalance_minor,
            &business.ledger_drifted_accounts,
            &business.deposit_drift_minor,
            &business.is_elected,
        ] {
            gauge.set(3);
        }
        let lines = of_business(&metrics.text().unwrap());
        assert!(lines.contains(&"investiq_aum_age_seconds 2".to_owned()), "{lines:?}");
        business.step_down();
        assert_eq!(of_business(&metrics.text().unwrap()), of_business(&fresh));
    }
}
