//! `investiq webhooks send`: signs a delivery as its provider would and posts it. It knows the server's address and the
//! sender's key, and nothing else of the server.

mod answer;
mod arguments;

use jiff::Timestamp;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::renewal;
use crate::signing::{Signed, Signer, Source, Tamper};

pub(crate) use arguments::Arguments;

use answer::{Answers, Client};

/// What is sent, by whom, and what is wrong with it.
struct Delivery {
    source: Source,
    signer: Signer,
    body: Vec<u8>,
    tamper: Option<Tamper>,
    is_renewed: bool,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let delivery = arguments.delivery(console)?;
    let client = Client::new(&arguments.base_url(console)?)?;
    let expected = delivery.tamper.and_then(|tamper| tamper.refusal(delivery.source));
    let bar = console.bar(u64::from(arguments.count), "sending");
    let mut answers = Answers::default();
    for _ in 0..arguments.count {
        let signed = delivery.sign(console.now())?;
        answers.count(client.post(signed).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    answers.tell(expected, arguments.form, console)
}

impl Delivery {
    fn sign(&self, now: Timestamp) -> Result<Signed, Failure> {
        let renewed = self.is_renewed.then(|| renewal::renewed(self.source, &self.body)).transpose()?;
        let body = renewed.as_deref().unwrap_or(&self.body);
        match self.tamper {
            None => self.signer.sign(body, now),
            Some(tamper) => self.signer.sign_wrongly(tamper, body, now),
        }
    }
}
