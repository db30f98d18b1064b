//! Errors in the service's words: status 400, 500 for its own failures, the code in `__type`.

use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub(super) struct ServiceError {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl ServiceError {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into() }
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new("ResourceNotFoundException", message)
    }

    pub(super) fn no_such_secret() -> Self {
        Self::not_found("Secrets Manager can't find the specified secret.")
    }

    pub(super) fn exists(message: impl Into<String>) -> Self {
        Self::new("ResourceExistsException", message)
    }

    /// A parameter that is wrong in itself.
    pub(super) fn parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    /// A request that is wrong for the state of the secret.
    pub(super) fn request(message: impl Into<String>) -> Self {
        Self::new("InvalidRequestException", message)
    }

    /// A member outside the bounds of its type.
    pub(super) fn member(member: &str, rule: &str) -> Self {
        let message = format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must {rule}"
        );
        Self::new("ValidationException", message)
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new("SerializationException", message)
    }

    pub(super) fn internal() -> Self {
        Self { status: 500, ..Self::new("InternalServiceError", "An error occurred on the server side.") }
    }

    pub(super) fn body(&self) -> Value {
        json!({ "__type": self.code, "Message": self.message })
    }
}
