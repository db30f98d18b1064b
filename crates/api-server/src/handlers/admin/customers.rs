//! `/api/admin/customers`: which accounts belong to one customer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{CustomerId, ExternalId};
use serde::{Deserialize, Serialize};
use store::CustomerAccount;
use utoipa::ToSchema;

use super::Operator;
use super::responses::next_page;
use crate::handlers::{CustomerPath, JsonBody, Parameters};
use crate::problem::Problem;
use crate::schemas::{self, Problems};
use crate::state::AdminState;

/// A page of links.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomersPage {
    /// By account.
    links: Vec<CustomerLink>,
    /// The value of `after` for the next page; null on the last page.
    #[schema(required, value_type = Option<schemas::AccountId>)]
    next: Option<String>,
}

/// The link of an account to its customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerLink {
    #[schema(value_type = schemas::CustomerId)]
    customer: String,
    #[schema(value_type = schemas::AccountId)]
    account: String,
    #[schema(format = DateTime)]
    linked_at: String,
    /// Who linked them, as the audit chain names them.
    #[schema(example = "key:1f2e3d4c")]
    linked_by: String,
}

/// An account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountRequest {
    #[schema(value_type = schemas::AccountId)]
    account: ExternalId,
}

impl From<CustomerAccount> for CustomerLink {
    fn from(CustomerAccount { customer, account, linked_at, linked_by }: CustomerAccount) -> Self {
        let (customer, account) = (customer.to_string(), account.to_string());
        Self { customer, account, linked_at: linked_at.to_string(), linked_by }
    }
}

/// Linked accounts
#[utoipa::path(
    get,
    path = "/api/admin/customers",
    operation_id = "listCustomerAccounts",
    tag = "admin",
    params(
        ("customer" = Option<schemas::CustomerId>, Query, description = "The customer"),
        ("limit" = Option<schemas::Rows>, Query, description = "Most rows of the page"),
        ("after" = Option<schemas::AccountId>, Query, description = "`next` of the previous page"),
    ),
    responses((status = 200, description = "A page", body = CustomersPage), Problems)
)]
pub(crate) async fn list(
    parameters: Parameters,
    State(state): State<Arc<AdminState>>,
) -> Result<Json<CustomersPage>, Problem> {
    parameters.allow_only(&["customer", "limit", "after"])?;
    let customer = parameters.parse_as::<CustomerId>("customer")?;
    let (after, rows) = (parameters.parse_as::<ExternalId>("after")?, parameters.rows()?);
    page(&state, customer.as_ref(), after.as_ref(), rows).await
}

/// Link an account to a customer
///
/// An account belongs to one customer at most. Repeating the request changes nothing.
#[utoipa::path(
    post,
    path = "/api/admin/customers/{customer}/link",
    operation_id = "linkAccount",
    tag = "admin",
    params(("customer" = schemas::CustomerId, Path, description = "The customer")),
    request_body = AccountRequest,
    responses((status = 200, description = "The accounts of the customer", body = CustomersPage), Problems)
)]
pub(crate) async fn link(
    CustomerPath(customer): CustomerPath,
    State(state): State<Arc<AdminState>>,
    operator: Operator,
    JsonBody(AccountRequest { account }): JsonBody<AccountRequest>,
) -> Result<Json<CustomersPage>, Problem> {
    state.store().link_account(&customer, &account, operator.actor(), state.clock.now()).await?;
    page(&state, Some(&customer), None, store::PAGE_ROWS_MAX).await
}

/// Unlink an account from a customer
///
/// Repeating the request changes nothing.
#[utoipa::path(
    post,
    path = "/api/admin/customers/{customer}/unlink",
    operation_id = "unlinkAccount",
    tag = "admin",
    params(("customer" = schemas::CustomerId, Path, description = "The customer")),
    request_body = AccountRequest,
    responses((status = 200, description = "The accounts of the customer", body = CustomersPage), Problems)
)]
pub(crate) async fn unlink(
    CustomerPath(customer): CustomerPath,
    State(state): State<Arc<AdminState>>,
    operator: Operator,
    JsonBody(AccountRequest { account }): JsonBody<AccountRequest>,
) -> Result<Json<CustomersPage>, Problem> {
    state.store().unlink_account(&customer, &account, operator.actor(), state.clock.now()).await?;
    page(&state, Some(&customer), None, store::PAGE_ROWS_MAX).await
}

async fn page(
    state: &AdminState,
    customer: Option<&CustomerId>,
    after: Option<&ExternalId>,
    rows: u32,
) -> Result<Json<CustomersPage>, Problem> {
    let links = state.store().customer_accounts(customer, after, rows).await?;
    let next = next_page(&links, rows, |link| link.account.clone());
    Ok(Json(CustomersPage { links: links.into_iter().map(CustomerLink::from).collect(), next }))
}
