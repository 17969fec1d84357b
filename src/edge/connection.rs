//! One connection of a server: HTTP/1 with time limits, until the client has had enough or the server stops.

use std::error::Error;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// Ends when its sender says so or is dropped.
pub type Stop = watch::Receiver<()>;

/// How patient a server is.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long a connection may take over the head of a request, or stay idle.
    pub head_patience: Duration,
    /// The longest head, in bytes; `None`: hyper's own limit.
    pub longest_head: Option<usize>,
    /// Whether a connection carries more than one request.
    pub keep_alive: KeepAlive,
    /// How long an open request may take once the server stops.
    pub grace: Duration,
}

/// Whether a connection carries more than one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAlive {
    /// As many as the client likes.
    Yes,
    /// One.
    No,
}

/// Serves the requests of a connection, one after the other. With the stop an idle connection ends, and an open request is
/// still answered.
///
/// # Errors
/// How the connection ended, if not well.
pub async fn converse<Io, Answer, Answering, Failure>(
    stream: Io,
    answer: Answer,
    terms: &Terms,
    mut stop: Stop,
) -> Result<(), hyper::Error>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    Answer: Fn(Request<Incoming>) -> Answering,
    Answering: Future<Output = Result<Response<Body>, Failure>>,
    Failure: Into<Box<dyn Error + Send + Sync>>,
{
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(terms.head_patience).title_case_headers(true);
    server.keep_alive(terms.keep_alive == KeepAlive::Yes);
    if let Some(longest) = terms.longest_head {
        server.max_buf_size(longest);
    }
    let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service_fn(answer)));
    tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(terms.grace, connection).await.unwrap_or(Ok(()))
        }
    }
}
