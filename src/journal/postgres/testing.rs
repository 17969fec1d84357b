//! A PostgreSQL server for tests: its own folder, port and socket, and a database for each test.
//!
//! The integration tests include this file too. All tests of a process share one server, which a watchdog stops when the
//! process is gone, however it ended; a test that restarts its server has one of its own. PostgreSQL refuses to be run by
//! root, so that root runs it as somebody else. On a machine without PostgreSQL these tests say that they were skipped;
//! `REKON_REQUIRE_POSTGRES` makes that a failure.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::net::TcpSocket;

/// The database's administrator, who needs no password here.
const ADMINISTRATOR: &str = "postgres";

/// Who needs one: `rekon_secret`.
pub(crate) const WITH_PASSWORD: &str = "rekon_password";

/// A server of PostgreSQL.
pub(crate) struct Server {
    programs: Programs,
    folder: PathBuf,
    pub(crate) port: u16,
    /// Keeps the port from everybody else, also while the server is stopped; the server itself may listen there all the same.
    _port: TcpSocket,
    watchdog: Child,
    databases: AtomicU32,
}

/// A database of its own for one test.
pub(crate) struct Database<'a> {
    pub(crate) server: &'a Server,
    pub(crate) name: String,
}

/// Where PostgreSQL's programs are, and as whom they are run.
#[derive(Clone)]
struct Programs {
    folder: PathBuf,
    /// What a command of PostgreSQL begins with if we are root.
    as_somebody: Vec<&'static str>,
}

impl Programs {
    /// Looks for them; `None`: they are not installed.
    fn find() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut versions: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
        versions.sort();
        folders.extend(versions.into_iter().rev());
        let has_all = |folder: &PathBuf| ["initdb", "pg_ctl", "psql"].iter().all(|name| folder.join(name).is_file());
        let folder = folders.into_iter().find(has_all)?;
        let says = |program: &str, arguments: &[&str]| {
            let output =
                Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
            Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        if says("id", &["-u"])? != "0" {
            return Some(Self { folder, as_somebody: Vec::new() });
        }
        let user = if says("id", &["-u", "postgres"]).is_some() { "postgres" } else { "nobody" };
        Some(Self { folder, as_somebody: vec!["setpriv", "--reuid", user, "--regid", "nogroup", "--clear-groups"] })
    }

    /// The words of a command that runs one of the programs.
    fn words(&self, program: &str) -> Vec<PathBuf> {
        self.as_somebody.iter().map(PathBuf::from).chain([self.folder.join(program)]).collect()
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let words = self.words(program);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(arguments).stdin(Stdio::null());
        // What the machine's own clients are told is not for these.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C");
        command
    }

    /// Gives a folder to whoever runs them.
    fn give(&self, folder: &Path) {
        if let Some(user) = self.as_somebody.get(2) {
            done("chown", Command::new("chown").arg("-R").arg(user).arg(folder).output());
        }
    }
}

