//! What parameters and fields may be, read from the types and constants that parse them.

use std::fmt::Display;
use std::ops::RangeInclusive;

use analysis::indicators::IndicatorSpec;
use domain::{ExternalId, SYMBOL_BYTES_MAX};
use ledger::LedgerAccount;
use store::{ID_PATTERN, PAGE_ROWS_MAX};
use strum::VariantArray;
use symbol_analysis::DAYS_MAX;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

/// Rows of a page if the request does not tell.
pub(crate) const ROWS_DEFAULT: u32 = 50;
/// Longest `event_type` and `resource` of a filter.
pub(crate) const FILTER_TEXT_CHARS_MAX: usize = 256;

/// Declares named schemas.
macro_rules! schemas {
    ($($(#[doc = $description:literal])+ $name:ident = $schema:expr;)+) => {$(
        $(#[doc = $description])+
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let description = concat!($($description),+).trim();
                RefOr::T(Schema::Object($schema.description(Some(description)).build()))
            }
        }

        impl ToSchema for $name {}
    )+};
}

schemas! {
    /// A ticker such as `AAPL`, `BRK.B` or `0700.HK`. Case is part of it.
    Symbol = text(domain::Symbol::PATTERN, "AAPL").min_length(Some(1)).max_length(Some(SYMBOL_BYTES_MAX));
    /// The timeframe of a bar: a day, an ISO week or a calendar month.
    Timeframe = one_of(domain::Timeframe::ALL.map(domain::Timeframe::as_str));
    /// What prices are adjusted for.
    PriceBasis = one_of(domain::PriceBasis::VARIANTS.iter().map(|basis| basis.as_str()));
    /// Calendar days.
    Days = number(1..=DAYS_MAX);
    /// Indicators separated by commas, each with its parameters after colons.
    IndicatorNames = text(&IndicatorSpec::list_pattern(), "rsi:14,macd");
    /// A provider and its id of an account.
    AccountId = text(&format!("^{}$", ExternalId::pattern()), "alpaca:a1");
    /// The id of a customer, which a person chose.
    CustomerId = text(&format!("^{}$", domain::CustomerId::pattern()), "c-1042");
    /// An account at a provider such as `alpaca:a1`, or one account of the ledger such as `user/alpaca:a1/fiat_exposure`.
    AccountFilter = text(&format!("^({}|{})$", ExternalId::pattern(), LedgerAccount::pattern()), "alpaca:a1");
    /// The id of an API key.
    ApiKeyId = text(store::ApiKeyId::PATTERN, "aB3dE6gH");
    /// What an API key is for: real money, simulated money or tests.
    ApiKeyMode = one_of(domain::KeyMode::ALL);
    /// The most that an API key may do.
    ApiKeyRole = one_of([domain::Role::Viewer, domain::Role::Trader, domain::Role::Admin]);
    /// What an API key may do.
    ApiKeyScope = one_of(domain::Scope::ALL);
    /// Whether an API key is accepted: `rotated` until it expires.
    ApiKeyState = one_of(store::ApiKeyState::VARIANTS);
    /// Why something is done.
    Reason = text("^[^\\u0000-\\u001f\\u007f-\\u009f]*$", "leaked").min_length(Some(1)).max_length(Some(2000));
    /// The id of an event.
    EventId = text(ID_PATTERN, "42");
    /// The id of a job.
    JobId = text(ID_PATTERN, "7");
    /// The id of a ledger entry.
    EntryId = text(ID_PATTERN, "9");
    /// The id of a journal.
    JournalId = text(ID_PATTERN, "12");
    /// The id of a review.
    ReviewId = text(ID_PATTERN, "5");
    /// A key that the client chooses, such as a UUID. It stands for one request.
    IdempotencyKey = text("^[!-~]{1,255}$", "7f1c9bd0-6d0a-4b57-9d3e-0c1a5f3f2b11");
    /// The state of a journal.
    JournalState = one_of(store::JournalState::VARIANTS.iter().map(ToString::to_string));
    /// What is wrong.
    ReviewKind = one_of(store::REVIEW_KINDS);
    /// Which reviews.
    ReviewState = one_of(["open", "resolved", "all"]);
    /// A report.
    ReportKind = one_of(store::ReportKind::NAMED);
    /// How a report is written: one JSON object, CSV with a header, or a JSON object in each line.
    ReportFormat = one_of(store::ReportFormat::VARIANTS);
    /// An account of the ledger.
    LedgerAccountName = text(&format!("^({})$", LedgerAccount::pattern()), "user/alpaca:a1/fiat_exposure");
    /// A channel, the protocol by which an event came in.
    Channel = one_of(webhooks::Channel::all().map(webhooks::Channel::as_str));
    /// An endpoint: the path below `/api/v1/webhooks/`.
    Endpoint = one_of(webhooks::Endpoint::all().map(|endpoint| endpoint.to_string()));
    /// The state of a job.
    JobState = one_of(store::JobState::VARIANTS.iter().map(ToString::to_string));
    /// Why there is a job.
    JobCause = one_of(store::JobCause::VARIANTS.iter().map(ToString::to_string));
    /// A text that is compared with that of the provider.
    FilterText = text("^[^\\u0000]*$", "trade").max_length(Some(FILTER_TEXT_CHARS_MAX));
    /// A time in RFC 3339.
    Time = text_object("2026-01-02T00:00:00Z").format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    /// The number of rows of a page.
    Rows = number(1..=PAGE_ROWS_MAX).default(Some(ROWS_DEFAULT.into()));
}

fn text_object(example: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).examples([example])
}

fn text(pattern: &str, example: &str) -> ObjectBuilder {
    text_object(example).pattern(Some(pattern))
}

fn one_of<T: Display>(values: impl IntoIterator<Item = T>) -> ObjectBuilder {
    let values = values.into_iter().map(|value| value.to_string());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values))
}

fn number(range: RangeInclusive<u32>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(*range.start())).maximum(Some(*range.end()))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the derived description alone")]
pub(crate) struct SymbolParameter {
    symbol: Symbol,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the derived description alone")]
pub(crate) struct WindowParameters {
    timeframe: Option<Timeframe>,
    /// Calendar days back from the newest bar, that day included. By default 365 for days, 1,827 (five years) for weeks and 3,653
    /// (ten years) for months. Indicators are computed from all bars, and are the same for every number of days.
    days: Option<Days>,
}
