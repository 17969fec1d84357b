//! SIGINT, SIGTERM and SIGHUP. What the first one does depends on how far a command has come: as long as nothing has begun,
//! it ends the command; while calls may be under way, it stops the dispatching. The second one, if it is no SIGHUP, ends the
//! program. Under `nohup`, SIGHUP means nothing.
//!
//! That nothing was sent is not all that a command has to say which ends before it has begun: [`meanwhile`](super::meanwhile)
//! knows what older money is in doubt.

use std::fmt;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::exit::{Failure, STOPPED};
use super::meanwhile::Earlier;
use super::room::NoRoom;
use super::screen::Screen;
use crate::edge::clock::SystemClock;
use crate::edge::{machine, runtime};
use crate::model::language::Language;
use crate::report::words::both::{Both, both};
use crate::runner::clock::Clock as _;

/// A disk may hang, and whoever asks twice wants to get away.
const FOR_THE_NOTE: Duration = Duration::from_secs(1);

/// A command that has begun nothing ends where it waits next, as a rule at once.
const BEFORE_A_WORD: Duration = Duration::from_millis(500);

/// If it computes, or hangs, for so many times as long, it is ended where it is; as soon as it has nothing in its hands, at once.
const LOOKS: u32 = 10;

/// What the signals mean to a command.
#[derive(Clone)]
pub(super) enum Stopping {
    /// Nothing has begun: it ends, and nothing was sent.
    Early,
    /// A run is being made durable, or joined, and nothing is sent yet.
    Beginning,
    /// A run is left: how it stands by now.
    Run(Arc<dyn Fn() -> Leaving + Send + Sync>),
    /// The work has ended with this exit code, and others are told of it.
    Over(u8),
    /// Requests may be open, to which nobody has said yes yet.
    Server,
}

/// A run that is left.
pub(super) struct Leaving {
    /// What happens before it is left.
    pub(super) first: Both,
    /// Looks at what is left behind if that is not waited for.
    pub(super) at_once: Box<dyn FnOnce() -> Left>,
}

/// What is left behind by a run that nobody waited for.
pub(super) struct Left {
    /// What it is, and what to type.
    pub(super) said: Both,
    /// What the program exits with.
    pub(super) code: u8,
    /// Writes down why.
    pub(super) note: Box<dyn FnOnce() + Send>,
}

impl Stopping {
    fn first(&self) -> Both {
        match self {
            Self::Early => both(
                "stopping before anything is sent; once more to stop at once",
                "berhenti sebelum ada yang dikirim; sekali lagi untuk berhenti seketika",
            ),
            Self::Beginning => both(
                "stopping: nothing is sent, and the run ends as it begins; once more to stop at once",
                "sedang berhenti: tidak ada yang dikirim, dan proses berakhir saat dimulai; sekali lagi untuk berhenti seketika",
            ),
            Self::Run(leaving) => leaving().first,
            Self::Over(_) => both(
                "stopping: the work is over, and its end is told; once more to stop at once",
                "sedang berhenti: pekerjaan sudah selesai, dan akhirnya diberitahukan; sekali lagi untuk berhenti seketika",
            ),
            Self::Server => both(
                "stopping: what has come in is written and answered; once more to stop at once",
                "sedang berhenti: yang sudah masuk ditulis dan dijawab dahulu; sekali lagi untuk berhenti seketika",
            ),
        }
    }
}

/// The signals that a command gets, and what they mean to it by now. By default nobody listens for any.
#[derive(Clone, Default)]
pub(super) struct Signals(Arc<Shared>);

struct Shared {
    /// Turns true with the first signal.
    asked: watch::Sender<bool>,
    now: Mutex<Now>,
}

struct Now {
    stopping: Stopping,
    /// Of whoever reads what is said; `None`: as the command line says.
    language: Option<Language>,
    /// Whether it would leave nothing behind if it were ended where it is.
    is_traceless: bool,
    /// Where older doubt is looked for; `None`: the command is about no job.
    earlier: Option<Arc<Earlier>>,
}

impl Default for Shared {
    fn default() -> Self {
        let now = Now { stopping: Stopping::Early, language: None, is_traceless: false, earlier: None };
        Self { asked: watch::channel(false).0, now: Mutex::new(now) }
    }
}

/// See [`Signals::without_a_trace`].
pub(super) struct Traceless(Signals);

impl Drop for Traceless {
    fn drop(&mut self) {
        self.0.now().is_traceless = false;
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Signals({})", *self.0.asked.borrow())
    }
}

