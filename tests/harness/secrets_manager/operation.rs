//! The operations, named as in `X-Amz-Target`.

const TARGET_PREFIX: &str = "secretsmanager.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    BatchGetSecretValue,
    CreateSecret,
    DeleteSecret,
    DescribeSecret,
    GetSecretValue,
    ListSecretVersionIds,
    ListSecrets,
    PutSecretValue,
    RestoreSecret,
    RotateSecret,
    TagResource,
    UntagResource,
    UpdateSecret,
    UpdateSecretVersionStage,
}

impl Operation {
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

    /// Parses `secretsmanager.GetSecretValue` and the like.
    pub(super) fn from_target(target: &str) -> Option<Self> {
        let name = target.strip_prefix(TARGET_PREFIX)?;
        Self::ALL.into_iter().find(|operation| format!("{operation:?}") == name)
    }

    /// Whether a lagging replica may serve it.
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
