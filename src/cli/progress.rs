//! Shows how far a run is: two lines that are drawn again and again on a terminal, a heartbeat line elsewhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::heartbeat::{Meter, Phase, Reading, Terms};
use super::log::{Level, LogFormat};
use super::picture::Picture;
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
        let (task, show) = if screen.is_watched() {
            let picture = Picture::in_front_of(screen.log());
            let drawn = Arc::clone(&picture);
            (tokio::spawn(async move { draw(screen, &drawn, &pulse).await }), Show::Picture(picture))
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
            Show::Picture(picture) => picture.end(self.screen.log()),
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
        let columns = Picture::columns();
        let [first, second] = reading.lines(columns);
        let second = if reading.is_late() { screen.tone(Tone::Bad, &second) } else { second };
        picture.draw(vec![reading.bar(columns, &first), second]);
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