impl Signals {
    /// Begins to listen for them.
    pub(super) fn listen(stopping: Stopping, screen: Screen) -> Self {
        let signals = Self::default();
        signals.now().stopping = stopping;
        let hangup = (!machine::outlives_its_terminal()).then(SignalKind::hangup);
        for kind in [SignalKind::interrupt(), SignalKind::terminate()].into_iter().chain(hangup) {
            let Ok(mut caught) = signal(kind) else { continue };
            let signals = signals.clone();
            tokio::spawn(async move {
                while caught.recv().await.is_some() {
                    signals.take(kind, screen);
                }
            });
        }
        signals
    }

    /// The same, for readers of this language.
    pub(super) fn speaking(self, language: Language) -> Self {
        self.now().language = Some(language);
        self
    }

    /// A command that ends before it has begun looks there for older doubt.
    pub(super) fn look_back(&self, earlier: Earlier) {
        self.now().earlier = Some(Arc::new(earlier));
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One has come.
    fn take(&self, kind: SignalKind, screen: Screen) {
        let (was_asked, stopping, screen) = {
            let now = self.now();
            let screen = now.language.map_or(screen, |language| screen.speaking(language));
            (self.0.asked.send_replace(true), now.stopping.clone(), screen)
        };
        if kind == SignalKind::interrupt() {
            screen.below_the_echo();
        }
        if kind == SignalKind::hangup() {
            // A terminal that closes may say so twice, and nobody is there to ask for anything once more.
            if was_asked {
                return;
            }
        } else if was_asked {
            return self.leave(stopping, screen);
        }
        if matches!(stopping, Stopping::Early) {
            tokio::spawn(self.clone().end_what_has_not_begun(screen));
        } else {
            screen.warn(&stopping.first());
        }
    }

    /// Such a command ends by itself where it waits next; says so, if it takes its time, and ends it if it takes too long.
    async fn end_what_has_not_begun(self, screen: Screen) {
        for look in 0..=LOOKS {
            SystemClock.sleep(BEFORE_A_WORD).await;
            // What has not begun by now does not begin any more: see `turn`.
            let (stopping, is_traceless) = {
                let now = self.now();
                (now.stopping.clone(), now.is_traceless)
            };
            match stopping {
                Stopping::Early if is_traceless || look == LOOKS => return self.leave(stopping, screen),
                Stopping::Early if look == 0 => screen.warn(&stopping.first()),
                Stopping::Early => {}
                _ => return,
            }
        }
    }

    /// Ends the program.
    fn leave(&self, stopping: Stopping, screen: Screen) {
        match stopping {
            Stopping::Early | Stopping::Beginning => {
                let failure = self.ended_early();
                // Held to the end of the program: one of the two tells how the command ends.
                let now = self.now();
                if !matches!(now.stopping, Stopping::Over(_)) {
                    screen.failure(&failure);
                    exit(failure.code(), screen);
                }
            }
            Stopping::Run(leaving) => {
                let Left { said, code, note } = (leaving().at_once)();
                screen.warn(&said);
                runtime::at_most(FOR_THE_NOTE, note);
                exit(code, screen);
            }
            Stopping::Over(code) => exit(code, screen),
            Stopping::Server => exit(STOPPED, screen),
        }
    }

    /// What a command says that ends before it has begun.
    fn ended_early(&self) -> Failure {
        let earlier = self.now().earlier.clone();
        earlier.and_then(Earlier::told).map_or(Failure::Interrupted, Failure::DoubtMeanwhile)
    }

    /// A flag that turns true with the first signal.
    pub(super) fn asked(&self) -> watch::Receiver<bool> {
        self.0.asked.subscribe()
    }

    /// From here on a signal means this.
    pub(super) fn mean(&self, stopping: Stopping) -> watch::Receiver<bool> {
        self.now().stopping = stopping;
        self.asked()
    }

    /// From here on the work is not left where it is: a run begins.
    ///
    /// # Errors
    /// [`Failure::Interrupted`] if somebody has asked to stop before that.
    pub(super) fn begin(&self) -> Result<(), Failure> {
        self.turn(Stopping::Beginning)
    }

    /// The run did not begin after all.
    ///
    /// # Errors
    /// As of [`Self::begin`].
    pub(super) fn begin_later(&self) -> Result<(), Failure> {
        self.turn(Stopping::Early)
    }

    /// As long as what is returned lives, the command has nothing in its hands that would stay behind if it were ended where it is: it
    /// reads, or decides.
    pub(super) fn without_a_trace(&self) -> Traceless {
        self.now().is_traceless = true;
        Traceless(self.clone())
    }

    /// The work is over, and what came of it gets its place: it is not left any more.
    ///
    /// # Errors
    /// As of [`Self::begin`].
    pub(super) fn end_with(&self, code: u8) -> Result<(), Failure> {
        self.turn(Stopping::Over(code))
    }

    /// Asked by what computes, and waits for nothing, as long as nothing has begun.
    ///
    /// # Errors
    /// [`NoRoom::Unwanted`] if somebody has asked to stop.
    pub(super) fn still_wanted(&self) -> Result<(), NoRoom> {
        let is_asked = *self.0.asked.borrow();
        if is_asked && matches!(self.now().stopping, Stopping::Early) { Err(NoRoom::Unwanted) } else { Ok(()) }
    }

    fn turn(&self, stopping: Stopping) -> Result<(), Failure> {
        let mut now = self.now();
        if *self.0.asked.borrow() {
            // Nothing has begun, or not any more.
            now.stopping = Stopping::Early;
            return Err(Failure::Interrupted);
        }
        now.stopping = stopping;
        Ok(())
    }

    /// Does the work; a signal ends it where it waits, as long as it has begun nothing.
    ///
    /// # Errors
    /// What keeps the work from its end.
    pub(super) async fn unless_stopped(&self, work: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
        let mut ended = tokio::select! {
            biased;
            () = self.asked_early() => Err(Failure::Interrupted),
            ended = work => ended,
        };
        // The journal is let go by now.
        if let Err(Failure::Interrupted) = ended {
            ended = Err(self.ended_early());
        }
        let code = ended.as_ref().map_or_else(Failure::code, |code| *code);
        self.now().stopping = Stopping::Over(code);
        ended
    }

    /// Comes back once somebody asks to stop while nothing has begun; otherwise never.
    async fn asked_early(&self) {
        let asked = self.asked().wait_for(|asked| *asked).await.is_ok();
        if !asked || !matches!(self.now().stopping, Stopping::Early) {
            pending::<()>().await;
        }
    }
}

fn exit(code: u8, screen: Screen) {
    screen.log().unseen(&mut || std::process::exit(i32::from(code)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Signals {
        let signals = Signals::default();
        signals.0.asked.send_replace(true);
        signals
    }

    #[tokio::test]
    async fn work_that_has_begun_nothing_ends_where_it_waits() {
        let ended = asked().unless_stopped(async { panic!("it is not begun") }).await;
        assert!(matches!(ended, Err(Failure::Interrupted)), "{ended:?}");
        let signals = Signals::default();
        let asks = async {
            signals.0.asked.send_replace(true);
            pending().await
        };
        let ended = signals.unless_stopped(asks).await;
        assert!(matches!(ended, Err(Failure::Interrupted)), "{ended:?}");
        assert!(matches!(signals.now().stopping, Stopping::Over(STOPPED)));
    }

    #[tokio::test]
    async fn a_run_that_begins_is_not_left_where_it_waits() {
        let signals = Signals::default();
        let begins = async {
            signals.begin()?;
            signals.0.asked.send_replace(true);
            tokio::task::yield_now().await;
            Ok(3)
        };
        assert_eq!(signals.unless_stopped(begins).await.ok(), Some(3));
    }

    #[tokio::test]
    async fn a_run_that_is_over_is_left_with_what_it_ended_with() {
        let signals = Signals::default();
        let runs = async {
            let leaving = || Leaving { first: both("", ""), at_once: Box::new(|| panic!("nobody leaves it")) };
            signals.begin()?;
            signals.mean(Stopping::Run(Arc::new(leaving)));
            Ok(1)
        };
        assert_eq!(signals.unless_stopped(runs).await.ok(), Some(1));
        assert!(matches!(signals.now().stopping, Stopping::Over(1)));
    }

    #[test]
    fn nothing_begins_once_somebody_has_asked_to_stop() {
        let signals = Signals::default();
        signals.begin().unwrap();
        signals.0.asked.send_replace(true);
        for turned in [signals.begin_later(), asked().begin()] {
            assert!(matches!(turned, Err(Failure::Interrupted)), "{turned:?}");
        }
        assert!(matches!(signals.now().stopping, Stopping::Early));
    }
}
