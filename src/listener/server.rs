//! The sockets: accepts connections, reads requests within limits, answers once it is known what became of them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::header::{ALLOW, CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use super::Clock;
use super::figures::{Figures, count};
use super::judge::{Headers, Merchant, Message, Refusal};
use super::keeper::{Kept, Wish, Writable};
use super::refused;
use super::running::Limits;
use crate::edge::clock::SystemClock;
use crate::edge::connection::{self, KeepAlive, Stop, Terms};
use crate::model::time::wire;
use crate::runner::clock::Clock as _;

/// The longest head of a request; DOKU's has less than one kilobyte, a proxy adds some.
const LONGEST_HEAD: usize = 16 * 1024;

/// What a probe has found is good for so long, or whoever asks could keep the disk busy.
const PROBE_HOLDS: Duration = Duration::from_secs(2);

/// What all connections share.
pub(super) struct Shared {
    pub(super) merchant: Arc<Merchant>,
    pub(super) limits: Limits,
    pub(super) clock: Clock,
    pub(super) figures: Arc<Figures>,
    pub(super) wishes: mpsc::Sender<Wish>,
    pub(super) refused: mpsc::Sender<Vec<u8>>,
    /// What the last probe found, and when by a clock that never jumps.
    pub(super) probed: Mutex<Option<(Duration, Writable)>>,
}

/// Accepts connections until told to stop, at most so many at a time; then lets the open requests finish.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stop: Stop) {
    let places = Arc::new(Semaphore::new(shared.limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes it");
            (listener.accept().await, place)
        };
        tokio::select! {
            (accepted, place) = next => match accepted {
                Ok((stream, _)) => {
                    stream.set_nodelay(true).ok();
                    let (shared, stop) = (Arc::clone(&shared), stop.clone());
                    connections.spawn(async move {
                        serve(stream, &shared, stop).await;
                        drop(place);
                    });
                }
                // Out of file descriptors, most likely: some will be free soon.
                Err(_) => SystemClock.sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve(stream: tokio::net::TcpStream, shared: &Arc<Shared>, stop: Stop) {
    let figures = &shared.figures;
    figures.connections.fetch_add(1, Ordering::Relaxed);
    let patience = shared.limits.patience;
    let terms = Terms {
        head_patience: patience,
        read_patience: patience,
        longest_head: Some(LONGEST_HEAD),
        keep_alive: KeepAlive::Yes,
        // The rest of a body, and the disk.
        grace: patience * 2,
    };
    let answer = |request| {
        let shared = Arc::clone(shared);
        async move { Ok::<_, Infallible>(respond(request, &shared).await) }
    };
    let ended = connection::converse(stream, answer, &terms, stop).await;
    if ended.is_err_and(|error| error.is_parse_too_large()) {
        count(&figures.received);
        let received_at = wire((shared.clock)());
        // Nothing of it was read as a request.
        let message = Message { received_at: &received_at, target: "", headers: Headers::default(), body: &[] };
        set_down(shared, &message, Refusal::HeadTooLong);
    }
    figures.connections.fetch_sub(1, Ordering::Relaxed);
}

async fn respond(request: Request<Incoming>, shared: &Shared) -> Response<Body> {
    let (head, body) = request.into_parts();
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/healthz") => return health(shared).await,
        (&Method::GET, "/metrics") => return page(shared.figures.page()),
        _ => {}
    }
    let now = (shared.clock)();
    count(&shared.figures.received);
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    shared.figures.last_received.store(seconds, Ordering::Relaxed);
    let received_at = wire(now);
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let message = Message { received_at: &received_at, target, headers: headers(&head.headers), body: &[] };
    if head.method != Method::POST {
        return refuse(shared, &message, Refusal::Method);
    }
    let body = match read(body, shared.limits).await {
        Ok(body) => body,
        Err(refusal) => return refuse(shared, &message, refusal),
    };
    shared.figures.body_bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
    let message = Message { body: &body, ..message };
    let is_here = shared.merchant.is_at(target);
    let judged = if is_here { shared.merchant.judge(&message) } else { Err(Refusal::Path) };
    let verified = match judged {
        Ok(verified) => verified,
        Err(refusal) => return refuse(shared, &message, refusal),
    };
    count(&shared.figures.verified);
    shared.figures.last_verified.store(seconds, Ordering::Relaxed);
    let (answer, kept) = oneshot::channel();
    let asked = shared.wishes.send(Wish::Keep(verified, answer)).await;
    let kept = if asked.is_ok() { kept.await.unwrap_or(Kept::NotWritten) } else { Kept::NotWritten };
    match kept {
        Kept::Written | Kept::Copy => said(StatusCode::OK, "OK\n"),
        Kept::NotWritten => {
            count(&shared.figures.unavailable);
            said(StatusCode::SERVICE_UNAVAILABLE, "the log cannot be written; send it again\n")
        }
    }
}

/// Reads a body, which has a limit in size and one in time.
async fn read(mut body: Incoming, limits: Limits) -> Result<Vec<u8>, Refusal> {
    if body.size_hint().lower() > limits.body_bytes as u64 {
        return Err(Refusal::BodyTooLong);
    }
    let whole = async {
        let mut bytes = Vec::new();
        while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let frame = frame.map_err(|_broken| Refusal::BodyCut)?;
            if let Ok(data) = frame.into_data() {
                bytes.extend_from_slice(&data);
            }
            if bytes.len() > limits.body_bytes {
                return Err(Refusal::BodyTooLong);
            }
        }
        Ok(bytes)
    };
    tokio::time::timeout(limits.patience, whole).await.unwrap_or(Err(Refusal::BodyCut))
}

/// The headers that count.
fn headers(map: &HeaderMap) -> Headers<'_> {
    let header = |name: &str| {
        let mut lines = map.get_all(name).iter();
        let line = lines.next().and_then(|line| line.to_str().ok()).unwrap_or_default();
        if lines.next().is_some() { "" } else { line }
    };
    Headers {
        client_id: header("Client-Id"),
        request_id: header("Request-Id"),
        timestamp: header("Request-Timestamp"),
        signature: header("Signature"),
    }
}

