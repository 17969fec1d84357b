//! The hosts that a job may name: which of them are this machine, and which environment may call which.

use super::values::whole;
use crate::model::environment::Environment;

/// Scheme, host and port. A path is refused, for it would become part of the signed target.
pub(super) fn base_url(text: &str) -> Option<String> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let place = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://").filter(|_| is_loopback(text)))?;
    is_host_and_port(place).then(|| text.to_owned())
}

/// Why a URL cannot be the base of an environment; `None` if it can. The environment is part of every item's identity: a
/// call to DOKU's production under another name would be made again under its own.
#[must_use]
pub fn wrong_host(environment: Environment, url: &str) -> Option<&'static str> {
    let of = |of: Environment| {
        of.host().is_some_and(|host| url.trim_end_matches(":443").trim_end_matches('.').eq_ignore_ascii_case(host))
    };
    match environment {
        Environment::Simulator if !is_loopback(url) => Some("the simulator is on loopback"),
        Environment::Sandbox if of(Environment::Production) => Some("this is DOKU's production"),
        Environment::Production if of(Environment::Sandbox) => Some("this is DOKU's sandbox"),
        Environment::Simulator | Environment::Sandbox | Environment::Production => None,
    }
}

/// Whether a URL's host is this machine.
#[must_use]
pub fn is_loopback(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(inside) => inside.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a request can be made to it at all: to port 99999, say, none can.
fn is_host_and_port(text: &str) -> bool {
    let (host_is_good, port) = match text.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(None) => return false,
        Some(Some((inside, port))) => (inside.parse::<std::net::Ipv6Addr>().is_ok(), port),
        None => {
            let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            (is_host(host), port)
        }
    };
    let port_is_good = |port: &str| whole::<std::num::NonZeroU16>(port).is_some();
    host_is_good && (port.is_empty() || port.strip_prefix(':').is_some_and(port_is_good))
}

/// A name, or the four numbers of an address: what ends in a number can be nothing else.
fn is_host(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(plain);
    let is_number = |last: &str| last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit());
    let ends_in_a_number = text.rsplit('.').next().is_some_and(is_number);
    text.split('.').all(is_part) && (!ends_in_a_number || text.parse::<std::net::Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_a_port_are_what_a_request_can_be_made_to() {
        for good in ["api.doku.com", "api.doku.com.:443", "10.0.0.1", "127.0.0.1:65535", "[::1]", "[::1]:1", "a-1.3com"]
        {
            assert!(is_host_and_port(good), "{good}");
        }
        for other in [
            "",
            ":80",
            "a:",
            "a:0",
            "a:080",
            "a:65536",
            "a:1:2",
            "a..b",
            "10.0.0.256",
            "1.2.3",
            "0x7f",
            "[::1",
            "[a]",
            "[::1]1",
            "a_b",
        ] {
            assert!(!is_host_and_port(other), "{other}");
        }
    }

    #[test]
    fn no_environment_calls_the_host_of_another() {
        use Environment::{Production, Sandbox, Simulator};
        let (production, sandbox, here) =
            ("https://api.doku.com", "https://API-sandbox.doku.com", "http://127.0.0.1:9");
        for (environment, url) in
            [(Simulator, production), (Simulator, sandbox), (Sandbox, production), (Production, sandbox)]
        {
            assert!(wrong_host(environment, url).is_some(), "{environment} {url}");
        }
        for (environment, url) in
            [(Simulator, here), (Sandbox, sandbox), (Sandbox, here), (Production, production), (Production, here)]
        {
            assert!(wrong_host(environment, url).is_none(), "{environment} {url}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for url in ["http://127.0.0.1:9090", "http://localhost", "http://[::1]:80/x", "https://127.8.9.10"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "http://127.0.0.1@evil.example",
            "http://127.0.0.1.evil.example",
            "https://api.doku.com",
            "http://0x7f000001",
            "ftp://127.0.0.1",
            "localhost",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
