//! One connection of a server: HTTP/1 with time limits, until the client has had enough or the server stops.

use std::error::Error;
use std::future::{Future, Pending, pending};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::Timeout;

/// Ends when its sender says so or is dropped.
pub type Stop = watch::Receiver<()>;

/// How patient a server is.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long a connection may take over the head of a request, or stay idle.
    pub head_patience: Duration,
    /// How long a client may leave an answer unread.
    pub read_patience: Duration,
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
    let stream = Patient { stream, patience: terms.read_patience, waits: None };
    let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service_fn(answer)));
    tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(terms.grace, connection).await.unwrap_or(Ok(()))
        }
    }
}

/// A stream whose other side has so long to take what is written; hyper itself waits for ever.
struct Patient<Io> {
    stream: Io,
    patience: Duration,
    /// The wait that has begun, if nothing is taken now.
    waits: Option<Pin<Box<Timeout<Pending<()>>>>>,
}

impl<Io> Patient<Io> {
    /// What a write came to; one that has waited too long is an error.
    fn written<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waits = None;
            return written;
        }
        let waits = self.waits.get_or_insert_with(|| Box::pin(tokio::time::timeout(self.patience, pending())));
        let _elapsed = ready!(waits.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Patient<Io> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, into)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Patient<Io> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.written(context, written)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.written(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_no_answer_does_not_hold_its_connection() {
        let terms = Terms {
            head_patience: Duration::from_secs(3600),
            read_patience: Duration::from_secs(10),
            longest_head: None,
            keep_alive: KeepAlive::Yes,
            grace: Duration::from_secs(1),
        };
        let (mut client, server) = tokio::io::duplex(1024);
        let answer = |_| async { Ok::<_, io::Error>(Response::new(Body::from("x".repeat(1 << 20)))) };
        let (_stop, stopped) = watch::channel(());
        client.write_all(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(60), converse(server, answer, &terms, stopped)).await;
        assert!(ended.expect("it ends by itself").is_err());
        let mut read = Vec::new();
        client.read_to_end(&mut read).await.unwrap();
        assert!(read.len() <= 1024);
    }
}
