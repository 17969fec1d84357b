//! Connections to a shared journal: made when they are needed, made anew when they were cut, and each looked at before it is
//! used. After a failover the name may lead to another server.
//!
//! What a write has promised must survive a power cut of the server, and there must be one truth: a server that does not
//! flush, a commit that does not wait, and a standby are refused.

use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Address, Place, Tls};
use crate::journal::JournalError;

/// A writer, a reader for each thing that is asked at once, the renewal of the lease, and the pace.
const CONNECTIONS: usize = 6;

/// A server that does not answer for so long is out of reach.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is sent and not acknowledged for so long has been cut off.
const SILENCE: Duration = Duration::from_secs(15);

/// Servers before this one are not tested, and not supported by PostgreSQL's own people either.
const OLDEST_SERVER: i32 = 130_000;

/// Connects once, so that what is wrong is known at the start, and returns the pool.
///
/// # Errors
/// [`JournalError::Unusable`]: out of reach, not who it should be, or not set to keep what is written.
pub async fn connect(address: &Address) -> Result<Pool, JournalError> {
    let unusable = |reason: String| JournalError::Unusable { path: address.to_string(), reason };
    let pool = pool(address).map_err(unusable)?;
    match pool.get().await {
        Ok(_) => Ok(pool),
        Err(error) => Err(unusable(told_of_pool(&error))),
    }
}

fn pool(address: &Address) -> Result<Pool, String> {
    let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match &address.tls {
        Tls::None => Manager::from_config(config(address), NoTls, manager),
        Tls::Verified(roots) => Manager::from_config(config(address), tls(roots.as_deref())?, manager),
    };
    // A runner that was frozen in the middle of a write must not keep the others from theirs for as long as its lease.
    let frozen = (address.lease() / 4).as_millis();
    // Whatever the server does by itself, each statement sees what was committed when it begins.
    let settings = format!(
        "SET idle_in_transaction_session_timeout = {frozen}; SET lock_timeout = {frozen}; SET client_min_messages = warning; \
         SET default_transaction_isolation = 'read committed'"
    );
    let settings: Arc<str> = settings.into();
    let prepare = Hook::async_fn(move |client, _| {
        let settings = Arc::clone(&settings);
        Box::pin(async move {
            if let Some(reason) = refusal(&Server::of(client).await.map_err(HookError::Backend)?) {
                return Err(HookError::message(reason));
            }
            client.batch_execute(&settings).await.map_err(HookError::Backend)
        })
    });
    let pool = Pool::builder(manager).max_size(CONNECTIONS).runtime(Runtime::Tokio1).post_create(prepare);
    let pool = pool.create_timeout(Some(PATIENCE)).wait_timeout(Some(PATIENCE)).recycle_timeout(Some(PATIENCE));
    pool.build().map_err(|error| error.to_string())
}

fn config(address: &Address) -> Config {
    let mut config = Config::new();
    config.user(&address.user).dbname(&address.database).port(address.port).application_name("rekon");
    config.connect_timeout(PATIENCE).keepalives_idle(SILENCE).tcp_user_timeout(SILENCE);
    match &address.place {
        Place::Host(host) => config.host(host),
        Place::Socket(folder) => config.host_path(folder),
    };
    if let Some(password) = &address.password {
        config.password(password.expose());
    }
    config.ssl_mode(if address.tls == Tls::None { SslMode::Disable } else { SslMode::Require });
    config
}

/// What checks the server's certificate and name.
fn tls(roots: Option<&Path>) -> Result<MakeRustlsConnect, String> {
    let Some(path) = roots else {
        let found = MakeRustlsConnect::with_native_certs();
        return found.map(|(tls, _)| tls).map_err(|errors| {
            let causes: Vec<String> = errors.iter().map(ToString::to_string).collect();
            let hint = "name a file of them with ?sslrootcert=PATH";
            format!("this machine has no root certificates {}\n  hint: {hint}", causes.join("; "))
        });
    };
    let unread = |error: &dyn std::fmt::Display| format!("sslrootcert: {}: {error}", path.display());
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unread(&error))? {
        store.add(certificate.map_err(|error| unread(&error))?).map_err(|error| unread(&error))?;
    }
    if store.is_empty() {
        return Err(unread(&"it holds no certificate"));
    }
    Ok(MakeRustlsConnect::new(ClientConfig::builder().with_root_certificates(store).with_no_client_auth()))
}

/// What a server is set to.
struct Server {
    version: i32,
    is_standby: bool,
    fsync: String,
    full_page_writes: String,
    synchronous_commit: String,
}

impl Server {
    async fn of(client: &Client) -> Result<Self, tokio_postgres::Error> {
        let row = client
            .query_one(
                "SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), current_setting('fsync'), \
                 current_setting('full_page_writes'), current_setting('synchronous_commit')",
                &[],
            )
            .await?;
        Ok(Self {
            version: row.try_get(0)?,
            is_standby: row.try_get(1)?,
            fsync: row.try_get(2)?,
            full_page_writes: row.try_get(3)?,
            synchronous_commit: row.try_get(4)?,
        })
    }
}

