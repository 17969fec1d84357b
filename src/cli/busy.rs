//! Tells what is being done where it takes long: a line that counts the seconds on a terminal, a note now and then elsewhere.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::picture::Picture;
use super::screen::Screen;
use crate::model::language::Language;
use crate::report::words::both::{Both, Told as _, both};

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
                let count = both(format!(": {seconds} s"), format!(": {seconds} dtk"));
                if screen.is_watched() {
                    let picture = picture.get_or_insert_with(|| Picture::in_front_of(screen.log()));
                    picture.draw(vec![fitting(screen.told(&what), screen.told(&count), Picture::columns())]);
                } else {
                    let line = |language| format!("{}{}", what.told(language), count.told(language));
                    screen.note(&both(line(Language::English), line(Language::Indonesian)));
                }
            }
            if let Some(picture) = picture {
                picture.end(screen.log());
            }
        });
        Self(Some((over, thread)))
    }
}

/// On a narrow terminal words give way, and the count stays.
fn fitting(words: &str, count: &str, columns: usize) -> String {
    let room = columns.saturating_sub(count.chars().count());
    words.chars().take(room).chain(count.chars()).take(columns).collect()
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
    fn on_a_narrow_terminal_the_count_stays() {
        assert_eq!(fitting("reading the orders", ": 12 s", 80), "reading the orders: 12 s");
        assert_eq!(fitting("reading the orders", ": 12 s", 13), "reading: 12 s");
        assert_eq!(fitting("reading the orders", ": 12 s", 3), ": 1");
    }

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
