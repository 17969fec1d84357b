//! Shows how far a run is: two lines that are drawn again and again on a terminal, a heartbeat line elsewhere.

use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

use super::heartbeat::{Meter, Reading, Terms};
use super::log::{Level, LogFormat};
use super::screen::{Screen, Tone};
use crate::edge::clock::SystemClock;
use crate::job::settings::Job;
use crate::runner::clock::Clock as _;
use crate::runner::progress::Progress;

/// A heartbeat every so often where nobody watches.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// The picture on a terminal is drawn so often.
const FRAME: Duration = Duration::from_millis(200);

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
    Picture(ProgressBar),
    Heartbeat(Arc<Pulse>),
}

/// What a heartbeat is made of.
struct Pulse {
    progress: Arc<Progress>,
    meter: Mutex<Meter>,
}

impl Watch {
    /// Starts to show, if there is something to show and somebody wants it.
    pub(super) fn start(screen: Screen, progress: &Arc<Progress>, job: &Job) -> Self {
        let orders = Progress::get(&progress.orders);
        if !screen.shows_progress() || orders == 0 {
            return Self { _shown: None };
        }
        let meter = Meter::new(Terms::of(job), SystemClock.monotonic());
        let pulse = Arc::new(Pulse { progress: Arc::clone(progress), meter: Mutex::new(meter) });
        let is_watched = std::io::stderr().is_terminal() && screen.log().format == LogFormat::Text;
        let (task, show) = if is_watched {
            let bar = ProgressBar::new(orders).with_style(style());
            let curtain = bar.clone();
            screen.log().behind(Some(Box::new(move |write| curtain.suspend(&mut *write))));
            let drawn = bar.clone();
            (tokio::spawn(async move { draw(screen, &drawn, &pulse).await }), Show::Picture(bar))
        } else {
            let beating = Arc::clone(&pulse);
            (tokio::spawn(async move { beat(screen, &beating).await }), Show::Heartbeat(pulse))
        };
        Self { _shown: Some(Shown { task, screen, show }) }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.task.abort();
        match &self.show {
            Show::Picture(bar) => {
                bar.finish_and_clear();
                self.screen.log().behind(None);
            }
            Show::Heartbeat(pulse) => pulse.beat(self.screen, "ends"),
        }
    }
}

impl Pulse {
    fn read(&self) -> Reading {
        let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        meter.read(&self.progress, SystemClock.monotonic(), SystemClock.now())
    }

    fn beat(&self, screen: Screen, phase: &str) {
        let reading = self.read();
        if screen.log().format == LogFormat::Json {
            return screen.event(Level::Info, "progress", &reading.fields(phase));
        }
        let about = screen.log().about();
        screen.note(&reading.line(phase, about.job.as_deref(), about.run.as_deref()));
    }
}

fn style() -> ProgressStyle {
    // Both lines take the terminal's width and no more: one that wraps would leave a part of itself behind.
    let lines = "  {wide_bar}  {prefix}\n{wide_msg}";
    ProgressStyle::with_template(lines).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("█░")
}

async fn draw(screen: Screen, bar: &ProgressBar, pulse: &Pulse) {
    loop {
        let reading = pulse.read();
        let [first, second] = reading.lines();
        bar.set_position(Progress::get(&pulse.progress.ended));
        bar.set_prefix(first);
        bar.set_message(if reading.is_late() { screen.tone(Tone::Bad, &second) } else { second });
        SystemClock.sleep(FRAME).await;
    }
}

async fn beat(screen: Screen, pulse: &Pulse) {
    pulse.beat(screen, "begins");
    loop {
        SystemClock.sleep(HEARTBEAT).await;
        pulse.beat(screen, "running");
    }
}
