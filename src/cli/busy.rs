//! Tells what is being done where it takes long: a line that counts the seconds on a terminal, a note now and then elsewhere.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::picture::Picture;
use super::screen::Screen;
use crate::report::words::both::{Both, both};

/// So often on a terminal, for the first time after as long.
const TICK: Duration = Duration::from_secs(1);

/// So often elsewhere.
const NOTE: Duration = Duration::from_secs(30);

/// Something that may take long, until this is dropped. Nothing may be printed to stdout meanwhile.
pub(super) struct Busy(Option<(Sender<()>, JoinHandle<()>)>);

impl Busy {
    /// Begins to count. `what` is what is done: `comparing the journal with its log`.
    pub(super) fn with(screen: Screen, what: Both) -> Self {
        if !screen.shows_progress() {
            return Self(None);
        }
        let (over, ends) = channel();
        let thread = std::thread::spawn(move || {
            let every = if screen.is_watched() { TICK } else { NOTE };
            let mut picture: Option<Arc<Picture>> = None;
            let mut seconds = 0;
            while ends.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                seconds += every.as_secs();
                let line =
                    both(format!("{}: {seconds} s", what.english), format!("{}: {seconds} dtk", what.indonesian));
                if screen.is_watched() {
                    let picture = picture.get_or_insert_with(|| Picture::in_front_of(screen.log()));
                    picture.draw(vec![screen.told(&line).chars().take(Picture::columns()).collect()]);
                } else {
                    screen.note(&line);
                }
            }
            if let Some(picture) = picture {
                picture.end(screen.log());
            }
        });
        Self(Some((over, thread)))
    }
}

/// What several commands do.
pub(super) mod with {
    use super::{Both, both};

    pub(in crate::cli) fn orders() -> Both {
        both("reading the orders", "membaca pesanan")
    }

    pub(in crate::cli) fn journal() -> Both {
        both("comparing the journal with its log", "membandingkan jurnal dengan catatannya")
    }

    pub(in crate::cli) fn plan() -> Both {
        both("deciding about every row", "memutuskan setiap baris")
    }

    pub(in crate::cli) fn report() -> Both {
        both("judging every order, and writing the results", "menilai setiap pesanan, dan menulis hasilnya")
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some((over, thread)) = self.0.take() {
            drop(over);
            // It only draws; what it draws is away when it has ended.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::Cli;

    #[test]
    fn what_takes_no_time_is_told_to_nobody_and_keeps_nobody_waiting() {
        let screen = |line: &[&str]| Screen::new(&Cli::parse_from(line).common);
        let quiet = Busy::with(screen(&["rekon", "schema", "--quiet"]), with::plan());
        assert!(quiet.0.is_none());
        let (sent, ended) = channel();
        let thread = std::thread::spawn(move || {
            drop(Busy::with(screen(&["rekon", "schema"]), with::plan()));
            sent.send(()).unwrap();
        });
        ended.recv_timeout(NOTE / 3).unwrap();
        thread.join().unwrap();
    }
}
