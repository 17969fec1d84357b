//! Brings the answers of a group to those who wait for them. These are tasks of a runtime, which is woken once for all of them:
//! every wake from another thread is a lock, and often a system call.

use tokio::runtime::Handle;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// An answer that knows who waits for it.
pub(super) trait Letter: Send + 'static {
    /// Wakes who waits.
    fn deliver(self);
}

/// A task of the runtime in which the journal was opened.
pub(super) struct Postman<L>(Option<UnboundedSender<Vec<L>>>);

impl<L: Letter> Postman<L> {
    /// Takes up its work, if there is a runtime; it ends when this is dropped.
    pub(super) fn start() -> Self {
        let Ok(runtime) = Handle::try_current() else { return Self(None) };
        let (sender, mut receiver) = unbounded_channel();
        runtime.spawn(async move {
            while let Some(letters) = receiver.recv().await {
                deliver(letters);
            }
        });
        Self(Some(sender))
    }

    /// Has these delivered, and delivers them itself where no runtime does it.
    pub(super) fn bring(&self, letters: Vec<L>) {
        match &self.0 {
            None => deliver(letters),
            Some(sender) => {
                if let Err(SendError(letters)) = sender.send(letters) {
                    deliver(letters);
                }
            }
        }
    }
}

fn deliver<L: Letter>(letters: Vec<L>) {
    letters.into_iter().for_each(Letter::deliver);
}
