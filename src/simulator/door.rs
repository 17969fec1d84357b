//! The door: what a connection meets before anything is read from it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::faults::Door;
use super::pause::pause;

/// Longer than the request line of any client of ours.
const LONGEST_LINE: usize = 1024;

/// Method and path of the first request, left unread. `None` if there comes none.
pub(super) async fn request_line(stream: &TcpStream) -> Option<(String, String)> {
    let mut bytes = [0; LONGEST_LINE];
    loop {
        let length = stream.peek(&mut bytes).await.ok().filter(|length| *length > 0)?;
        let text = String::from_utf8_lossy(&bytes[..length]);
        if let Some((line, _)) = text.split_once("\r\n") {
            let mut words = line.split(' ');
            return Some((words.next()?.to_owned(), words.next()?.to_owned()));
        }
        if length == LONGEST_LINE {
            return None;
        }
        pause(Duration::from_millis(1)).await;
    }
}

/// Ends a connection of which nothing was read.
pub(super) async fn turn_away(mut stream: TcpStream, door: Door) {
    match door {
        // What is unread makes the end a reset.
        Door::Refuse | Door::Reset => drop(stream.set_zero_linger()),
        Door::Close => {
            stream.shutdown().await.ok();
            // Until the client has gone too, for unread bytes would make it a reset.
            let mut bytes = [0; LONGEST_LINE];
            while stream.read(&mut bytes).await.is_ok_and(|length| length > 0) {}
        }
    }
}

/// Holds a port for a while without listening on it, so that the system refuses connections and nobody else takes it.
pub(super) async fn nobody(address: SocketAddr, outage: Duration) -> TcpListener {
    let mut socket = held(address);
    pause(outage).await;
    loop {
        match socket.and_then(|socket| socket.listen(1024)) {
            Ok(listener) => return listener,
            // Somebody else had it meanwhile, or the old listener is not gone yet.
            Err(_) => pause(Duration::from_millis(5)).await,
        }
        socket = held(address);
    }
}

fn held(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