#[track_caller]
fn done(what: &str, output: std::io::Result<Output>) -> String {
    let output = output.unwrap_or_else(|error| panic!("{what}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{what}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

impl Server {
    /// The server of this test process; `None`: PostgreSQL is not installed, and that is allowed.
    pub(crate) fn shared(untried: &str) -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        let server = SERVER.get_or_init(|| Programs::find().map(Self::start)).as_ref();
        Self::or_skipped(server, untried)
    }

    /// A server of this test's own, to be treated badly.
    pub(crate) fn own(untried: &str) -> Option<Self> {
        Self::or_skipped(Programs::find().map(Self::start), untried)
    }

    fn or_skipped<T>(server: Option<T>, untried: &str) -> Option<T> {
        if server.is_none() {
            let required = std::env::var_os("REKON_REQUIRE_POSTGRES").is_some();
            assert!(!required, "PostgreSQL is required here, and is not installed");
            // Past the capture of libtest, which shows the output of failed tests only.
            let _ = writeln!(std::io::stderr(), "SKIPPED: PostgreSQL is not installed, so {untried} was not tried");
        }
        server
    }

    fn start(programs: Programs) -> Self {
        let server = Self::in_a_folder(programs);
        let data = server.data();
        let data_text = data.to_string_lossy().into_owned();
        let arguments = ["--no-sync", "-A", "trust", "-U", ADMINISTRATOR, "-E", "UTF8", "--locale=C", "-D", &data_text];
        done("initdb", server.programs.command("initdb", &arguments).current_dir(&server.folder).output());
        std::fs::write(
            data.join("pg_hba.conf"),
            format!(
                "host all {WITH_PASSWORD} all scram-sha-256\nlocal all all trust\nhost all,replication all all trust\n"
            ),
        )
        .expect("pg_hba.conf");
        server.take_port();
        server.sql("postgres", &format!("CREATE ROLE {WITH_PASSWORD} SUPERUSER LOGIN PASSWORD 'rekon_secret'"));
        server
    }

    /// A copy of it on a port of its own, which follows it until it is cut off or promoted.
    pub(crate) fn standby(&self) -> Self {
        let standby = Self::in_a_folder(self.programs.clone());
        let (port, data) = (self.port.to_string(), standby.data());
        let arguments = ["-h", "127.0.0.1", "-p", &port, "-U", ADMINISTRATOR, "-D", &data.to_string_lossy()];
        let mut copying = standby.programs.command("pg_basebackup", &arguments);
        copying.args(["-R", "-c", "fast", "--no-sync"]).current_dir(&standby.folder);
        done("pg_basebackup", copying.output());
        standby.take_port();
        standby
    }

    /// An empty folder, which is gone when this process is, and a port.
    fn in_a_folder(programs: Programs) -> Self {
        // Not where TMPDIR leads: whoever runs the server must get there, and a socket's path has at most 107 bytes.
        let folder = tempfile::Builder::new().prefix("rekon-pg-").tempdir_in("/tmp").expect("a folder").keep();
        let kept = TcpSocket::new_v4().expect("a socket");
        kept.set_reuseaddr(true).expect("an option of every socket");
        kept.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let port = kept.local_addr().expect("an address").port();
        // From here on nothing outlives this process: its end of the pipe is closed then.
        let mut watchdog = Command::new("setsid");
        let stop = r#"folder=$1; shift; cat; "$@" -D "$folder/data" -m immediate -s stop; rm -rf "$folder""#;
        watchdog.args(["sh", "-c", stop, "watchdog"]).arg(&folder).args(programs.words("pg_ctl"));
        watchdog.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watchdog = watchdog.spawn().expect("setsid of util-linux starts");
        certificates(&folder);
        programs.give(&folder);
        Self { programs, folder, port, _port: kept, watchdog, databases: AtomicU32::new(0) }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Starts it on its port.
    fn take_port(&self) {
        let place = self.data().join("postgresql.auto.conf");
        // A standby's says whom it follows. Of what is said twice the last counts.
        let before = std::fs::read_to_string(&place).expect("settings");
        let (folder, port) = (self.folder.display(), self.port);
        let settings = format!(
            "{before}\nport = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{folder}'\n\
             max_connections = 200\nshared_buffers = 32MB\nssl = on\nssl_cert_file = '{folder}/server.pem'\n\
             ssl_key_file = '{folder}/server.key'\n"
        );
        std::fs::write(&place, settings).expect("settings");
        self.start_again();
    }

    fn pg_ctl(&self, arguments: &[&str]) -> Output {
        let (data, log) = (self.data(), self.folder.join("log"));
        let mut command = self.programs.command("pg_ctl", arguments);
        command.arg("-D").arg(data).arg("-l").arg(log).args(["-s", "-w", "-t", "600"]);
        // The server inherits these, and must not keep a pipe of ours open.
        command.current_dir(&self.folder).stdout(Stdio::null()).stderr(Stdio::null()).output().expect("pg_ctl starts")
    }

    /// What the server has said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// The folder of its socket.
    pub(crate) fn socket(&self) -> &Path {
        &self.folder
    }

    /// The certificate that vouches for its own.
    pub(crate) fn root_certificate(&self) -> PathBuf {
        self.folder.join("root.pem")
    }

    /// A new and empty database.
    pub(crate) fn database(&self) -> Database<'_> {
        // A standby has those of the server that it follows.
        let name = format!("test_{}_of_{}", self.databases.fetch_add(1, Ordering::Relaxed), self.port);
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        Database { server: self, name }
    }

    /// Executes a statement as the administrator; returns what it says, one row a line, columns split by `|`.
    #[track_caller]
    pub(crate) fn sql(&self, database: &str, statement: &str) -> String {
        let port = self.port.to_string();
        let arguments = ["-X", "-q", "-tA", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &port];
        let mut psql = self.programs.command("psql", &arguments);
        done(statement, psql.args(["-U", ADMINISTRATOR, "-d", database, "-c", statement]).current_dir("/").output())
            .trim_end()
            .to_owned()
    }

    /// Stops it as a power cut would, and starts it again.
    pub(crate) fn restart_at_once(&self) {
        self.stop_at_once();
        self.start_again();
    }

    /// Stops it as a power cut would.
    pub(crate) fn stop_at_once(&self) {
        assert!(self.pg_ctl(&["stop", "-m", "immediate"]).status.success(), "{}", self.log());
    }

    /// A standby hears nothing more of the server that it follows, once it is cut off.
    pub(crate) fn cut_off(&self) {
        self.sql("postgres", "ALTER SYSTEM SET primary_conninfo = ''");
        self.sql("postgres", "SELECT pg_reload_conf()");
    }

    pub(crate) fn is_cut_off(&self) -> bool {
        self.sql("postgres", "SELECT count(*) FROM pg_stat_wal_receiver") == "0"
    }

    /// A standby becomes a server like others.
    pub(crate) fn promote(&self) {
        assert!(self.pg_ctl(&["promote"]).status.success(), "{}", self.log());
    }

    /// Starts it again where it was.
    pub(crate) fn start_again(&self) {
        assert!(self.pg_ctl(&["start"]).status.success(), "{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

impl Database<'_> {
    /// Its URL for the administrator, over TCP.
    pub(crate) fn url(&self) -> String {
        self.url_of(ADMINISTRATOR)
    }

    /// Its URL for somebody, over TCP.
    pub(crate) fn url_of(&self, user: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{}", self.server.port, self.name)
    }

    /// Executes a statement in it as the administrator.
    #[track_caller]
    pub(crate) fn sql(&self, statement: &str) -> String {
        self.server.sql(&self.name, statement)
    }
}

/// A certificate for 127.0.0.1, and the root that vouches for it.
fn certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let words = arguments.split(' ');
        let shared = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3".split(' ');
        let mut command = Command::new("openssl");
        command.arg("req").args(shared).args(words).current_dir(folder).stdin(Stdio::null());
        done("openssl", command.output());
    };
    openssl("-subj /CN=rekon-root -keyout root.key -out root.pem");
    openssl(
        "-subj /CN=rekon-server -keyout server.key -out server.pem -CA root.pem -CAkey root.key \
         -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE",
    );
}
