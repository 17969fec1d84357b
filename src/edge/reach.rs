//! Whether a host can be reached, step by step: its name, a connection, TLS, an answer. Nothing is asked of it but its head.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::clock::SystemClock;
use super::http::causes;
use crate::doku::answer::http_date;
use crate::model::time::Timestamp;
use crate::runner::clock::Clock as _;

/// The longest that one step may take.
const STEP: Duration = Duration::from_secs(5);

/// An answer, whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Where the connection went.
    pub address: SocketAddr,
    /// Whether it was encrypted, and the host proved who it is.
    pub tls: bool,
    /// Its `Date` header, in whole seconds; `None`: it has none that can be read.
    pub date: Option<Timestamp>,
    /// Our clock before the request left.
    pub before: Timestamp,
    /// Our clock when the answer was there.
    pub after: Timestamp,
}

/// The step that failed, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreached {
    /// Its name leads to no address.
    #[error("DNS: the name {0} cannot be resolved: {1}")]
    Name(String, String),
    /// Nobody takes the connection.
    #[error("TCP: no connection to {0}: {1}")]
    Connection(String, String),
    /// It does not prove who it is, or does not speak TLS.
    #[error("TLS: {0}")]
    Tls(String),
    /// It takes the connection, and does not answer.
    #[error("HTTP: {0}")]
    Answer(String),
}

/// Asks a host for its head: `HEAD /`, without keys and without a body, which changes nothing.
///
/// # Errors
/// The first step that failed.
pub async fn reach(base_url: &str) -> Result<Reached, Unreached> {
    let (authority, tls) = authority(base_url);
    let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host).to_owned();
    let unnamed = |why: &dyn std::fmt::Display| Unreached::Name(host.clone(), why.to_string());
    let found = timeout(STEP, tokio::net::lookup_host(&authority)).await.map_err(|_late| unnamed(&LATE))?;
    let addresses: Vec<SocketAddr> = found.map_err(|error| unnamed(&error))?.collect();
    let address = connect(&authority, &addresses).await?;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .http1_only()
        .timeout(STEP)
        .user_agent(concat!("rekon/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Unreached::Tls(causes(&error)))?;
    let before = SystemClock.now();
    let answer = client.head(format!("{base_url}/")).send().await.map_err(|error| {
        let why = if error.is_timeout() { LATE.to_owned() } else { causes(&error) };
        if tls && error.is_connect() { Unreached::Tls(why) } else { Unreached::Answer(why) }
    })?;
    let after = SystemClock.now();
    let date = answer.headers().get("Date").and_then(|value| http_date(value.to_str().ok()?));
    Ok(Reached { address, tls, date, before, after })
}

const LATE: &str = "nothing within 5 s";

/// Connects to the first address that takes a connection, and hangs up.
async fn connect(authority: &str, addresses: &[SocketAddr]) -> Result<SocketAddr, Unreached> {
    let mut why = "the name has no address".to_owned();
    for address in addresses {
        match timeout(STEP, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(*address),
            Ok(Err(error)) => why = error.to_string(),
            Err(_late) => LATE.clone_into(&mut why),
        }
    }
    Err(Unreached::Connection(authority.to_owned(), why))
}

/// Host and port of a base URL, and whether it is encrypted.
fn authority(base_url: &str) -> (String, bool) {
    let (scheme, rest) = base_url.split_once("://").unwrap_or(("https", base_url));
    let tls = scheme == "https";
    let host = rest.split('/').next().unwrap_or_default();
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let port = if tls { 443 } else { 80 };
    (if has_port { host.to_owned() } else { format!("{host}:{port}") }, tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_port_has_that_of_its_scheme() {
        for (url, expected) in [
            ("https://api.doku.com", ("api.doku.com:443", true)),
            ("http://localhost", ("localhost:80", false)),
            ("http://127.0.0.1:9090", ("127.0.0.1:9090", false)),
            ("https://[::1]", ("[::1]:443", true)),
            ("http://[::1]:80", ("[::1]:80", false)),
        ] {
            assert_eq!(authority(url), (expected.0.to_owned(), expected.1), "{url}");
        }
    }
}
