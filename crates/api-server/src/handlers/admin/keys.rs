//! `/api/admin/keys`: API keys of the database. A key is shown once, in the response that creates it.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use config::api_keys::{self, KeyMode, NewKey, Role, StoredTerms, accepts_mode, default_mode, parse_network};
use domain::{AccountScope, Scope, Scopes};
use http::StatusCode;
use http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{
    ApiKey, ApiKeyFilter, ApiKeyId, ApiKeySettings, KEY_OVERLAP_DEFAULT, KEY_OVERLAP_MAX,
    KEY_VALIDITY_DEFAULT,
};
use utoipa::ToSchema;

use super::Operator;
use super::responses::next_page;
use crate::handlers::parameters::unprocessable;
use crate::handlers::{JsonBody, Parameters};
use crate::problem::{Kind, Problem};
use crate::request_context::{Caller, Credential, RequestContext};
use crate::schemas::{self, Problems};
use crate::state::AdminState;

/// The reason of a revocation that has none.
const REASON_DEFAULT: &str = "not given";

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKeyResponse {
    #[schema(value_type = schemas::ApiKeyId)]
    id: String,
    /// The beginning and the end of the key.
    #[schema(example = "iq_live_aB3dE6gH…x7Qz")]
    hint: String,
    name: String,
    #[schema(value_type = schemas::ApiKeyMode)]
    mode: String,
    #[schema(value_type = schemas::ApiKeyState)]
    state: String,
    #[schema(value_type = schemas::ApiKeyRole)]
    role: String,
    #[schema(value_type = Vec<schemas::ApiKeyScope>)]
    scopes: Vec<&'static str>,
    /// Accounts and customers whose books it may read; null for all.
    #[schema(required, example = json!(["alpaca:a1", "c-1042"]))]
    accounts: Option<Vec<String>>,
    /// Networks that it may be used from; empty for all.
    #[schema(example = json!(["203.0.113.0/24"]))]
    ips: Vec<String>,
    /// Requests a minute; null for the limit of the server.
    #[schema(required, value_type = Option<u32>)]
    per_minute: Option<NonZeroU32>,
    /// Requests at once; null for the default.
    #[schema(required, value_type = Option<u32>)]
    burst: Option<NonZeroU32>,
    /// Requests in progress; null for the default.
    #[schema(required, value_type = Option<u32>)]
    concurrency: Option<NonZeroU32>,
    #[schema(value_type = Object)]
    metadata: serde_json::Map<String, serde_json::Value>,
    #[schema(format = DateTime)]
    created_at: String,
    /// Who created it, as the audit chain names them.
    #[schema(example = "key:aB3dE6gH")]
    created_by: String,
    #[schema(format = DateTime)]
    expires_at: String,
    #[schema(required, format = DateTime)]
    revoked_at: Option<String>,
    #[schema(required)]
    revoked_by: Option<String>,
    #[schema(required)]
    revocation_reason: Option<String>,
    /// The key that it replaces.
    #[schema(required, value_type = Option<schemas::ApiKeyId>)]
    replaces: Option<String>,
    /// The key that replaces it.
    #[schema(required, value_type = Option<schemas::ApiKeyId>)]
    successor: Option<String>,
    /// Up to a minute late.
    #[schema(required, format = DateTime)]
    last_used_at: Option<String>,
    #[schema(required)]
    last_used_ip: Option<String>,
    /// Requests with it; up to a minute late.
    uses: u64,
}

/// A new API key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedApiKey {
    /// The key. It is shown only here: store it now.
    #[schema(example = "iq_live_aB3dE6gH_…")]
    key: String,
    details: ApiKeyResponse,
}

/// A page of API keys.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKeysPage {
    /// Latest first.
    keys: Vec<ApiKeyResponse>,
    /// The value of `after` for the next page; null on the last page.
    #[schema(required, value_type = Option<schemas::ApiKeyId>)]
    next: Option<String>,
}

