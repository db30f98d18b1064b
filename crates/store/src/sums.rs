//! Sums of 128 bits from databases with 64: both add up halves, which are put together here.
//!
//! A stored sum is a column and its `…_high`, which counts [`HIGH`] each; below that, the column alone is the sum.

use crate::database::Row;
use crate::error::Error;

/// What 1 in a column `…_high` stands for.
pub(crate) const HIGH: i128 = 10_i128.pow(18);
/// Bits of the lower half of an added number.
const LOW_BITS: u32 = 32;

/// Selects the sum of a column of 64 bits, to be read with [`Row::sum`] by its name.
macro_rules! sum_sql {
    ($column:literal, $name:literal) => {
        concat!(
            "CAST(SUM(",
            $column,
            " >> 32) AS BIGINT) AS ",
            $name,
            "_sum_high, ",
            "CAST(SUM(",
            $column,
            " & 4294967295) AS BIGINT) AS ",
            $name,
            "_sum_low"
        )
    };
}
pub(crate) use sum_sql;

/// Selects the sum of a stored sum's two columns, to be read with [`Row::wide_sum`] by the name of the column.
macro_rules! wide_sum_sql {
    ($column:literal) => {
        concat!(
            "CAST(SUM(",
            $column,
            "_high) AS BIGINT) AS ",
            $column,
            "_high, ",
            $crate::sums::sum_sql!($column, $column)
        )
    };
}
pub(crate) use wide_sum_sql;

impl Row {
    /// A sum that `sum_sql!` selects.
    pub(crate) fn sum(&self, name: &str) -> Result<i128, Error> {
        let half = |end| self.int(&format!("{name}_sum_{end}")).map(i128::from);
        Ok((half("high")? << LOW_BITS) + half("low")?)
    }

    /// A sum that `wide_sum_sql!` selects.
    pub(crate) fn wide_sum(&self, column: &str) -> Result<i128, Error> {
        Ok(i128::from(self.int(&format!("{column}_high"))?) * HIGH + self.sum(column)?)
    }

    /// A stored sum, of the column and its `…_high`.
    pub(crate) fn wide(&self, column: &str) -> Result<i128, Error> {
        let high = self.int(&format!("{column}_high"))?;
        Ok(i128::from(high) * HIGH + i128::from(self.int(column)?))
    }
}

/// The columns `…_high` and its own of a stored sum.
///
/// # Errors
/// [`Error::encode`] beyond 9.2 × 10^36.
pub(crate) fn columns(sum: i128) -> Result<(i64, i64), Error> {
    let high = i64::try_from(sum / HIGH).map_err(Error::encode)?;
    Ok((high, i64::try_from(sum % HIGH).map_err(Error::encode)?))
}
