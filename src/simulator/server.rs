//! The sockets: accepts connections, reads requests, hands them to the desk, writes what it says.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response};
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Clock;
use super::desk::{Delivery, Desk};
use super::door;
use super::envelope::Message;
use super::faults::{Door, End, Stage};
use super::pause::pause;
use super::payment_page::{self, Button, Shown, Visit};
use super::socket::{FaultyStream, Mischief, Switch};
use super::wire;
use crate::edge::connection::{self, KeepAlive, Stop, Terms};

/// The longest body that is read; the longest of the guide's requests has a few kilobytes.
const LONGEST_BODY: usize = 1 << 20;

/// The longest form of the payment page.
const LONGEST_FORM: usize = 1024;

/// What the payment page may do: look well, and send its own form.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";

/// How long a connection may take over the head of a request, or stay idle.
const HEADER_PATIENCE: Duration = Duration::from_secs(75);

/// How long a scripted silence lasts if the client does not leave before.
const SILENCE: Duration = Duration::from_secs(120);

/// How long an open request may take once the simulator stops.
const GRACE: Duration = Duration::from_secs(2);

/// What all connections share.
pub(super) struct Shared {
    desk: Mutex<Desk>,
    requests: AtomicU64,
    clock: Clock,
}

impl Shared {
    pub(super) fn new(desk: Desk, clock: Clock) -> Self {
        Self { desk: Mutex::new(desk), requests: AtomicU64::new(0), clock }
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().expect("no request panics at the desk")
    }

    pub(super) fn request_count(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// Accepts connections until told to stop; then lets the open requests finish.
pub(super) async fn accept(mut listener: TcpListener, address: SocketAddr, shared: Arc<Shared>, mut stop: Stop) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(receive(stream, Arc::clone(&shared), stop.clone()));
                }
                // Out of file descriptors, most likely: some will be free soon.
                Err(_) => pause(Duration::from_millis(50)).await,
            },
            Some(ended) = connections.join_next() => if let Ok(Some(outage)) = ended {
                drop(listener);
                listener = tokio::select! {
                    again = door::nobody(address, outage) => again,
                    _ = stop.changed() => return,
                };
            },
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// One connection, from the door on. Returns for how long nobody is to listen, if the script says so.
async fn receive(stream: TcpStream, shared: Arc<Shared>, mut stop: Stop) -> Option<Duration> {
    if !shared.desk().script.watches(Stage::Connection) {
        converse(stream, shared, stop, KeepAlive::Yes).await;
        return None;
    }
    let (method, path) = tokio::select! {
        line = door::request_line(&stream) => line?,
        () = pause(HEADER_PATIENCE) => return None,
        _ = stop.changed() => return None,
    };
    let struck = shared.desk().door(&method, &path);
    let Some((door, delay)) = struck else {
        converse(stream, shared, stop, KeepAlive::No).await;
        return None;
    };
    shared.requests.fetch_add(1, Ordering::Relaxed);
    tokio::select! {
        () = door::turn_away(stream, door) => {}
        () = pause(GRACE) => {}
    }
    (door == Door::Refuse).then_some(delay)
}

/// One connection, with as many requests as the client likes. Where the script strikes connections, each request has its own,
/// or it would be left to the client how many there are.
async fn converse(stream: TcpStream, shared: Arc<Shared>, stop: Stop, keep_alive: KeepAlive) {
    let switch = Switch::default();
    let stream = FaultyStream::new(stream, switch.clone());
    let terms = Terms {
        head_patience: HEADER_PATIENCE,
        read_patience: HEADER_PATIENCE,
        longest_head: None,
        keep_alive,
        grace: GRACE,
    };
    let service_stop = stop.clone();
    let answer = |request| respond(request, Arc::clone(&shared), switch.clone(), service_stop.clone());
    // How a connection ends is the client's business: its errors are what the faults are for.
    connection::converse(stream, answer, &terms, stop).await.ok();
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection ends without an answer")]
struct NoAnswer;

async fn respond(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    switch: Switch,
    mut stop: Stop,
) -> Result<Response<Body>, NoAnswer> {
    if request.uri().path() == payment_page::PATH {
        return show(request, &shared, &stop).await;
    }
    shared.requests.fetch_add(1, Ordering::Relaxed);
    let (head, body) = request.into_parts();
    let (method, path) = (head.method.to_string(), head.uri.path().to_owned());
    if shared.desk().strikes_head(&method, &path) {
        switch.set(Mischief::Reset);
        return Err(NoAnswer);
    }
    let Ok(body) = to_bytes(Body::new(body), LONGEST_BODY).await else { return Err(NoAnswer) };
    let message = Message { method, path, headers: head.headers, body };
    let now = (shared.clock)();
    let delivery = shared.desk().serve(&message, now);
    put_off(&shared, &stop);
    match delivery {
        Delivery::Reply(reply, wire, delay) => wire::response(reply, wire, delay, &switch).await.ok_or(NoAnswer),
        Delivery::Nothing(end) => {
            match end {
                End::Reset => switch.set(Mischief::Reset),
                End::Close => {}
                End::Silence => {
                    tokio::time::timeout(SILENCE, stop.changed()).await.ok();
                }
            }
            Err(NoAnswer)
        }
    }
}

/// The payment page, which is no part of the API: it is not counted, and no fault strikes it.
async fn show(request: Request<Incoming>, shared: &Arc<Shared>, stop: &Stop) -> Result<Response<Body>, NoAnswer> {
    let (head, body) = request.into_parts();
    let Ok(form) = to_bytes(Body::new(body), LONGEST_FORM).await else { return Err(NoAnswer) };
    let visit = if head.method == Method::POST { Visit::Press(Button::read(&form)) } else { Visit::Look };
    let now = (shared.clock)();
    let shown = shared.desk().visit(head.uri.query().unwrap_or_default(), visit, now);
    put_off(shared, stop);
    let response = Response::builder().header("Cache-Control", "no-store");
    let response = match shown {
        Shown::Page(status, html) => response
            .status(status)
            .header("Content-Type", "text/html; charset=utf-8")
            .header("Content-Security-Policy", PAGE_POLICY)
            .body(Body::from(html)),
        Shown::Again => response.status(303).header("Location", head.uri.to_string()).body(Body::empty()),
    };
    response.map_err(|_never| NoAnswer)
}

/// Sees to it that what the script has put off is done when its time has come, or when the simulator stops.
pub(super) fn put_off(shared: &Arc<Shared>, stop: &Stop) {
    for (delay, later) in std::mem::take(&mut shared.desk().later) {
        let (shared, mut stop) = (Arc::clone(shared), stop.clone());
        tokio::spawn(async move {
            tokio::time::timeout(delay, stop.changed()).await.ok();
            let now = (shared.clock)();
            shared.desk().catch_up(later, now);
        });
    }
}
