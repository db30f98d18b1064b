//! The company's name.

use domain::Symbol;

use super::client::CallError;
use super::fetch::Fetch;
use super::wire::{Details, Results};
use crate::Fault;

/// Longer names are cut.
const NAME_CHARS_MAX: usize = 200;

impl Fetch {
    pub(super) async fn name(&self, symbol: Symbol) -> Result<Option<String>, CallError> {
        let url = self.client.url(&["v3", "reference", "tickers", symbol.as_str()], &[]);
        let check = |Results { results }: &Results<Details>| {
            let ticker = results.as_ref().and_then(|details| details.ticker.as_deref());
            if ticker.is_some_and(|ticker| ticker != symbol.as_str()) {
                return Err(CallError::Bad(Fault::OtherSymbol));
            }
            Ok(results.is_some())
        };
        let Some(Details { name, .. }) = self.get(url, check).await?.value.results else { return Ok(None) };
        Ok(name.map(|name| name.chars().take(NAME_CHARS_MAX).collect()))
    }
}