/// What a new API key may do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeyRequest {
    /// Who uses it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it is for: that of the key that creates it. The first key is `live` in production and `test` elsewhere by default.
    #[serde(default)]
    #[schema(value_type = Option<schemas::ApiKeyMode>)]
    mode: Option<String>,
    /// The most that it may do; `viewer` by default.
    #[serde(default)]
    #[schema(value_type = Option<schemas::ApiKeyRole>)]
    role: Option<String>,
    /// What it may do; by default all that its role may.
    #[serde(default)]
    #[schema(value_type = Option<Vec<schemas::ApiKeyScope>>, min_items = 1)]
    scopes: Option<Vec<String>>,
    /// Accounts and customers whose books it may read; none by default. The role admin has all, and takes no list.
    #[serde(default)]
    #[schema(max_items = 100, example = json!(["alpaca:a1", "c-1042"]))]
    accounts: Option<Vec<String>>,
    /// Networks that it may be used from; by default those of the key that creates it.
    #[serde(default)]
    #[schema(max_items = 50, example = json!(["203.0.113.0/24"]))]
    ips: Vec<String>,
    /// Requests a minute.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1_000_000)]
    per_minute: Option<NonZeroU32>,
    /// Requests at once, with `per_minute`.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1_000_000)]
    burst: Option<NonZeroU32>,
    /// Requests in progress.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1_000)]
    concurrency: Option<NonZeroU32>,
    /// Whatever you want to note; at most 4096 bytes.
    #[serde(default)]
    #[schema(value_type = Object)]
    metadata: serde_json::Map<String, serde_json::Value>,
    /// When it ends; in 90 days by default, in 366 at most, and not after the key that creates it.
    #[serde(default)]
    #[schema(value_type = Option<schemas::Time>)]
    expires_at: Option<Timestamp>,
}

/// How an API key is rotated.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotationRequest {
    /// Seconds for which the old key stays valid, at most until it would have expired; a day by default.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 2_592_000)]
    overlap_s: Option<u32>,
}

/// The sender of the request. It grants no more than it has.
#[derive(Debug)]
pub(crate) struct Grantor(Caller);

impl<S: Send + Sync> FromRequestParts<S> for Grantor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = RequestContext::get(&parts.extensions)?.caller.get().cloned();
        caller.map(Self).ok_or_else(|| Problem::new(Kind::Internal, "the request has no caller"))
    }
}

impl Grantor {
    fn is_bootstrap(&self) -> bool {
        matches!(self.0.credential, Credential::Bootstrap)
    }

    /// What only a caller with a key of the database has.
    fn terms(&self) -> Option<&StoredTerms> {
        self.0.key().and_then(|key| key.stored.as_ref())
    }

    /// When what it grants ends at the latest.
    fn ends_by(&self) -> Timestamp {
        self.terms().map_or(Timestamp::MAX, |terms| terms.expires_at)
    }

    /// Checks that it has what it grants. It has the accounts: its own scope requires all.
    fn check(&self, settings: &ApiKeySettings, expires_at: Timestamp) -> Result<(), Problem> {
        let ApiKeySettings { role, scopes, .. } = *settings;
        if self.is_bootstrap() {
            return match (role, scopes.contains(Scope::KeysAdmin)) {
                (Role::Admin, true) => Ok(()),
                _ => Err(unprocessable("role", "must be admin for the first key, with the scope keys:admin")),
            };
        }
        if role > self.0.role {
            return Err(Problem::new(Kind::Forbidden, format!("your API key does not have the role {role}")));
        }
        if let Some(scope) = scopes.iter().find(|scope| !self.0.scopes.contains(*scope)) {
            let detail = format!("your API key does not have the scope {scope}, and cannot grant it");
            return Err(Problem::new(Kind::Forbidden, detail).with("scope", scope.as_str()));
        }
        let checked = self.terms().map_or(Ok(()), |terms| terms.check_grant(settings, expires_at));
        checked.map_err(|error| Problem::new(Kind::Forbidden, error.to_string()))
    }
}

/// The id in the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyPath(ApiKeyId);

impl<S: Send + Sync> FromRequestParts<S> for KeyPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| unprocessable("key_id", error.body_text()))?;
        id.parse().map(Self).map_err(|error: store::ApiKeyIdError| unprocessable("key_id", error.to_string()))
    }
}

impl ApiKeyResponse {
    fn new(key: ApiKey, now: Timestamp) -> Self {
        let state = key.state(now).to_string();
        let ApiKeySettings {
            mode,
            name,
            role,
            scopes,
            accounts,
            ips,
            per_minute,
            burst,
            concurrency,
            metadata,
        } = key.settings;
        let (revocation, last_use) = (key.revocation, key.last_use);
        Self {
            id: key.id.to_string(),
            hint: format!("iq_{mode}_{}…{}", key.id, key.last_characters),
            name,
            mode: mode.to_string(),
            state,
            role: role.to_string(),
            scopes: scopes.iter().map(Scope::as_str).collect(),
            accounts: accounts.items(),
            ips: ips.iter().map(ToString::to_string).collect(),
            per_minute,
            burst,
            concurrency,
            metadata,
            created_at: key.created_at.to_string(),
            created_by: key.created_by,
            expires_at: key.expires_at.to_string(),
            revoked_at: revocation.as_ref().map(|revocation| revocation.at.to_string()),
            revoked_by: revocation.as_ref().map(|revocation| revocation.by.clone()),
            revocation_reason: revocation.map(|revocation| revocation.reason),
            replaces: key.replaces.map(|id| id.to_string()),
            successor: key.successor.map(|id| id.to_string()),
            last_used_at: last_use.map(|last| last.at.to_string()),
            last_used_ip: last_use.map(|last| last.ip.to_string()),
            uses: key.uses,
        }
    }
}

