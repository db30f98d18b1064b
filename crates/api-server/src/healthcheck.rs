//! Asks a running server whether it is alive, for the health check of a container that has no other program in it.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use config::Environment;
use outbound::Proxy;
use reqwest::Url;
use telemetry::with_causes;

const TIMEOUT: Duration = Duration::from_secs(3);

/// Requests `url`, or `/livez` of the configured server. Healthy is a 2xx response.
pub(crate) fn run(url: Option<Url>) -> ExitCode {
    match url.map_or_else(configured_url, Ok).and_then(request) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("api-server is not healthy: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

fn configured_url() -> Result<Url, Box<dyn Error>> {
    let (environment, _) = config::with_dotenv(Environment::from_process())?;
    Ok(format!("{}/livez", config::load(&environment)?.local_url()).parse()?)
}

fn request(url: Url) -> Result<(), Box<dyn Error>> {
    let client =
        outbound::client_builder(TIMEOUT, &Proxy::none()).timeout(TIMEOUT).https_only(false).build()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(async { client.get(url.clone()).send().await })?.status();
    if status.is_success() { Ok(()) } else { Err(format!("{url} responded with {status}").into()) }
}
