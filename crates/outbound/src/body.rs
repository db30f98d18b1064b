//! The body of a response, up to a bound.

use reqwest::Response;

/// The body was not read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body is larger than the bound.
    #[error("response body is larger than {bytes_max} bytes")]
    TooLarge {
        /// The bound.
        bytes_max: usize,
    },
    /// The connection failed or timed out.
    #[error("reading the response body failed")]
    Connection(#[from] reqwest::Error),
}

/// Reads a body of at most `bytes_max` bytes. A body with a larger declared length is not read at all.
///
/// # Errors
/// [`BodyError`].
pub async fn read_body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
    let too_large = BodyError::TooLarge { bytes_max };
    if response.content_length().is_some_and(|length| length > bytes_max as u64) {
        return Err(too_large);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > bytes_max {
            return Err(too_large);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
