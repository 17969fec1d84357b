//! One HTTP exchange over the network, through reqwest with everything off that could send a request twice.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use crate::doku::exchange::{Answer, Exchange, Request, target};
use crate::model::operation::Operation;
use crate::runner::gateway::Gateway;

/// An answer of the provider's has a few hundred bytes; one of this size is something else (`failure-modes.md` N12).
const LARGEST_ANSWER: usize = 1024 * 1024;

/// Connecting takes at most this long, the look-up of the name included (`failure-modes.md` N2).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// And no more than so many quarters of the time that a whole call has. Of a call whose own time is over nobody can tell whether it
/// had a connection; one that is given up while it connects has carried nothing.
const QUARTERS_TO_CONNECT: u32 = 3;

/// The names of the headers that we send, read once.
static OURS: [(&str, HeaderName); 4] = [
    ("Client-Id", HeaderName::from_static("client-id")),
    ("Request-Id", HeaderName::from_static("request-id")),
    ("Request-Timestamp", HeaderName::from_static("request-timestamp")),
    ("Signature", HeaderName::from_static("signature")),
];

/// The provider over HTTP.
#[derive(Debug, Clone)]
pub struct HttpGateway {
    client: reqwest::Client,
    base_url: String,
    /// The URLs of the operations, read once; all other targets differ from call to call.
    operations: Vec<(&'static str, Url)>,
}

/// The client could not be made, for want of root certificates, say.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be made: {0}")]
pub struct NoClient(#[from] reqwest::Error);

impl HttpGateway {
    /// A gateway to `base_url` (scheme, host and port). No redirects, no retries, no proxy, one deadline for each call.
    ///
    /// # Errors
    /// The client cannot be made.
    pub fn new(base_url: &str, timeout: Duration, connections: usize) -> Result<Self, NoClient> {
        Self::through(client(timeout, connections), base_url)
    }

    fn through(client: reqwest::ClientBuilder, base_url: &str) -> Result<Self, NoClient> {
        let client = client.build()?;
        let url = |operation| {
            let target = target(operation);
            Url::parse(&format!("{base_url}{target}")).ok().map(|url| (target, url))
        };
        let operations = Operation::ALL.into_iter().filter_map(url).collect();
        Ok(Self { client, base_url: base_url.to_owned(), operations })
    }
}

fn client(timeout: Duration, connections: usize) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .http1_only()
        .timeout(timeout)
        .connect_timeout(CONNECT_TIMEOUT.min(timeout * QUARTERS_TO_CONNECT / 4))
        // Shorter than a server's keep-alive, or a request is written into a connection that is being closed.
        .pool_idle_timeout(Duration::from_secs(15))
        .pool_max_idle_per_host(connections)
        .user_agent(concat!("rekon/", env!("CARGO_PKG_VERSION")))
}

impl Gateway for HttpGateway {
    async fn exchange(&self, request: Request) -> Exchange {
        let method = if request.body.is_some() { Method::POST } else { Method::GET };
        let known = self.operations.iter().find(|(target, _)| *target == request.target);
        let mut call = match known {
            Some((_, url)) => self.client.request(method, url.clone()),
            None => self.client.request(method, format!("{}{}", self.base_url, request.target)),
        };
        if let Some(body) = request.body {
            call = call.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body);
        }
        for (name, value) in request.headers {
            call = match OURS.iter().find(|(ours, _)| *ours == name) {
                Some((_, name)) => call.header(name.clone(), value),
                None => call.header(name, value),
            };
        }
        let response = match call.send().await {
            Ok(response) => response,
            Err(error) => return failed(&error),
        };
        let status = response.status().as_u16();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        match read_body(response).await {
            Ok(body) => Exchange::Answered(Answer { status, headers, body }),
            Err(exchange) => exchange,
        }
    }
}

async fn read_body(mut response: reqwest::Response) -> Result<Vec<u8>, Exchange> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(Exchange::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A request or a connection that could not be made has carried nothing. Everything after that may have.
fn failed(error: &reqwest::Error) -> Exchange {
    if error.is_builder() || error.is_connect() {
        Exchange::NotSent(causes(error))
    } else if error.is_timeout() {
        Exchange::TimedOut
    } else {
        Exchange::Lost(causes(error))
    }
}

/// The innermost cause says most; the outer ones repeat the URL.
pub(super) fn causes(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if error.source().is_none() { "the call failed".to_owned() } else { innermost.to_string() }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use reqwest::dns::{Name, Resolve, Resolving};

    use super::*;

    /// A look-up that never ends.
    struct Silence;

    impl Resolve for Silence {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(pending())
        }
    }

    fn request() -> Request {
        Request {
            target: "/".to_owned(),
            headers: ["A", "B", "C", "D"].map(|name| (name, String::new())),
            body: Some(b"{}".to_vec()),
            safe_until: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_whose_name_is_looked_up_in_vain_has_carried_nothing() {
        for timeout in [Duration::from_millis(250), CONNECT_TIMEOUT, CONNECT_TIMEOUT * 6] {
            let client = client(timeout, 1).dns_resolver(Arc::new(Silence));
            let gateway = HttpGateway::through(client, "http://nowhere.example").unwrap();
            let exchange = gateway.exchange(request()).await;
            assert!(matches!(exchange, Exchange::NotSent(_)), "{timeout:?}: {exchange:?}");
        }
    }

    #[tokio::test]
    async fn a_request_that_could_not_even_be_made_has_carried_nothing() {
        let gateway = HttpGateway::new("http://127.0.0.1:99999", CONNECT_TIMEOUT, 1).unwrap();
        let exchange = gateway.exchange(request()).await;
        assert!(matches!(exchange, Exchange::NotSent(_)), "{exchange:?}");
    }
}
