//! The URL of a shared journal, taken apart; what its parts mean is [`address`](super::address)'s.

use std::time::Duration;

use crate::model::time::parse_span;

/// What it may begin with.
pub(super) const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

const PARAMETERS: &str = "sslmode, sslrootcert, password_file, password_env, lease, runner_role, host";

const SHORTEST_LEASE: Duration = Duration::from_secs(2);
const LONGEST_LEASE: Duration = Duration::from_secs(3600);

/// The parts of a URL, and what is wrong with them. No message repeats what stands where a password may.
#[derive(Default)]
pub(super) struct Url {
    pub(super) user: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
    parameters: Vec<(String, String)>,
    pub(super) faults: Vec<String>,
}

impl Url {
    /// Takes a URL apart, and lists everything that is wrong with it.
    pub(super) fn read(text: &str) -> Self {
        let mut read = Self::default();
        let rest = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        if query.contains('@') {
            // Perhaps a password, of which no part may be told.
            read.fault("it has an @ behind the ?; write %40 for it, and leave passwords out");
            return read;
        }
        let (user, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        read.parameters(query);
        read.user(user);
        read.place(authority);
        read.database = read.decoded("the database's name", database);
        if read.database.is_empty() {
            read.fault("it names no database");
        }
        read
    }

    /// The value of a parameter, if it is there.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    fn fault(&mut self, what: &str) {
        self.faults.push(what.to_owned());
    }

    fn user(&mut self, text: &str) {
        let (user, password) = text.split_once(':').map_or((text, None), |(user, password)| (user, Some(password)));
        if password.is_some() {
            self.fault(
                "a password does not belong in a URL: take it out, and set PGPASSWORD, keep it in ~/.pgpass, or name its \
                 place with ?password_file=PATH or ?password_env=NAME",
            );
        }
        self.user = self.decoded("the user's name", user);
        if self.user.is_empty() {
            self.fault("it names no user");
        }
    }

    fn place(&mut self, authority: &str) {
        let has_socket = self.parameters.iter().any(|(key, _)| key == "host");
        let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':').unwrap_or(port)),
            None => authority.split_once(':').unwrap_or((authority, "")),
        };
        self.host = self.decoded("the host's name", host);
        match (self.host.is_empty(), has_socket) {
            (true, false) => self.fault("it names no host"),
            (false, true) => self.fault("it names a host, and a socket's folder with ?host= too"),
            _ => {}
        }
        if self.host.contains(',') {
            self.fault("it names several hosts; one name must lead to the server that may be written to");
        }
        self.port = if port.is_empty() { 5432 } else { port.parse().unwrap_or_default() };
        if self.port == 0 {
            self.fault(&format!("{port:?} is no port"));
        }
    }

    fn parameters(&mut self, query: &str) {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = self.decoded(key, value);
            let trouble = match key {
                "password" => Some("a password does not belong in a URL: use password_file or password_env".to_owned()),
                "sslmode" if !matches!(value.as_str(), "verify-full" | "disable") => Some(format!(
                    "sslmode={value}: a server proves its name, or is on this machine: verify-full or disable"
                )),
                "lease" => {
                    let fits = parse_span(&value).is_some_and(|span| (SHORTEST_LEASE..=LONGEST_LEASE).contains(&span));
                    (!fits).then(|| format!("lease={value}: a span between 2s and 1h is expected, such as 120s"))
                }
                "host" if !value.starts_with('/') => {
                    Some(format!("host={value}: the folder of a socket is expected; a host stands before the port"))
                }
                "sslmode" | "sslrootcert" | "password_file" | "password_env" | "runner_role" | "host" => {
                    value.is_empty().then(|| format!("{key} has no value"))
                }
                _ => Some(format!("the parameter {key:?} is not known; there are {PARAMETERS}")),
            };
            let is_twice = self.parameters.iter().any(|(known, _)| known == key);
            self.faults.extend(trouble.or_else(|| is_twice.then(|| format!("{key} is given twice"))));
            self.parameters.push((key.to_owned(), value));
        }
        let has = |name: &str| self.parameters.iter().any(|(key, _)| key == name);
        let is_plain = self.parameters.contains(&("sslmode".to_owned(), "disable".to_owned()));
        let in_vain = is_plain && has("sslrootcert");
        let has_two_places = has("password_file") && has("password_env");
        if in_vain {
            self.fault("sslrootcert means nothing with sslmode=disable");
        }
        if has_two_places {
            self.fault("password_file and password_env are two places for one password");
        }
    }

    fn decoded(&mut self, what: &str, text: &str) -> String {
        let decoded = percent_decoded(text);
        if decoded.is_none() {
            self.fault(&format!("{what} has a % that is not followed by two hexadecimal digits of UTF-8 text"));
        }
        decoded.unwrap_or_default()
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).filter(|(digits, _)| !digits.starts_with('+'))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}
