//! `investiq customers …`: which accounts at providers belong to one customer. Links are explicit and recorded in the audit chain;
//! they decide what is read together, and post nothing.

use domain::{CustomerId, ExternalId};
use serde::Serialize;
use store::{CustomerAccount, CustomerError};

use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::table::table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Link an account to a customer
    #[command(after_help = "Examples:\n  investiq customers link c-1042 alpaca:a1")]
    Link(Link),
    /// Unlink an account from a customer
    #[command(after_help = "Examples:\n  investiq customers unlink c-1042 alpaca:a1")]
    Unlink(Link),
    /// List linked accounts
    List(List),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Link {
    /// The customer: an id of your own, of letters, digits, -, _ and .
    customer: CustomerId,
    /// The account at a provider, such as alpaca:a1
    account: ExternalId,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq customers list --customer c-1042")]
pub(crate) struct List {
    /// Only accounts of this customer
    #[arg(long, value_name = "CUSTOMER")]
    customer: Option<CustomerId>,
    /// Maximum number of accounts
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Only accounts after this one, such as the last of the previous page
    #[arg(long, value_name = "ACCOUNT")]
    after: Option<ExternalId>,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Page {
    links: Vec<CustomerAccount>,
}

pub(crate) async fn run(command: &Command, console: &mut Console) -> Result<Exit, Failure> {
    let database = Database::open(console).await?;
    let (store, now) = (&database.store, console.now());
    let (customer, after, limit, output) = match command {
        Command::Link(Link { customer, account, output }) => {
            store.link_account(customer, account, database.actor(), now).await?;
            (Some(customer), None, store::PAGE_ROWS_MAX, output)
        }
        Command::Unlink(Link { customer, account, output }) => {
            store.unlink_account(customer, account, database.actor(), now).await?;
            (Some(customer), None, store::PAGE_ROWS_MAX, output)
        }
        Command::List(List { customer, limit, after, output }) => {
            (customer.as_ref(), after.as_ref(), *limit, output)
        }
    };
    let links = store.customer_accounts(customer, after, limit).await?;
    output.print(console, "investiq.customers.v1", &Page { links }, text)?;
    Ok(Exit::Success)
}

fn text(Page { links }: &Page) -> String {
    let cells = |link: &CustomerAccount| {
        let CustomerAccount { customer, account, linked_at, linked_by } = link;
        [customer.to_string(), account.to_string(), linked_at.to_string(), linked_by.clone()]
    };
    table(["CUSTOMER", "ACCOUNT", "LINKED", "BY"], &links.iter().map(cells).collect::<Vec<_>>())
}

impl From<CustomerError> for Failure {
    fn from(error: CustomerError) -> Self {
        match error {
            CustomerError::Store(error) => error.into(),
            refusal => Self::Precondition(refusal.to_string()),
        }
    }
}
