//! `investiq secrets emergency NAME --reason …`: a new value at once, and the old one refused wherever it is offered.
//!
//! It waits for nobody, so requests may fail until every process has the news: that is the price, and it says so.

use secrets::rotation::{self, Distribution, Rotation};
use secrets::{Class, SecretSpec};

use crate::account::{Account, AccountArguments};
use crate::console::Console;
use crate::document::Form;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::new_value::NewValueArguments;
use crate::rotating::Standing;

use super::declared;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The secret
    name: String,
    /// Why: it is kept in the record
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    value: NewValueArguments,
    /// Say what would break, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    account: AccountArguments,
    #[command(flatten)]
    form: Form,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = declared(&arguments.name)?;
    let account = arguments.account.open(console).await?;
    account.verify(&spec.name).await?;
    console.say(&format!("what breaks: {}", breakage(&spec)));
    if !arguments.dry_run {
        replace(arguments, &account, &spec, console).await?;
    }
    let next = match arguments.dry_run {
        true => "nothing was changed".to_owned(),
        false => format!(
            "every process that reaches AWS refuses the old value within {} s",
            rotation::emergency_bound(&spec).as_secs()
        ),
    };
    Standing::without_plan(&spec, next).answer(console, arguments.form)?;
    Ok(Exit::Good)
}

async fn replace(
    arguments: &Arguments,
    account: &Account,
    spec: &SecretSpec,
    console: &mut Console,
) -> Result<(), Failure> {
    let value = arguments.value.value(account, spec, console).await?;
    let (manager, plan) = (&account.manager, account.state.plan(&spec.name));
    let mut rotation =
        Rotation::begin_emergency(manager, spec, console.clock(), plan, &arguments.reason).await?;
    console.progress(1, 3, "planned");
    rotation.create(&value).await?;
    console.progress(2, 3, "stored");
    rotation.finish(Distribution::ByTime).await?;
    console.progress(3, 3, "the new value took over; the old value is revoked");
    Ok(())
}

/// What stops working at once.
fn breakage(spec: &SecretSpec) -> &'static str {
    match spec.class {
        Class::SigningKey => "everything that was signed with the old key is refused: people sign in again",
        Class::EncryptionKey => {
            "what the old key encrypted cannot be read until the old version is asked for by its id"
        }
        Class::WebhookSecret => "deliveries are refused until the vendor signs with the new secret",
        Class::AccessList => "every caller whose key is not in the new list is refused",
        Class::ApiKey | Class::DbCredential => {
            "calls fail until every process has the new value; end the old one at its vendor, too"
        }
        Class::Pepper => "everything that was hashed with it no longer matches",
        _ => "whoever holds the old value is refused",
    }
}