impl ApiKeyRequest {
    fn settings(self, default_mode: KeyMode) -> Result<ApiKeySettings, Problem> {
        let Self {
            name, mode, role, scopes, accounts, ips, per_minute, burst, concurrency, metadata, ..
        } = self;
        let mode = mode.map(|mode| mode.parse()).transpose();
        let role = role.map(|role| role.parse()).transpose();
        let role = role.map_err(|_| unprocessable("role", "must be viewer, trader or admin"))?;
        let role = role.unwrap_or(Role::Viewer);
        let scopes = scopes.map(|scopes| scopes.join(" ").parse::<Scopes>()).transpose();
        let accounts = match (accounts, role) {
            (None, Role::Admin) => Ok(AccountScope::All),
            (accounts, _) => AccountScope::from_items(&accounts.unwrap_or_default()),
        };
        let ips: Option<_> = ips.iter().map(|ip| parse_network(ip)).collect();
        Ok(ApiKeySettings {
            mode: mode
                .map_err(|_| unprocessable("mode", "must be live, paper or test"))?
                .unwrap_or(default_mode),
            name,
            role,
            scopes: scopes
                .map_err(|error| unprocessable("scopes", error.to_string()))?
                .unwrap_or(role.scopes()),
            accounts: accounts.map_err(|error| unprocessable("accounts", error.to_string()))?,
            ips: ips.ok_or_else(|| unprocessable("ips", "must be networks such as 203.0.113.0/24"))?,
            per_minute,
            burst,
            concurrency,
            metadata,
        })
    }
}

fn generate(mode: KeyMode) -> Result<NewKey, Problem> {
    api_keys::generate(mode).map_err(|error| Problem::new(Kind::Internal, "no randomness").caused_by(&error))
}

/// API keys, latest first
#[utoipa::path(
    get,
    path = "/api/admin/keys",
    operation_id = "listApiKeys",
    tag = "admin",
    params(
        ("limit" = Option<schemas::Rows>, Query, description = "Most rows of the page"),
        ("after" = Option<schemas::ApiKeyId>, Query, description = "`next` of the previous page"),
        ("unused_since" = Option<schemas::Time>, Query, description = "Only valid keys that were not used since this time"),
    ),
    responses((status = 200, description = "A page", body = ApiKeysPage), Problems)
)]
pub(crate) async fn list(
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
) -> Result<Json<ApiKeysPage>, Problem> {
    parameters.allow_only(&["limit", "after", "unused_since"])?;
    let (rows, now) = (parameters.rows()?, state.clock.now());
    let after = parameters.parse_as::<ApiKeyId>("after")?;
    let unused_since = parameters.text("unused_since").map(str::parse::<Timestamp>).transpose();
    let unused_since =
        unused_since.map_err(|_| unprocessable("unused_since", crate::handlers::parameters::TIME))?;
    let keys = state.store().api_keys(ApiKeyFilter { after, unused_since }, rows, now).await?;
    let next = next_page(&keys, rows, |key| key.id);
    Ok(Json(ApiKeysPage { keys: keys.into_iter().map(|key| ApiKeyResponse::new(key, now)).collect(), next }))
}

/// Create an API key
///
/// It may do no more than the key that creates it, from no other networks, with no higher limits, and for no longer. Without a valid key, `ADMIN_BOOTSTRAP_TOKEN` creates the first one.
#[utoipa::path(
    post,
    path = "/api/admin/keys",
    operation_id = "createApiKey",
    tag = "admin",
    request_body = ApiKeyRequest,
    responses((status = 201, description = "The key, which is shown only once", body = CreatedApiKey), Problems)
)]
pub(crate) async fn create(
    State(state): State<Arc<AdminState>>,
    operator: Operator,
    grantor: Grantor,
    JsonBody(request): JsonBody<ApiKeyRequest>,
) -> Result<(StatusCode, Json<CreatedApiKey>), Problem> {
    let now = state.clock.now();
    let expires_at =
        request.expires_at.unwrap_or_else(|| (now + KEY_VALIDITY_DEFAULT).min(grantor.ends_by()));
    let own = grantor.terms();
    let mut settings = request.settings(own.map_or(default_mode(state.profile), |own| own.mode))?;
    if let Some(own) = own {
        own.inherit(&mut settings);
    }
    if !accepts_mode(state.profile, settings.mode) {
        return Err(unprocessable("mode", format!("{} keys are not accepted by this server", settings.mode)));
    }
    grantor.check(&settings, expires_at)?;
    let new = generate(settings.mode)?;
    let (store, secret, actor) = (state.store(), new.secret(), operator.actor());
    let key = match grantor.is_bootstrap() {
        true => {
            let modes: Vec<KeyMode> =
                KeyMode::ALL.into_iter().filter(|mode| accepts_mode(state.profile, *mode)).collect();
            store.create_first_api_key(&settings, expires_at, &secret, &modes, actor, now).await?
        }
        false => store.create_api_key(&settings, expires_at, &secret, actor, now).await?,
    };
    Ok((StatusCode::CREATED, created(&state, &new, key, now).await))
}

