//! Pings of a health check: short GET requests to a service that raises the alarm when none comes (healthchecks.io, and what
//! speaks its language). The URL is a secret: whoever has it can make silence look like health. It is in no message here.

use std::error::Error as _;
use std::time::Duration;

use crate::job::hosts::is_loopback;
use crate::model::secret::Secret;

/// The longest that one ping may take.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// What a ping says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A run begins.
    Start,
    /// It ended with this exit code.
    Ended(u8),
    /// Noted and nothing else: another run is at work, and its end is the one that counts.
    Noted,
}

/// Where to ping.
#[derive(Debug, Clone)]
pub struct Check {
    url: Secret,
}

/// The text is no URL that may be pinged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what it names is not an https URL, or http on loopback")]
pub struct NoUrl;

/// Why a ping was not heard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unheard {
    /// No answer.
    #[error("{0}")]
    NoAnswer(String),
    /// An answer that is no success.
    #[error("the answer was {0}")]
    Answer(u16),
}

impl Check {
    /// Takes the URL of a check.
    ///
    /// # Errors
    /// It is not https, nor http on loopback.
    pub fn new(url: &Secret) -> Result<Self, NoUrl> {
        let text = url.expose().trim();
        let plain = text.strip_prefix("http://").is_some_and(|_| is_loopback(text));
        let host = text.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
        let has_host = host.is_some_and(|host| !host.is_empty());
        let is_one = (text.starts_with("https://") || plain) && has_host;
        let is_clean = text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_one && is_clean { Ok(Self { url: Secret::new(text) }) } else { Err(NoUrl) }
    }

    /// The URL with the signal in its path; what follows a `?` stays behind it.
    fn target(&self, signal: Signal) -> String {
        let text = self.url.expose().split('#').next().unwrap_or_default();
        let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
        let path = path.trim_end_matches('/');
        let path = match signal {
            Signal::Start => format!("{path}/start"),
            Signal::Ended(0) => path.to_owned(),
            Signal::Ended(code) => format!("{path}/{code}"),
            Signal::Noted => format!("{path}/log"),
        };
        query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"))
    }

    /// Sends one ping.
    ///
    /// # Errors
    /// Nobody listens, it took too long, or the answer is no success. The message does not hold the URL.
    pub async fn ping(&self, signal: Signal) -> Result<(), Unheard> {
        let unheard = |error: reqwest::Error| Unheard::NoAnswer(cause(&error.without_url()));
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .user_agent(concat!("rekon/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(unheard)?;
        let answer = client.get(self.target(signal)).send().await.map_err(unheard)?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(Unheard::Answer(status.as_u16())) }
    }
}

/// The innermost cause, without the URL, which the outer ones may repeat.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", TIMEOUT.as_secs());
    }
    let mut innermost = error.source();
    while let Some(source) = innermost.and_then(std::error::Error::source) {
        innermost = Some(source);
    }
    innermost.map_or_else(|| "the ping failed".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str) -> Result<Check, NoUrl> {
        Check::new(&Secret::new(url))
    }

    #[test]
    fn the_signal_is_part_of_the_path() {
        let (start, good, bad) = (Signal::Start, Signal::Ended(0), Signal::Ended(3));
        let plain = check("https://hc.example/abc/").unwrap();
        assert_eq!(plain.target(start), "https://hc.example/abc/start");
        assert_eq!(plain.target(good), "https://hc.example/abc");
        assert_eq!(plain.target(bad), "https://hc.example/abc/3");
        assert_eq!(plain.target(Signal::Noted), "https://hc.example/abc/log");
        let with_query = check("http://127.0.0.1:8000/key/slug?create=1").unwrap();
        assert_eq!(with_query.target(bad), "http://127.0.0.1:8000/key/slug/3?create=1");
    }

    #[test]
    fn only_https_and_this_machine_are_pinged() {
        for url in ["https://hc.example/a", "http://127.0.0.1:1/a", "http://localhost/a"] {
            assert!(check(url).is_ok(), "{url}");
        }
        for url in
            ["http://hc.example/a", "hc.example/a", "ftp://127.0.0.1/a", "", "https://", "https:///a", "https://a b"]
        {
            assert_eq!(check(url).err(), Some(NoUrl), "{url}");
        }
        assert!(!format!("{:?}", check("https://hc.example/abc")).contains("abc"));
    }
}