/// Why a server may not hold a journal; `None` if it may.
fn refusal(server: &Server) -> Option<String> {
    if server.version < OLDEST_SERVER {
        let version = server.version / 10_000;
        return Some(format!("the server is PostgreSQL {version}; 13 or a newer one is needed"));
    }
    if server.is_standby {
        return Some(
            "the server is a standby, which lags behind and cannot be written to\n  hint: name the primary".to_owned(),
        );
    }
    for (setting, value) in [("fsync", &server.fsync), ("full_page_writes", &server.full_page_writes)] {
        if value != "on" {
            return Some(format!(
                "the server has {setting} = {value}: after a power cut it may have lost what was sent\n  \
                 hint: set {setting} = on in postgresql.conf, and reload"
            ));
        }
    }
    let waits = ["on", "remote_write", "remote_apply"];
    let value = &server.synchronous_commit;
    (!waits.contains(&value.as_str())).then(|| {
        format!(
            "the server has synchronous_commit = {value}: a commit would not wait until it is durable\n  \
             hint: set synchronous_commit = on in postgresql.conf, or ALTER DATABASE ... SET synchronous_commit = on"
        )
    })
}

/// What went wrong, with its causes, and what to do.
#[must_use]
pub fn told(error: &tokio_postgres::Error) -> String {
    if let Some(of_server) = error.as_db_error() {
        let wants_tls =
            of_server.message().ends_with("no encryption").then_some("it wants TLS: add ?sslmode=verify-full");
        let hint = wants_tls.or_else(|| hint(of_server.code()));
        let hint = hint.map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
        return format!("{} ({}){hint}", of_server.message(), of_server.code().code());
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(told) = told_of_tls(cause) {
            return told;
        }
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    let hints = [
        (
            "server does not support TLS",
            "set ssl = on in postgresql.conf, with ssl_cert_file and ssl_key_file, and reload",
        ),
        ("Connection refused", "is the server running, and does it listen on that host and port (listen_addresses)?"),
        ("failed to lookup address", "is that the name of the server?"),
        ("password missing", "set PGPASSWORD, keep it in ~/.pgpass, or name its place with ?password_file=PATH"),
    ];
    match hints.iter().find(|(said, _)| text.contains(said)) {
        Some((_, hint)) => format!("{text}\n  hint: {hint}"),
        None => text,
    }
}

/// What is wrong with a server's certificate; `None`: that is not what this is about.
fn told_of_tls(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    let error = cause.downcast_ref().or_else(|| inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()))?;
    let rustls::Error::InvalidCertificate(wrong) = error else {
        return Some(format!("the server is not understood over TLS: {error}"));
    };
    let (what, hint) = match wrong {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "is for another name than the one in the URL",
            "write the name that is in the certificate, or give the server one for this name (subjectAltName)",
        ),
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            "was signed by nobody whom this machine trusts",
            "name the certificate of who signed it: ?sslrootcert=PATH, relative to the job",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("has expired", "renew it; if it has not, set the clock of this machine")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("is not valid yet", "set the clock of this machine, or of the one that made it")
        }
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => (
            "is that of an authority, and not of a server",
            "make it with basicConstraints=critical,CA:FALSE (docs/several-hosts.md), or let the authority sign another one",
        ),
        _ => return Some(format!("the server's certificate is not accepted: {wrong}")),
    };
    Some(format!("the server's certificate {what}\n  hint: {hint}"))
}

/// What to do about what a server refuses.
fn hint(code: &SqlState) -> Option<&'static str> {
    let migrate = "rekon journal migrate \"postgres://OWNER@HOST/DATABASE?runner_role=ROLE\", with the role that owns the database";
    match *code {
        SqlState::INSUFFICIENT_PRIVILEGE | SqlState::UNDEFINED_TABLE => Some(migrate),
        SqlState::INVALID_CATALOG_NAME => Some("make it first: CREATE DATABASE NAME OWNER ROLE"),
        SqlState::UNDEFINED_OBJECT => Some("make the role first: CREATE ROLE NAME LOGIN PASSWORD '...'"),
        SqlState::INVALID_PASSWORD => Some(
            "is it the password of that role? it is read from ?password_file or ?password_env, else PGPASSWORD, else ~/.pgpass",
        ),
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION => Some(
            "is there such a role (CREATE ROLE NAME LOGIN PASSWORD '...'), and a line for it and this host in pg_hba.conf?",
        ),
        SqlState::CANNOT_CONNECT_NOW => Some("the server is starting up or shutting down: try again in a minute"),
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => {
            Some("the server was stopped: run the same command again when it is back")
        }
        SqlState::TOO_MANY_CONNECTIONS => Some("raise max_connections: each host needs up to twelve"),
        _ => None,
    }
}