/// Counts a refused message and sets it down.
fn set_down(shared: &Shared, message: &Message<'_>, refusal: Refusal) {
    shared.figures.refuse(refusal);
    // Whoever sends more than the disk can take does not get to hold up anybody else.
    if shared.refused.try_send(refused::line(message, refusal)).is_err() {
        count(&shared.figures.not_set_down);
    }
}

fn refuse(shared: &Shared, message: &Message<'_>, refusal: Refusal) -> Response<Body> {
    set_down(shared, message, refusal);
    let (status, word) = refusal.told();
    let mut response = said(StatusCode::from_u16(status).expect("a status"), &format!("refused: {word}\n"));
    match refusal {
        Refusal::Method => {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        }
        // What is left of the body is not waited for.
        Refusal::BodyTooLong | Refusal::BodyCut => {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Refusal::Path
        | Refusal::HeadTooLong
        | Refusal::Headers
        | Refusal::OtherClient
        | Refusal::NotText
        | Refusal::Signature => {}
    }
    response
}

/// 200 only if the disk takes a line now.
async fn health(shared: &Shared) -> Response<Body> {
    let mut probed = shared.probed.lock().await;
    let now = SystemClock.monotonic();
    let found = probed.filter(|(at, _)| now.saturating_sub(*at) < PROBE_HOLDS).map(|(_, writable)| writable);
    let writable = if let Some(writable) = found {
        writable
    } else {
        let (answer, writable) = oneshot::channel();
        let asked = shared.wishes.send(Wish::Probe(answer)).await;
        let writable = if asked.is_ok() { writable.await.unwrap_or(Writable::No) } else { Writable::No };
        *probed = Some((now, writable));
        writable
    };
    match writable {
        Writable::Yes => said(StatusCode::OK, "OK\n"),
        Writable::No => said(StatusCode::SERVICE_UNAVAILABLE, "the log cannot be written\n"),
    }
}

fn page(text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response
}

fn said(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(text.to_owned()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