/// An API key and its use
#[utoipa::path(
    get,
    path = "/api/admin/keys/{key_id}",
    operation_id = "getApiKey",
    tag = "admin",
    params(("key_id" = schemas::ApiKeyId, Path, description = "The id")),
    responses((status = 200, description = "The key", body = ApiKeyResponse), Problems)
)]
pub(crate) async fn get(
    KeyPath(id): KeyPath,
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
) -> Result<Json<ApiKeyResponse>, Problem> {
    parameters.allow_only(&[])?;
    Ok(Json(ApiKeyResponse::new(stored(&state, id).await?, state.clock.now())))
}

/// Revoke an API key
///
/// No server accepts it after a second. Repeating the request changes nothing.
#[utoipa::path(
    delete,
    path = "/api/admin/keys/{key_id}",
    operation_id = "revokeApiKey",
    tag = "admin",
    params(
        ("key_id" = schemas::ApiKeyId, Path, description = "The id"),
        ("reason" = Option<schemas::Reason>, Query, description = "Why"),
    ),
    responses((status = 200, description = "The revoked key", body = ApiKeyResponse), Problems)
)]
pub(crate) async fn revoke(
    KeyPath(id): KeyPath,
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
    operator: Operator,
) -> Result<Json<ApiKeyResponse>, Problem> {
    parameters.allow_only(&["reason"])?;
    let (reason, now) = (parameters.text("reason").unwrap_or(REASON_DEFAULT), state.clock.now());
    let key = state.store().revoke_api_key(id, reason, operator.actor(), now).await?;
    state.load_keys().await;
    Ok(Json(ApiKeyResponse::new(key, now)))
}

/// Rotate an API key
///
/// The new key has the same settings and is valid for as long, but not for longer than the key of the request; the old one stays valid for a while. A key is rotated once.
#[utoipa::path(
    post,
    path = "/api/admin/keys/{key_id}/rotate",
    operation_id = "rotateApiKey",
    tag = "admin",
    params(("key_id" = schemas::ApiKeyId, Path, description = "The id")),
    request_body = RotationRequest,
    responses((status = 201, description = "The new key, which is shown only once", body = CreatedApiKey), Problems)
)]
pub(crate) async fn rotate(
    KeyPath(id): KeyPath,
    State(state): State<Arc<AdminState>>,
    operator: Operator,
    grantor: Grantor,
    JsonBody(RotationRequest { overlap_s }): JsonBody<RotationRequest>,
) -> Result<(StatusCode, Json<CreatedApiKey>), Problem> {
    let now = state.clock.now();
    let overlap = overlap_s.map_or(KEY_OVERLAP_DEFAULT, |seconds| SignedDuration::from_secs(seconds.into()));
    if overlap > KEY_OVERLAP_MAX {
        return Err(unprocessable("overlap_s", format!("must be at most {}", KEY_OVERLAP_MAX.as_secs())));
    }
    // Whoever rotates a key gets all that it may do. Its settings never change.
    let settings = stored(&state, id).await?.settings;
    let ends_by = grantor.ends_by();
    grantor.check(&settings, ends_by)?;
    let (new, actor) = (generate(settings.mode)?, operator.actor());
    let key = state.store().rotate_api_key(id, (overlap, ends_by), &new.secret(), actor, now).await?;
    Ok((StatusCode::CREATED, created(&state, &new, key, now).await))
}

async fn stored(state: &AdminState, id: ApiKeyId) -> Result<ApiKey, Problem> {
    let key = state.store().api_key(id).await?;
    key.ok_or_else(|| Problem::new(Kind::NotFound, "no API key has this id"))
}

async fn created(state: &AdminState, new: &NewKey, key: ApiKey, now: Timestamp) -> Json<CreatedApiKey> {
    state.load_keys().await;
    Json(CreatedApiKey { key: new.expose().to_owned(), details: ApiKeyResponse::new(key, now) })
}
