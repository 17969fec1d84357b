//! SIGINT, SIGTERM and SIGHUP: the first one stops the dispatching, the second one, if it is no SIGHUP, ends the program.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::exit::{DOUBT, STOPPED};
use super::screen::Screen;
use crate::report::words::both::{Both, both};

/// What the signals mean to a command.
#[derive(Clone)]
pub(super) enum Stopping {
    /// Calls may be under way whose outcome nobody will read: what to say of them at the second signal.
    Run(Arc<dyn Fn() -> Both + Send + Sync>),
    /// Requests may be open, to which nobody has said yes yet.
    Server,
}

impl Stopping {
    fn first(&self) -> Both {
        match self {
            Self::Run(_) => both(
                "stopping: calls under way are finished, then the files are written; once more to stop at once",
                "sedang berhenti: panggilan yang sedang berjalan diselesaikan dahulu, lalu berkas ditulis; sekali lagi untuk \
                 berhenti seketika",
            ),
            Self::Server => both(
                "stopping: what has come in is written and answered; once more to stop at once",
                "sedang berhenti: yang sudah masuk ditulis dan dijawab dahulu; sekali lagi untuk berhenti seketika",
            ),
        }
    }

    /// Ends the program.
    fn at_once(&self, screen: Screen) {
        let code = match self {
            Self::Run(doubt) => {
                screen.warn(&doubt());
                DOUBT
            }
            Self::Server => STOPPED,
        };
        screen.log().unseen(&mut || std::process::exit(i32::from(code)));
    }
}

/// A flag that turns true with the first signal.
pub(super) fn listen(stopping: &Stopping, screen: Screen) -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let (sender, stopping) = (sender.clone(), stopping.clone());
        let Ok(mut caught) = signal(kind) else { continue };
        tokio::spawn(async move {
            while caught.recv().await.is_some() {
                let was_asked = sender.send_replace(true);
                if kind == SignalKind::interrupt() {
                    screen.below_the_echo();
                }
                if kind == SignalKind::hangup() {
                    // A terminal that closes may say so twice, and nobody is there to ask for anything once more.
                    if was_asked {
                        continue;
                    }
                } else if was_asked {
                    stopping.at_once(screen);
                }
                screen.warn(&stopping.first());
            }
        });
    }
    receiver
}
