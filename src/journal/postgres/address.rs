//! Where a shared journal is: `postgres://USER@HOST:PORT/DATABASE?PARAMETERS`.
//!
//! A password never stands in the URL, which ends up in job files and process lists: it comes from `password_file`, from the
//! variable that `password_env` names, from `PGPASSWORD`, or from the password file of PostgreSQL's own programs. Whoever is
//! not on this machine is spoken to over TLS only, and has to prove its name.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::password;
use super::url::{SCHEMES, Url};
use crate::journal::JournalError;
use crate::model::secret::Secret;
use crate::model::time::parse_span;

/// The lease of a runner, if the URL says nothing else.
const LEASE: Duration = Duration::from_secs(120);

/// Where a shared journal is, and how it is reached.
#[derive(Debug, Clone)]
pub struct Address {
    pub(super) user: String,
    pub(super) place: Place,
    pub(super) port: u16,
    pub(super) database: String,
    pub(super) password: Option<Secret>,
    pub(super) tls: Tls,
    lease: Duration,
    runner_role: Option<String>,
}

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A host by its name or number.
    Host(String),
    /// The folder of a socket on this machine.
    Socket(PathBuf),
}

/// How the server proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tls {
    /// It does not: it is on this machine.
    None,
    /// By a certificate of its name, for which the roots in this file vouch; `None`: those of this machine.
    Verified(Option<PathBuf>),
}

impl Place {
    fn is_here(&self) -> bool {
        match self {
            Self::Socket(_) => true,
            Self::Host(host) => {
                host == "localhost"
                    || host == "::1"
                    || host.parse().is_ok_and(|ip: std::net::Ipv4Addr| ip.is_loopback())
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, port, database, .. } = self;
        match &self.place {
            Place::Host(host) if host.contains(':') => write!(out, "postgres://{user}@[{host}]:{port}/{database}"),
            Place::Host(host) => write!(out, "postgres://{user}@{host}:{port}/{database}"),
            Place::Socket(folder) => write!(out, "postgres://{user}@:{port}/{database}?host={}", folder.display()),
        }
    }
}

impl Address {
    /// Whether a text that names a journal is the URL of a shared one, and not the path of a file.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        SCHEMES.iter().any(|scheme| text.starts_with(scheme))
    }

    /// The URL without what may be a password, to be shown before it is understood.
    #[must_use]
    pub fn masked(text: &str) -> String {
        let rest = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        format!("postgres://{}", place.split('?').next().unwrap_or_default())
    }

