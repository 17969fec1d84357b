//! What the wire carries of an answer: all of it, or less, or far too much.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::envelope::Reply;
use super::faults::Wire;
use super::pause::pause;
use super::socket::{Mischief, Switch};

/// What an endless body repeats, and what a bomb is made of.
static FILLING: [u8; 64 * 1024] = [b' '; 64 * 1024];

/// A bomb unpacks to so many times the filling, 64 megabytes: far beyond what a client should read.
const BOMB_PIECES: usize = 1024;

/// Far beyond what a client should read of a head.
const HUGE_HEADER: usize = 4 << 20;

/// The response to be written, with the connection's switch set where the connection itself misbehaves. `None` if an answer
/// cannot be a response at all.
pub(super) async fn response(reply: Reply, wire: Wire, delay: Duration, switch: &Switch) -> Option<Response<Body>> {
    let body = Bytes::from(reply.body.clone());
    let length = |length: usize| ("Content-Length", length.to_string());
    let whole = Body::from(body.clone());
    let (body, headers) = match wire {
        Wire::Whole | Wire::Nothing(_) => (whole, Vec::new()),
        Wire::Slow => {
            pause(delay).await;
            (whole, Vec::new())
        }
        Wire::Trap => {
            switch.set(Mischief::Trap);
            (whole, Vec::new())
        }
        Wire::HalfStatusLine => {
            switch.set(Mischief::CutOff);
            (whole, vec![("Connection", "close".to_owned())])
        }
        Wire::HalfBody => {
            let half = body.slice(..body.len() / 2);
            (Body::new(Pieces::new([half], Then::Break)), vec![length(body.len())])
        }
        Wire::Drip => {
            let bytes = (0..body.len()).map(|index| body.slice(index..=index));
            (Body::new(Pieces { every: delay, ..Pieces::new(bytes, Then::End) }), vec![length(body.len())])
        }
        Wire::Endless => (Body::new(Pieces::new([body], Then::GoOn)), Vec::new()),
        Wire::HugeHeader => (whole, vec![("X-Trace", "x".repeat(HUGE_HEADER))]),
        Wire::GzipBomb => (Body::from(bomb(&body).ok()?), vec![("Content-Encoding", "gzip".to_owned())]),
    };
    let mut response = Response::new(body);
    *response.status_mut() = axum::http::StatusCode::from_u16(reply.status).ok()?;
    for (name, value) in reply.headers.into_iter().chain(headers) {
        response.headers_mut().append(name, HeaderValue::from_str(&value).ok()?);
    }
    Some(response)
}

/// The body and very much filling, packed. Packed texts that follow each other unpack as one.
fn bomb(body: &[u8]) -> io::Result<Vec<u8>> {
    let packed = |text: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text)?;
        encoder.finish()
    };
    let mut bomb = packed(body)?;
    bomb.extend(packed(&FILLING)?.repeat(BOMB_PIECES));
    Ok(bomb)
}

/// A body in pieces.
struct Pieces {
    left: VecDeque<Bytes>,
    /// How long a piece waits for the one before it.
    every: Duration,
    waiting: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    then: Then,
}

/// What comes after the last piece.
#[derive(Clone, Copy)]
enum Then {
    End,
    /// The connection ends, though more was announced.
    Break,
    /// More and more.
    GoOn,
}

impl Pieces {
    fn new(pieces: impl IntoIterator<Item = Bytes>, then: Then) -> Self {
        Self { left: pieces.into_iter().collect(), every: Duration::ZERO, waiting: None, then }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, io::Error>>> {
        if let Some(waiting) = &mut self.waiting {
            match waiting.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => self.waiting = None,
            }
        }
        let piece = match (self.left.pop_front(), self.then) {
            (Some(piece), _) => piece,
            (None, Then::GoOn) => Bytes::from_static(&FILLING),
            (None, Then::End) => return Poll::Ready(None),
            (None, Then::Break) => return Poll::Ready(Some(Err(io::Error::other("the body breaks off")))),
        };
        if !self.every.is_zero() {
            self.waiting = Some(Box::pin(pause(self.every)));
        }
        Poll::Ready(Some(Ok(hyper::body::Frame::data(piece))))
    }
}
