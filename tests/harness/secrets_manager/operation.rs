//! The operations, by the names that `X-Amz-Target` gives them.

/// What `X-Amz-Target` begins with.
const SERVICE: &str = "secretsmanager.";

/// An operation of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Up to twenty current values in one call.
    BatchGetSecretValue,
    /// A new secret.
    CreateSecret,
    /// A secret's end, after a window or at once.
    DeleteSecret,
    /// All of a secret but its values.
    DescribeSecret,
    /// One value.
    GetSecretValue,
    /// A secret's versions.
    ListSecretVersionIds,
    /// The account's secrets.
    ListSecrets,
    /// A new version.
    PutSecretValue,
    /// A secret that was to end lives on.
    RestoreSecret,
    /// Rotation by a Lambda function, of which there are none here.
    RotateSecret,
    /// More tags.
    TagResource,
    /// Fewer tags.
    UntagResource,
    /// A new version, another description or key.
    UpdateSecret,
    /// A label moves.
    UpdateSecretVersionStage,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 14] = [
        Self::BatchGetSecretValue,
        Self::CreateSecret,
        Self::DeleteSecret,
        Self::DescribeSecret,
        Self::GetSecretValue,
        Self::ListSecretVersionIds,
        Self::ListSecrets,
        Self::PutSecretValue,
        Self::RestoreSecret,
        Self::RotateSecret,
        Self::TagResource,
        Self::UntagResource,
        Self::UpdateSecret,
        Self::UpdateSecretVersionStage,
    ];

    /// Reads `secretsmanager.GetSecretValue` and the like.
    pub(super) fn of_target(target: &str) -> Option<Self> {
        let name = target.strip_prefix(SERVICE)?;
        Self::ALL.into_iter().find(|operation| format!("{operation:?}") == name)
    }

    /// Whether a lagging replica may answer it.
    pub(super) fn is_read(self) -> bool {
        match self {
            Self::BatchGetSecretValue
            | Self::DescribeSecret
            | Self::GetSecretValue
            | Self::ListSecretVersionIds
            | Self::ListSecrets => true,
            Self::CreateSecret
            | Self::DeleteSecret
            | Self::PutSecretValue
            | Self::RestoreSecret
            | Self::RotateSecret
            | Self::TagResource
            | Self::UntagResource
            | Self::UpdateSecret
            | Self::UpdateSecretVersionStage => false,
        }
    }
}
