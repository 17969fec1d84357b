//! SIGINT, SIGTERM and SIGHUP: the first one stops the dispatching, the second one ends the program.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::exit::DOUBT;
use super::screen::Screen;

/// A flag that turns true with the first signal.
pub(super) fn listen(screen: Screen) -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    let signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    for caught in signals {
        let sender = sender.clone();
        let Ok(mut caught) = caught else { continue };
        tokio::spawn(async move {
            while caught.recv().await.is_some() {
                if sender.send_replace(true) {
                    // Calls may be under way whose outcome nobody will read.
                    screen.log().unseen(&mut || std::process::exit(i32::from(DOUBT)));
                }
                screen.warn(
                    "stopping: calls under way are finished, then the files are written; once more to stop at once",
                );
            }
        });
    }
    receiver
}
