//! Shows how far a run is: two lines that are drawn again and again on a terminal, a heartbeat line elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use console::Term;
use tokio::task::JoinHandle;

use super::heartbeat::{Meter, Phase, Reading, Terms};
use super::log::{Level, LogFormat};
use super::screen::{Screen, Tone, columns};
use crate::edge::clock::SystemClock;
use crate::job::settings::Job;
use crate::runner::clock::Clock as _;
use crate::runner::progress::Progress;

/// A heartbeat every so often where nobody watches.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// The picture on a terminal is drawn so often.
const FRAME: Duration = Duration::from_millis(200);

/// Columns that stay free at the end of a line: the terminal itself shows ^C there, and must not begin a new line for it.
const ECHO: usize = 3;

/// Shows progress until it is dropped.
pub(super) struct Watch {
    _shown: Option<Shown>,
}

/// How it is shown.
struct Shown {
    task: JoinHandle<()>,
    screen: Screen,
    show: Show,
}

enum Show {
    Picture(Arc<Picture>),
    Heartbeat(Arc<Pulse>),
}

/// What a heartbeat is made of.
struct Pulse {
    progress: Arc<Progress>,
    meter: Mutex<Meter>,
}

impl Watch {
    /// Starts to show, if there is something to show and somebody wants it.
    pub(super) fn start(screen: Screen, progress: &Arc<Progress>, job: &Job, may_claim: bool) -> Self {
        let orders = Progress::get(&progress.orders);
        if !screen.shows_progress() || (orders == 0 && !may_claim) {
            return Self { _shown: None };
        }
        let meter = Meter::new(Terms::of(job, screen.language()), SystemClock.monotonic());
        let pulse = Arc::new(Pulse { progress: Arc::clone(progress), meter: Mutex::new(meter) });
        let is_watched = std::io::stderr().is_terminal() && screen.log().format == LogFormat::Text;
        let (task, show) = if is_watched {
            let picture = Arc::new(Picture::default());
            let curtain = Arc::clone(&picture);
            screen.log().behind(Some(Box::new(move |write| curtain.suspended(write))));
            let drawn = Arc::clone(&picture);
            (tokio::spawn(async move { draw(screen, &drawn, &pulse).await }), Show::Picture(picture))
        } else {
            let beating = Arc::clone(&pulse);
            (tokio::spawn(async move { beat(screen, &beating).await }), Show::Heartbeat(pulse))
        };
        Self { _shown: Some(Shown { task, screen, show }) }
    }
}

/// The two lines on the terminal; `None` while there are none.
#[derive(Default)]
struct Picture(Mutex<Option<[String; 2]>>);

impl Picture {
    /// Draws the lines where the last ones are, or takes those away.
    fn draw(&self, lines: Option<[String; 2]>) {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        replace(shown.as_ref(), lines.as_ref());
        *shown = lines;
    }

    /// Has something written where the lines are, and them below it.
    fn suspended(&self, write: &mut dyn FnMut()) {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        replace(shown.as_ref(), None);
        write();
        replace(None, shown.as_ref());
    }
}

/// One write, so that nobody sees half a picture.
fn replace(old: Option<&[String; 2]>, new: Option<&[String; 2]>) {
    let up = if old.is_some() { "\r\u{1b}[1A" } else { "" };
    let text = match (old, new) {
        (_, Some([first, second])) => format!("{up}{first}\u{1b}[K\n{second}\u{1b}[K"),
        (Some(_), None) => format!("{up}\u{1b}[J"),
        (None, None) => return,
    };
    // Who has closed the terminal does not look any more.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.task.abort();
        match &self.show {
            Show::Picture(picture) => {
                picture.draw(None);
                self.screen.log().behind(None);
            }
            Show::Heartbeat(pulse) => pulse.beat(self.screen, Phase::Ends),
        }
    }
}

impl Pulse {
    fn read(&self) -> Reading {
        let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        meter.read(&self.progress, SystemClock.monotonic(), SystemClock.now())
    }

    fn beat(&self, screen: Screen, phase: Phase) {
        let reading = self.read();
        if screen.log().format == LogFormat::Json {
            return screen.event(Level::Info, "progress", &reading.fields(phase));
        }
        let about = screen.log().about();
        screen.note(&reading.line(phase, about.job.as_deref(), about.run.as_deref()));
    }
}

async fn draw(screen: Screen, picture: &Picture, pulse: &Pulse) {
    loop {
        let reading = pulse.read();
        let columns = columns(&Term::stderr()).saturating_sub(ECHO);
        let [first, second] = reading.lines(columns);
        let second = if reading.is_late() { screen.tone(Tone::Bad, &second) } else { second };
        picture.draw(Some([reading.bar(columns, &first), second]));
        SystemClock.sleep(FRAME).await;
    }
}

async fn beat(screen: Screen, pulse: &Pulse) {
    pulse.beat(screen, Phase::Begins);
    loop {
        SystemClock.sleep(HEARTBEAT).await;
        pulse.beat(screen, Phase::Running);
    }
}
