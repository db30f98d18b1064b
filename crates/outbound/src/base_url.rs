//! Base URLs, to which keys are sent only encrypted.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

/// Scheme, host and port of a service: `https`, or `http` on a loopback host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// The text is not a base URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// The URL has a user, a path, a query or a fragment, or lacks a host.
    #[error("must be a scheme, a host and at most a port, such as https://api.example.com")]
    NotBare,
    /// Keys would be sent unencrypted.
    #[error("must be https, or http on a loopback host")]
    NotEncrypted,
}

impl BaseUrl {
    /// Whether the scheme is `https`.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether `url` has the same scheme, host and port, and no user.
    #[must_use]
    pub fn is_origin_of(&self, url: &Url) -> bool {
        url.origin() == self.0.origin() && url.username().is_empty() && url.password().is_none()
    }

    /// The URL with the path `/`.
    #[must_use]
    pub fn to_url(&self) -> Url {
        self.0.clone()
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let url = Url::parse(text).map_err(|_| BaseUrlError::NotBare)?;
        let is_bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !is_bare || !url.has_host() {
            return Err(BaseUrlError::NotBare);
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            _ => Err(BaseUrlError::NotEncrypted),
        }
    }
}

impl fmt::Display for BaseUrl {
    /// Without a trailing slash, so that a path can follow.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_urls_are_accepted() {
        for (text, is_accepted) in [
            ("https://api.massive.com", true),
            ("https://api.polygon.io/", true),
            ("https://proxy.example:8443", true),
            ("http://127.0.0.1:9", true),
            ("http://[::1]:9", true),
            ("http://localhost:9", true),
            ("http://api.massive.com", false),
            ("http://127.0.0.1.example", false),
            ("https://api.massive.com/v2", false),
            ("https://user:word@api.massive.com", false),
            ("https://key@api.massive.com", false),
            ("https://api.massive.com?apiKey=x", false),
            ("https://api.massive.com#x", false),
            ("ftp://localhost", false),
            ("api.massive.com", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<BaseUrl>().is_ok(), is_accepted, "{text}");
        }
    }

    #[test]
    fn the_text_has_no_trailing_slash() {
        for (text, expected) in
            [("https://a.example/", "https://a.example"), ("http://[::1]:9", "http://[::1]:9")]
        {
            assert_eq!(text.parse::<BaseUrl>().unwrap().to_string(), expected);
        }
    }
}
