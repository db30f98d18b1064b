//! `investiq webhooks send`: signs a delivery as its provider would and posts it. It knows the server's address and the
//! sender's key, and nothing else of the server.

mod arguments;
mod response;

use jiff::Timestamp;
use webhooks::ChannelDeclaration;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::fresh_ids::with_fresh_ids;
use crate::signing::{SignedRequest, Signer, Tamper};

pub(crate) use arguments::Arguments;

use response::{Client, Responses};

struct Delivery {
    channel: &'static ChannelDeclaration,
    signer: Signer,
    body: Vec<u8>,
    tamper: Option<Tamper>,
    has_fresh_ids: bool,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let delivery = arguments.delivery(console)?;
    let client = Client::new(&arguments.base_url(console)?, &config::outbound_proxy(console.environment())?)?;
    let expected = delivery.tamper.and_then(|tamper| tamper.reason(delivery.channel));
    let bar = console.progress_bar(u64::from(arguments.count), "sending");
    let mut responses = Responses::default();
    for _ in 0..arguments.count {
        let request = delivery.sign(console.now())?;
        responses.count(client.post(request).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    responses.print(expected, arguments.output, console)
}

impl Delivery {
    fn sign(&self, now: Timestamp) -> Result<SignedRequest, Failure> {
        let fresh = self.has_fresh_ids.then(|| with_fresh_ids(self.channel, &self.body)).transpose()?;
        let body = fresh.as_deref().unwrap_or(&self.body);
        match self.tamper {
            None => self.signer.sign(body, now),
            Some(tamper) => self.signer.sign_tampered(tamper, body, now),
        }
    }
}