    /// Understands a URL. Paths in it are relative to `folder`; `variable` looks a variable of the environment up.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] with everything that is wrong with it, and with the password that is not to be had.
    pub fn parse(text: &str, folder: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, JournalError> {
        let unusable = |reason: String| JournalError::Unusable { path: Self::masked(text), reason };
        let url = Url::read(text);
        if !url.faults.is_empty() {
            let hint = "\n  hint: postgres://USER@HOST:PORT/DATABASE?PARAMETER=VALUE";
            return Err(unusable(url.faults.join("; ") + hint));
        }
        let value = |name: &str| url.value(name);
        let place = value("host").map(|socket| Place::Socket(folder.join(socket)));
        let place = place.unwrap_or_else(|| Place::Host(url.host.clone()));
        if value("sslmode").as_deref() == Some("disable") && !place.is_here() {
            return Err(unusable(
                "sslmode=disable is for a server on this machine; any other one proves its name over TLS\n  \
                 hint: leave sslmode out; if the roots of this machine do not vouch for the server, name its own with \
                 ?sslrootcert=PATH"
                    .to_owned(),
            ));
        }
        let roots = value("sslrootcert").map(|path| folder.join(path));
        let tls = match value("sslmode").as_deref() {
            None | Some("disable") if place.is_here() && roots.is_none() => Tls::None,
            _ => Tls::Verified(roots),
        };
        let mut address = Self {
            user: url.user.clone(),
            place,
            port: url.port,
            database: url.database.clone(),
            password: None,
            tls,
            lease: value("lease").and_then(|text| parse_span(&text)).unwrap_or(LEASE),
            runner_role: value("runner_role"),
        };
        let file = value("password_file").map(|path| folder.join(path));
        address.password =
            password::find(&address, file.as_deref(), value("password_env").as_deref(), variable).map_err(unusable)?;
        Ok(address)
    }

    /// The same place as somebody else would name it.
    pub(super) fn of_somebody(&self, user: &str) -> Self {
        Self { user: user.to_owned(), ..self.clone() }
    }

    /// How long a runner counts as alive after it was heard of last.
    #[must_use]
    pub const fn lease(&self) -> Duration {
        self.lease
    }

    /// The role that whoever makes the tables allows to run jobs; `None`: nobody but the owner.
    #[must_use]
    pub fn runner_role(&self) -> Option<&str> {
        self.runner_role.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Address, String> {
        Address::parse(text, Path::new("/jobs"), &|_| None).map_err(|error| error.to_string())
    }

    #[test]
    fn a_url_says_where_and_how() {
        let cases = [
            ("postgres://rekon@127.0.0.1/books", "postgres://rekon@127.0.0.1:5432/books", Tls::None),
            ("postgresql://a%40b@localhost:6000/b%2Fc", "postgres://a@b@localhost:6000/b/c", Tls::None),
            ("postgres://rekon@[::1]:7000/books", "postgres://rekon@[::1]:7000/books", Tls::None),
            ("postgres://rekon@/books?host=/run/pg", "postgres://rekon@:5432/books?host=/run/pg", Tls::None),
            ("postgres://rekon@db.example/books", "postgres://rekon@db.example:5432/books", Tls::Verified(None)),
            (
                "postgres://rekon@127.0.0.1/books?sslrootcert=root.pem",
                "postgres://rekon@127.0.0.1:5432/books",
                Tls::Verified(Some("/jobs/root.pem".into())),
            ),
            (
                "postgres://rekon@db.example/books?sslmode=verify-full&sslrootcert=/r.pem",
                "postgres://rekon@db.example:5432/books",
                Tls::Verified(Some("/r.pem".into())),
            ),
        ];
        for (text, shown, tls) in cases {
            let address = parsed(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((address.to_string().as_str(), address.tls), (shown, tls), "{text}");
            assert_eq!(address.lease, LEASE);
        }
        let address = parsed("postgres://rekon@127.0.0.1/books?lease=30s&runner_role=rekon_run").unwrap();
        assert_eq!((address.lease(), address.runner_role()), (Duration::from_secs(30), Some("rekon_run")));
    }

    #[test]
    fn whoever_is_elsewhere_is_never_spoken_to_without_tls() {
        assert_eq!(parsed("postgres://rekon@db.example/books").unwrap().tls, Tls::Verified(None));
        let error = parsed("postgres://rekon@10.0.0.7/books?sslmode=disable").unwrap_err();
        assert!(error.contains("sslmode=disable is for a server on this machine; "), "{error}");
        assert!(error.contains("\n  hint: leave sslmode out; "), "{error}");
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_and_no_password_with_it() {
        let error = parsed("postgres://rekon:s3cr/e?t@db.example:x/?password=s3cret&lease=1s&colour=red").unwrap_err();
        assert!(!error.contains("s3c"), "{error}");
        let error = parsed("postgres://rekon:s3cret@db.example:x/?password=s3cret&lease=1s&colour=red&sslmode=require");
        assert_eq!(
            error.unwrap_err(),
            "postgres://db.example:x/: a password does not belong in a URL: use password_file or password_env; lease=1s: a \
             span between 2s and 1h is expected, such as 120s; the parameter \"colour\" is not known; there are sslmode, \
             sslrootcert, password_file, password_env, lease, runner_role, host; sslmode=require: a server proves its name, \
             or is on this machine: verify-full or disable; a password does not belong in a URL: take it out, and set \
             PGPASSWORD, keep it in ~/.pgpass, or name its place with ?password_file=PATH or ?password_env=NAME; \"x\" is no \
             port; it names no database\n  hint: postgres://USER@HOST:PORT/DATABASE?PARAMETER=VALUE"
        );
        let cases = [
            ("postgres://rekon@one,two/books", "it names several hosts"),
            ("postgres:///books", "it names no user; it names no host"),
            ("postgres://rekon@h/books?host=/run", "it names a host, and a socket's folder"),
            ("postgres://rekon@/books?host=run", "the folder of a socket is expected"),
            ("postgres://re%zzkon@h/books", "the user's name has a %"),
            ("postgres://rekon@h/books?lease=3s&lease=4s", "lease is given twice"),
            ("postgres://rekon@h/books?password_file=a&password_env=B", "two places for one password"),
        ];
        for (text, expected) in cases {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn a_password_comes_from_the_place_that_is_named_first() {
        const BOTH: &[(&str, &str)] = &[("OWN", "of OWN"), ("PGPASSWORD", "of PGPASSWORD")];
        let folder = tempfile::tempdir().unwrap();
        password::testing::write_private(&folder.path().join("secret"), "of a file\n");
        password::testing::write_private(&folder.path().join(".pgpass"), "*:*:*:rekon:of pgpass\n");
        let home = folder.path().to_string_lossy().into_owned();
        let variable = |names: &'static [(&'static str, &'static str)]| {
            let home = home.clone();
            move |name: &str| {
                let found = names.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
                found.or_else(|| (name == "HOME").then(|| home.clone()))
            }
        };
        let cases = [
            ("?password_file=secret", BOTH, "of a file"),
            ("?password_env=OWN", BOTH, "of OWN"),
            ("", BOTH, "of PGPASSWORD"),
            ("", &BOTH[..1], "of pgpass"),
        ];
        for (query, names, expected) in cases {
            let text = format!("postgres://rekon@db.example/books{query}");
            let address = Address::parse(&text, folder.path(), &variable(names)).unwrap();
            assert_eq!(address.password.as_ref().map(Secret::expose), Some(expected), "{query}");
            assert!(!format!("{address} {address:?}").contains(expected), "{address:?}");
        }
        let error = Address::parse("postgres://r@h/b?password_env=GONE", folder.path(), &|_| None).unwrap_err();
        assert!(error.to_string().contains("the environment variable GONE is not set"), "{error}");
    }
}
