//! Business figures: computed from tables by the replica that holds the leader lease, never counted in a process.

use std::time::Duration;

use prometheus::{Gauge, IntGauge};

use super::Declare;

/// Figures from tables. Replicas without the leader lease show zeros: take the maximum of all replicas.
#[derive(Debug)]
pub struct Business {
    /// Assets under management, in USD.
    pub aum_usd: Gauge,
    /// Age of the oldest price in the assets under management.
    pub aum_age_seconds: Gauge,
    /// Holdings left out of the assets under management because they have no known price.
    pub aum_unpriced: IntGauge,
    /// Deposits settled since midnight UTC, in USD.
    pub deposits_today_usd: Gauge,
    /// Buys filled since midnight UTC, in USD.
    pub investments_today_usd: Gauge,
    /// Users active in the last five minutes.
    pub active_users_5m: IntGauge,
    /// Users ever registered.
    pub user_registrations: IntGauge,
    /// The time-weighted return since the last close of the previous year; NaN while there is none.
    pub portfolio_return_ytd_ratio: Gauge,
    /// Sum of all ledger entries, in minor units of all currencies: 0 when balanced.
    pub ledger_imbalance_minor: IntGauge,
    /// Accounts whose balance is not the sum of their entries.
    pub ledger_drifted_accounts: IntGauge,
    /// Deposits credited beyond those that providers settled, in minor units of all currencies.
    pub deposit_drift_minor: IntGauge,
    /// When the figures were computed, in seconds since 1970: everything applied before is included.
    pub computed_at_seconds: Gauge,
    /// Whether this replica computes the figures.
    pub is_elected: IntGauge,
}

impl Business {
    pub(super) fn new(declare: &Declare<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            aum_usd: declare.float("aum_usd", "Assets under management, in USD")?,
            aum_age_seconds: declare.float(
                "aum_age_seconds",
                "Age of the oldest price in the assets under management, in seconds",
            )?,
            aum_unpriced: declare.gauge(
                "aum_unpriced",
                "Holdings without a known price, left out of the assets under management",
            )?,
            deposits_today_usd: declare
                .float("deposits_today_usd", "Deposits settled since midnight UTC, in USD")?,
            investments_today_usd: declare
                .float("investments_today_usd", "Buys filled since midnight UTC, in USD")?,
            active_users_5m: declare.gauge("active_users_5m", "Users active in the last five minutes")?,
            user_registrations: declare.gauge("user_registrations_total", "Users ever registered")?,
            portfolio_return_ytd_ratio: declare.float(
                "portfolio_return_ytd_ratio",
                "Time-weighted return since the last close of the previous year; NaN while there is none",
            )?,
            ledger_imbalance_minor: declare.gauge(
                "ledger_imbalance_minor",
                "Sum of all ledger entries, in minor units: 0 when balanced",
            )?,
            ledger_drifted_accounts: declare
                .gauge("ledger_drifted_accounts", "Accounts whose balance is not the sum of their entries")?,
            deposit_drift_minor: declare
                .gauge("deposit_drift_minor", "Deposits credited beyond those settled, in minor units")?,
            computed_at_seconds: declare.float(
                "business_computed_at_seconds",
                "When the figures were last computed, in seconds since 1970",
            )?,
            is_elected: declare.gauge("business_elected", "1 if this replica computes the figures")?,
        })
    }

    /// Resets all figures to zero: another replica computes them now.
    pub fn step_down(&self) {
        for gauge in [
            &self.aum_usd,
            &self.aum_age_seconds,
            &self.deposits_today_usd,
            &self.investments_today_usd,
            &self.portfolio_return_ytd_ratio,
            &self.computed_at_seconds,
        ] {
            gauge.set(0.0);
        }
        for gauge in [
            &self.aum_unpriced,
            &self.active_users_5m,
            &self.user_registrations,
            &self.ledger_imbalance_minor,
            &self.ledger_drifted_accounts,
            &self.deposit_drift_minor,
            &self.is_elected,
        ] {
            gauge.set(0);
        }
    }

    /// Adds to the age of the figures, which were not computed again.
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
            &business.user_registrations,
            &business.ledger_imbalance_minor,
            &business.ledger_drifted_accounts,
            &business.deposit_drift_minor,
            &business.is_elected,
        ] {
            gauge.set(3);
        }
        let shown = of_business(&metrics.text().unwrap());
        assert!(shown.contains(&"investiq_aum_age_seconds 2".to_owned()), "{shown:?}");
        business.step_down();
        assert_eq!(of_business(&metrics.text().unwrap()), of_business(&fresh));
    }
}