/// Why no connection is to be had.
#[must_use]
pub fn told_of_pool(error: &PoolError) -> String {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => told(error),
        PoolError::PostCreateHook(HookError::Message(message)) => message.to_string(),
        PoolError::Timeout(_) => format!("no connection within {} seconds", PATIENCE.as_secs()),
        PoolError::Closed | PoolError::NoRuntimeSpecified => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, WITH_PASSWORD};
    use super::*;

    fn server() -> Server {
        let on = || "on".to_owned();
        Server { version: 150_004, is_standby: false, fsync: on(), full_page_writes: on(), synchronous_commit: on() }
    }

    async fn tried(url: &str) -> Result<(), String> {
        let address = Address::parse(url, Path::new("/"), &|_| None).map_err(|error| error.to_string())?;
        connect(&address).await.map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_that_might_forget_is_refused() {
        assert_eq!(refusal(&server()), None);
        for value in ["remote_write", "remote_apply"] {
            assert_eq!(refusal(&Server { synchronous_commit: value.into(), ..server() }), None);
        }
        let cases = [
            (Server { version: 120_017, ..server() }, "PostgreSQL 12"),
            (Server { is_standby: true, ..server() }, "standby"),
            (Server { fsync: "off".into(), ..server() }, "fsync = off"),
            (Server { full_page_writes: "off".into(), ..server() }, "full_page_writes = off"),
            (Server { synchronous_commit: "off".into(), ..server() }, "synchronous_commit = off"),
            (Server { synchronous_commit: "local".into(), ..server() }, "synchronous_commit = local"),
        ];
        for (server, expected) in cases {
            let reason = refusal(&server).expect("it is refused");
            assert!(reason.contains(expected), "{reason}");
        }
    }

    #[test]
    fn a_server_that_starts_or_stops_is_worth_another_try() {
        for code in [SqlState::CANNOT_CONNECT_NOW, SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN] {
            assert!(hint(&code).is_some_and(|hint| hint.contains("again")), "{code:?}");
        }
    }

    #[tokio::test]
    async fn a_real_server_is_asked_for_its_settings_on_every_connection() {
        let Some(server) = testing::Server::shared("the check of a server's settings") else { return };
        let database = server.database();
        tried(&database.url()).await.expect("it is as it should be");
        let socket =
            format!("postgres://postgres@:{}/{}?host={}", server.port, database.name, server.socket().display());
        tried(&socket).await.expect("its socket leads there too");
        for value in ["off", "local"] {
            database.sql(&format!("ALTER DATABASE {} SET synchronous_commit = {value}", database.name));
            let error = tried(&database.url()).await.expect_err("it is refused");
            assert!(error.contains(&format!("synchronous_commit = {value}")), "{error}");
        }
    }

    #[tokio::test]
    async fn a_server_that_does_not_flush_is_refused() {
        let Some(server) = testing::Server::own("a server with fsync = off") else { return };
        let database = server.database();
        for setting in ["fsync", "full_page_writes"] {
            database.sql(&format!("ALTER SYSTEM SET {setting} = off"));
            server.restart_at_once();
            let error = tried(&database.url()).await.expect_err("it is refused");
            assert!(error.contains(&format!("{setting} = off")), "{error}");
            database.sql(&format!("ALTER SYSTEM SET {setting} = on"));
            server.restart_at_once();
        }
        tried(&database.url()).await.expect("it is as it should be again");
        server.stop_at_once();
        let error = tried(&database.url()).await.expect_err("nobody is there");
        assert!(error.contains("error connecting to server: Connection refused"), "{error}");
        assert!(error.contains("\n  hint: is the server running"), "{error}");
    }

    #[tokio::test]
    async fn a_password_is_asked_for_by_the_server_and_found_in_a_file() {
        let Some(server) = testing::Server::shared("passwords") else { return };
        let database = server.database();
        let url = database.url_of(WITH_PASSWORD);
        let error = tried(&url).await.expect_err("it wants a password");
        assert!(error.contains("password missing\n  hint: set PGPASSWORD"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        super::super::password::testing::write_private(&path, "rekon_secret\n");
        tried(&format!("{url}?password_file={}", path.display())).await.expect("it is the right one");
        super::super::password::testing::write_private(&path, "another\n");
        let error = tried(&format!("{url}?password_file={}", path.display())).await.expect_err("it is a wrong one");
        assert!(error.contains("password authentication failed"), "{error}");
        assert!(error.contains("(28P01)\n  hint: is it the password of that role?"), "{error}");
    }

    #[tokio::test]
    async fn a_server_over_tls_proves_its_name() {
        let Some(server) = testing::Server::shared("TLS") else { return };
        let database = server.database();
        let (url, root) = (database.url(), server.root_certificate());
        let secure = format!("{url}?sslmode=verify-full&sslrootcert={}", root.display());
        tried(&secure).await.expect("its name is in its certificate");
        // The same machine by a name that is not.
        let error = tried(&secure.replace("127.0.0.1", "localhost")).await.expect_err("it is refused");
        assert!(error.contains("certificate is for another name than the one in the URL\n  hint: "), "{error}");
        let error = tried(&format!("{url}?sslmode=verify-full")).await.expect_err("nobody vouches for it");
        assert!(error.contains("root certificates") || error.contains("whom this machine trusts\n  hint: "), "{error}");
        let error = tried(&format!("{url}?sslrootcert=/nowhere.pem")).await.expect_err("there is no such file");
        assert!(error.contains("sslrootcert: /nowhere.pem"), "{error}");
    }
}
