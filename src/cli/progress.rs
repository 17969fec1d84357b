//! How far a run is: a bar on a terminal, a heartbeat line elsewhere.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use tokio::task::JoinHandle;

use super::screen::Screen;
use crate::edge::clock::SystemClock;
use crate::model::money::Rupiah;
use crate::runner::clock::Clock as _;
use crate::runner::progress::Progress;

/// A heartbeat every so often where nobody watches.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Shows progress until it is dropped.
pub(super) struct Watch {
    task: Option<JoinHandle<()>>,
    bar: Option<ProgressBar>,
}

impl Watch {
    /// Starts to show, if there is something to show and somebody wants it.
    pub(super) fn start(screen: Screen, progress: &Arc<Progress>, orders: u64) -> Self {
        if !screen.shows_progress() || orders == 0 {
            return Self { task: None, bar: None };
        }
        let progress = Arc::clone(progress);
        if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(orders).with_style(style());
            let shown = bar.clone();
            let task = tokio::spawn(async move { draw(&shown, &progress).await });
            return Self { task: Some(task), bar: Some(bar) };
        }
        Self { task: Some(tokio::spawn(async move { beat(screen, &progress).await })), bar: None }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("  {bar:30} {pos}/{len} orders  {rate}  {msg}  ETA {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.1}/s", state.per_sec());
        })
}

async fn draw(bar: &ProgressBar, progress: &Progress) {
    loop {
        bar.set_position(Progress::get(&progress.ended));
        let requests = Progress::get(&progress.requests);
        bar.set_message(format!("{requests} requests  {}", Rupiah::new(Progress::get(&progress.rupiah))));
        SystemClock.sleep(Duration::from_millis(100)).await;
    }
}

async fn beat(screen: Screen, progress: &Progress) {
    let start = SystemClock.monotonic();
    loop {
        SystemClock.sleep(HEARTBEAT).await;
        let seconds = SystemClock.monotonic().saturating_sub(start).as_secs();
        screen.note(&format!(
            "after {seconds} s: {} of {} orders ended, {} requests, {}",
            Progress::get(&progress.ended),
            Progress::get(&progress.orders),
            Progress::get(&progress.requests),
            Rupiah::new(Progress::get(&progress.rupiah))
        ));
    }
}
