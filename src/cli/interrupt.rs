//! SIGINT, SIGTERM and SIGHUP: the first one stops the dispatching, the second one, if it is no SIGHUP, ends the program.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::exit::{DOUBT, STOPPED};
use super::screen::Screen;

/// What the signals mean to a command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stopping {
    /// What the first one says.
    first: &'static str,
    /// What the second one ends the program with.
    at_once: u8,
}

impl Stopping {
    /// Calls may be under way whose outcome nobody will read.
    const RUN: Self = Self {
        first: "stopping: calls under way are finished, then the files are written; once more to stop at once",
        at_once: DOUBT,
    };
    /// Requests may be open, to which nobody has said yes yet.
    pub(super) const LISTENER: Self = Self {
        first: "stopping: what has come in is written and answered; once more to stop at once",
        at_once: STOPPED,
    };
}

/// A flag that turns true with the first signal; `at_once` is done before the program ends with the second one.
pub(super) fn listen(screen: Screen, at_once: impl Fn() + Send + Sync + 'static) -> watch::Receiver<bool> {
    listen_for(Stopping::RUN, screen, at_once)
}

/// The same for a command to which the signals mean something else.
pub(super) fn listen_for(
    stopping: Stopping,
    screen: Screen,
    at_once: impl Fn() + Send + Sync + 'static,
) -> watch::Receiver<bool> {
    let at_once = Arc::new(at_once);
    let (sender, receiver) = watch::channel(false);
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let (sender, at_once) = (sender.clone(), Arc::clone(&at_once));
        let Ok(mut caught) = signal(kind) else { continue };
        tokio::spawn(async move {
            while caught.recv().await.is_some() {
                let was_asked = sender.send_replace(true);
                if kind == SignalKind::hangup() {
                    // A terminal that closes may say so twice, and nobody is there to ask for anything once more.
                    if was_asked {
                        continue;
                    }
                } else if was_asked {
                    at_once();
                    screen.log().unseen(&mut || std::process::exit(i32::from(stopping.at_once)));
                }
                screen.warn(stopping.first);
            }
        });
    }
    receiver
}
