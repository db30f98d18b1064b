//! The declared secrets. No other secret is ever read.

mod declared;

use std::collections::BTreeMap;

use crate::error::{ConfigError, Error};
use crate::name::SecretName;
use crate::spec::SecretSpec;

/// The declared secrets, by name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue(BTreeMap<SecretName, SecretSpec>);

impl Catalogue {
    /// # Errors
    /// [`ConfigError::DeclaredTwice`] when two secrets have one name.
    pub fn new(specs: impl IntoIterator<Item = SecretSpec>) -> Result<Self, Error> {
        specs.into_iter().try_fold(Self::default(), Self::with)
    }

    /// Every secret of the product.
    #[must_use]
    pub fn product() -> Self {
        let specs = declared::all().into_iter().map(|spec| (spec.name.clone(), spec));
        Self(specs.collect())
    }

    fn with(mut self, spec: SecretSpec) -> Result<Self, Error> {
        match self.0.insert(spec.name.clone(), spec) {
            Some(earlier) => Err(Error::Config(ConfigError::DeclaredTwice(earlier.name))),
            None => Ok(self),
        }
    }

    /// The declaration of a secret.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SecretSpec> {
        self.0.get(name)
    }

    /// The declaration of a secret, to change it.
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
            Error::Config(ConfigError::DeclaredTwice(name))
        );
    }
}
