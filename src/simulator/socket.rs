//! A TCP stream that can be made to misbehave: to end with a reset, to break off, to be gone when it is used again.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What a stream may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mischief {
    /// It ends with a reset instead of a farewell.
    Reset,
    /// No more than the beginning of a status line is written.
    CutOff,
    /// It ends with a reset as soon as more arrives on it.
    Trap,
}

/// Held by whoever may decide that the stream misbehaves.
#[derive(Debug, Clone, Default)]
pub(super) struct Switch(Arc<AtomicU8>);

impl Switch {
    pub(super) fn set(&self, mischief: Mischief) {
        self.0.store(mischief as u8 + 1, Ordering::Release);
    }

    fn is(&self, mischief: Mischief) -> bool {
        self.0.load(Ordering::Acquire) == mischief as u8 + 1
    }
}

/// How much of a status line gets out: `HTTP/1.1 20`.
const HALF_A_STATUS_LINE: usize = 11;

/// The stream, with its switch.
#[derive(Debug)]
pub(super) struct FaultyStream {
    stream: TcpStream,
    switch: Switch,
    /// How much has been written since the stream was cut off.
    written: usize,
}

impl FaultyStream {
    pub(super) fn new(stream: TcpStream, switch: Switch) -> Self {
        Self { stream, switch, written: 0 }
    }
}

impl Drop for FaultyStream {
    fn drop(&mut self) {
        if self.switch.is(Mischief::Reset) {
            // On failure the connection closes politely, which a client cannot take for an answer either.
            self.stream.set_zero_linger().ok();
        }
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.switch.is(Mischief::Trap) && matches!(read, Poll::Ready(Ok(()))) && buffer.filled().len() > before {
            self.switch.set(Mischief::Reset);
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        read
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.switch.is(Mischief::CutOff) {
            return Pin::new(&mut self.stream).poll_write(cx, bytes);
        }
        let left = HALF_A_STATUS_LINE.saturating_sub(self.written).min(bytes.len());
        if left == 0 {
            return Poll::Ready(Ok(bytes.len())); // Nobody gets to see it.
        }
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, &bytes[..left]))?;
        self.written += written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.switch.is(Mischief::Reset) {
            return Poll::Ready(Ok(())); // A farewell before the reset would read as a complete end.
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
