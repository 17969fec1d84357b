//! Starting and stopping a listener.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;

use super::figures::Figures;
use super::judge::Merchant;
use super::keeper::Keeper;
use super::server::{self, Shared};
use super::{Clock, Tell, refused};
use crate::doku::sign::Signer;
use crate::edge::append::{BoundedFile, DailyLog, LogError, Names};
use crate::model::ids::ClientId;

/// What a listener is started with.
pub struct Config {
    /// Where to listen. Port 0 takes a free one.
    pub bind: SocketAddr,
    /// Whose notifications.
    pub client_id: ClientId,
    /// Any of these keys proves one.
    pub signers: Vec<Signer>,
    /// The Request-Target that DOKU signs.
    pub path: String,
    /// The files of the log.
    pub names: Names,
    /// What the world may ask of this machine.
    pub limits: Limits,
    /// Tells the present.
    pub clock: Clock,
    /// Hears about the disk.
    pub tell: Tell,
}

/// What the world may ask of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest body.
    pub body_bytes: usize,
    /// How long a head may take, and how long a body.
    pub patience: Duration,
    /// So many connections at a time; more wait.
    pub connections: usize,
    /// A file of the log has at most so many bytes.
    pub file_bytes: u64,
    /// The file of what was refused has at most so many bytes, and so has the one before it.
    pub refused_bytes: u64,
    /// So many notifications are known again when they come a second time.
    pub known: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 64 << 10,
            patience: Duration::from_secs(10),
            connections: 512,
            file_bytes: 256 << 20,
            refused_bytes: 8 << 20,
            known: 200_000,
        }
    }
}

/// So much of the log is read at the start, to know notifications again.
const READ_AT_START: u64 = 128 << 20;

/// Refused requests that wait to be set down.
const REFUSED_WAITING: usize = 256;

/// Why a listener cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The address cannot be listened on.
    #[error("{address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// A listener that runs, until it is stopped.
pub struct Listening {
    address: SocketAddr,
    figures: Arc<Figures>,
    stop: watch::Sender<()>,
    server: JoinHandle<()>,
    keeper: JoinHandle<()>,
    refused: JoinHandle<()>,
}

impl Config {
    /// Where refused requests are set down: below the log, where its pattern does not reach.
    #[must_use]
    pub fn refused(&self) -> PathBuf {
        self.names.folder().join("refused").join("requests.jsonl")
    }
}

/// Takes the log, knows again what it holds, and listens.
///
/// # Errors
/// The log or the address cannot be used. Nothing is listened on then.
pub async fn start(config: Config) -> Result<Listening, StartError> {
    let refused_file = config.refused();
    let Config { bind, client_id, signers, path, names, limits, clock, tell } = config;
    let merchant = Arc::new(Merchant { client_id, signers, path });
    let figures = Arc::new(Figures::default());
    let log = DailyLog::open(names, limits.file_bytes)?;
    let refused_file = BoundedFile::open(refused_file, limits.refused_bytes)?;
    let memory = (limits.known, READ_AT_START);
    let keeper = Keeper::new(log, &merchant, memory, (Arc::clone(&clock), tell), Arc::clone(&figures))?;
    let unusable = |source| StartError::Listen { address: bind, source };
    let listener = TcpListener::bind(bind).await.map_err(unusable)?;
    let address = listener.local_addr().map_err(unusable)?;
    // A connection has one request at a time, so no more than this can wait.
    let (wishes, wished) = mpsc::channel(limits.connections);
    let (refused, was_refused) = mpsc::channel(REFUSED_WAITING);
    let (stop, stopped) = watch::channel(());
    let probed = Mutex::default();
    let shared = Shared { merchant, limits, clock, figures: Arc::clone(&figures), wishes, refused, probed };
    Ok(Listening {
        address,
        figures,
        stop,
        keeper: tokio::spawn(keeper.work(wished)),
        refused: tokio::spawn(refused::write_down(refused_file, was_refused)),
        server: tokio::spawn(server::accept(listener, Arc::new(shared), stopped)),
    })
}

impl Listening {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new connections, answers the open requests once they are on the disk, and ends. Says what has happened;
    /// `None`: a part of it had died before.
    pub async fn stop(self) -> Option<Arc<Figures>> {
        drop(self.stop);
        let (server, keeper, refused) = (self.server.await, self.keeper.await, self.refused.await);
        (server.is_ok() && keeper.is_ok() && refused.is_ok()).then_some(self.figures)
    }
}
