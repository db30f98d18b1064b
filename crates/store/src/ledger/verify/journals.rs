//! Journals that people made: each is what was written last, and none was added or removed.

use super::{PAGE, Place, Problem, Run};
use crate::database::sql;
use crate::error::Error;
use crate::proof::{self, JOURNAL_COLUMNS};

impl Run<'_, '_> {
    pub(super) async fn check_journals(&mut self) -> Result<(), Error> {
        let mut claims = std::mem::take(&mut self.claims.journals);
        let select =
            format!("SELECT {JOURNAL_COLUMNS}, proof FROM journals WHERE id > $1 ORDER BY id LIMIT $2");
        let mut last = i64::MIN;
        loop {
            let rows = self.tx.fetch_all(sql!(select.clone(), last, PAGE)).await?;
            for row in &rows {
                last = row.int("id")?;
                let (place, state) = (Place::Journals(last), row.text("state")?);
                match (proof::check_journal(self.key, row)?, claims.remove(&last)) {
                    (_, None) => self.find(place, Problem::Extra, "the audit chain does not name it"),
                    (Err(fault), Some(_)) => self.find(place, Problem::Altered, fault.to_string()),
                    (Ok(()), Some(claim)) if claim != state => {
                        let detail = format!("it is {state}, and the audit chain says that it is {claim}");
                        self.find(place, Problem::Altered, detail);
                    }
                    (Ok(()), Some(_)) => {}
                }
            }
            if rows.is_empty() {
                break;
            }
        }
        for (id, state) in claims {
            let detail = format!("the audit chain says that it is {state}");
            self.find(Place::Journals(id), Problem::Missing, detail);
        }
        Ok(())
    }
}
