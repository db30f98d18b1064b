//! The value that a rotation brings: read from input, generated, or prompted for.

use config::api_keys::KeyMode;
use secrets::SecretSpec;
use secrets::rotation::NewValue;

use crate::aws_account::AwsAccount;
use crate::console::Console;
use crate::failure::Failure;
use crate::generator::Generator;
use crate::named_values;
use crate::validate::validate;
use crate::value_input::ValueInput;

/// By default the value is generated, or prompted for if somebody else issues it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct NewValueArguments {
    #[command(flatten)]
    input: ValueInput,
    /// Environment of a generated API key
    #[arg(long = "env", value_parser = named_values::key_mode(), default_value = "live")]
    mode: KeyMode,
}

impl NewValueArguments {
    pub(crate) async fn value(
        &self,
        account: &AwsAccount,
        spec: &SecretSpec,
        console: &Console,
    ) -> Result<NewValue, Failure> {
        match Generator::for_secret(spec).filter(|_| !self.input.is_given()) {
            Some(Generator::Key) => Ok(NewValue::Generated),
            Some(generator) => Ok(NewValue::Given(generator.generate(spec, self.mode)?)),
            None => {
                let raw = self.input.read(spec)?;
                let origin = account.manager.origin(&spec.name);
                Ok(NewValue::Given(validate(spec, raw, origin, account.profile, console).await?.value))
            }
        }
    }
}
