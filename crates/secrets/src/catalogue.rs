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

    /// The secret that a person names: by its name, its file, one of its variables, or its id or ARN in AWS.
    ///
    /// ```
    /// let catalogue = secrets::Catalogue::product();
    /// for text in ["polygon-api-key", "secrets/polygon_api_key.txt", "POLYGON_API_KEY_FILE", "prod/rail/polygon-api-key"] {
    ///     assert_eq!(catalogue.find(text).unwrap().name.as_str(), "polygon_api_key");
    /// }
    /// ```
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&SecretSpec> {
        let leaf = text.rsplit(['/', ':']).next().unwrap_or_default();
        let leaf = match text.strip_prefix("arn:") {
            // AWS adds a hyphen and six characters to the name.
            Some(_) => leaf.rsplit_once('-').map_or(leaf, |(name, _)| name),
            None => leaf.strip_suffix(".txt").unwrap_or(leaf),
        };
        let variable = leaf.to_ascii_uppercase().replace('-', "_");
        let variable = variable.strip_suffix("_FILE").unwrap_or(&variable);
        self.iter().find(|spec| spec.variables().any(|own| own == variable))
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
    fn a_secret_is_found_by_each_of_its_names_and_by_no_other_text() {
        let arn =
            "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/rail/alpaca-api-secret-Ab12Cd";
        for text in ["alpaca_api_secret", "ALPACA_SECRET_KEY", "alpaca_secret_key", "alpaca-api-secret", arn]
        {
            let found = Catalogue::product().find(text).map(|spec| spec.name.as_str().to_owned());
            assert_eq!(found.as_deref(), Some("alpaca_api_secret"), "{text}");
        }
        for text in ["", "alpaca", "alpaca_api_secret_2", "prod/rail/", "kT9v2LqXw0cPz7Rb"] {
            assert!(Catalogue::product().find(text).is_none(), "{text}");
        }
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
