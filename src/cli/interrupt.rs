//! SIGINT, SIGTERM and SIGHUP: the first one stops the dispatching, the second one, if it is no SIGHUP, ends the program.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::exit::STOPPED;
use super::screen::Screen;
use crate::edge::runtime;
use crate::report::words::both::{Both, both};

/// A disk may hang, and whoever asks twice wants to get away.
const FOR_THE_NOTE: Duration = Duration::from_secs(1);

/// What the signals mean to a command.
#[derive(Clone)]
pub(super) enum Stopping {
    /// A run is left: how it stands by now.
    Run(Arc<dyn Fn() -> Leaving + Send + Sync>),
    /// Requests may be open, to which nobody has said yes yet.
    Server,
}

/// A run that is left.
pub(super) struct Leaving {
    /// What happens before it is left.
    pub(super) first: Both,
    /// What is left behind if that is not waited for, and what to type.
    pub(super) at_once: Both,
    /// What the program exits with then.
    pub(super) code: u8,
    /// Writes down why.
    pub(super) note: Box<dyn FnOnce() + Send>,
}

impl Stopping {
    fn first(&self) -> Both {
        match self {
            Self::Run(leaving) => leaving().first,
            Self::Server => both(
                "stopping: what has come in is written and answered; once more to stop at once",
                "sedang berhenti: yang sudah masuk ditulis dan dijawab dahulu; sekali lagi untuk berhenti seketika",
            ),
        }
    }

    /// Ends the program.
    fn at_once(&self, screen: Screen) {
        let code = match self {
            Self::Run(leaving) => {
                let Leaving { at_once, code, note, .. } = leaving();
                screen.warn(&at_once);
                runtime::at_most(FOR_THE_NOTE, note);
                code
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
