//! The secrets that exist. What is not declared here is never looked up.

mod declared;

use std::collections::BTreeMap;

use crate::error::{Error, Misuse};
use crate::name::SecretName;
use crate::spec::SecretSpec;

/// Declared secrets, each once.
#[derive(Clone, Debug, Default)]
pub struct Catalogue(BTreeMap<SecretName, SecretSpec>);

impl Catalogue {
    /// A catalogue of these secrets.
    ///
    /// # Errors
    /// [`Misuse::DeclaredTwice`] when two have one name.
    pub fn new(specs: impl IntoIterator<Item = SecretSpec>) -> Result<Self, Error> {
        specs.into_iter().try_fold(Self::default(), Self::with)
    }

    /// Every secret that the product knows.
    #[must_use]
    pub fn product() -> Self {
        let specs = declared::all().into_iter().map(|spec| (spec.name.clone(), spec));
        Self(specs.collect())
    }

    /// The catalogue and one secret more, such as the key of one webhook endpoint.
    ///
    /// # Errors
    /// [`Misuse::DeclaredTwice`] when the name is taken.
    pub fn with(mut self, spec: SecretSpec) -> Result<Self, Error> {
        match self.0.insert(spec.name.clone(), spec) {
            Some(earlier) => Err(Error::Config(Misuse::DeclaredTwice(earlier.name))),
            None => Ok(self),
        }
    }

    /// What is declared of a secret.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SecretSpec> {
        self.0.get(name)
    }

    /// As [`get`](Self::get), to change what is declared.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut SecretSpec> {
        self.0.get_mut(name)
    }

    /// Every declared secret, by name.
    pub fn iter(&self) -> impl Iterator<Item = &SecretSpec> {
        self.0.values()
    }

    pub(crate) fn into_specs(self) -> impl Iterator<Item = SecretSpec> {
        self.0.into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_declares_each_name_and_each_variable_once() {
        let catalogue = Catalogue::product();
        assert_eq!(catalogue.iter().count(), declared::all().len());
        let mut variables: Vec<String> =
            catalogue.iter().flat_map(|spec| spec.variables().collect::<Vec<_>>()).collect();
        let count = variables.len();
        variables.sort();
        variables.dedup();
        assert_eq!(variables.len(), count);
    }

    #[test]
    fn a_name_declared_twice_is_an_error() {
        let spec = declared::all().remove(0);
        let name = spec.name.clone();
        assert_eq!(
            Catalogue::new([spec.clone(), spec]).unwrap_err(),
            Error::Config(Misuse::DeclaredTwice(name))
        );
    }
}
