//! This program's share of a pace that several programs keep together.
//!
//! Each call takes a place in the merchant's lane, which the journal gives out: places are one spacing apart, whoever has them.
//! A place that was not used in its time is lost; were it used later, two programs could make up for lost time at once.
//! While the journal is out of reach there are no places, and nothing is sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex as Locked;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use crate::job::settings::Limits;
use crate::journal::lane::{FULL, Lane, Lanes, Reserved, Wanted};
use crate::journal::{Account, JournalError};
use crate::runner::clock::Clock;

/// A hundredth of the rate is kept back, as by the job's own quotas.
const USED: u32 = 99;

/// Places of about so long are taken at once: one way to the journal for all of them.
const BLOCK: Duration = Duration::from_millis(200);
const MOST_PLACES: u32 = 200;

/// While the others are being told to wait, it is looked again after this.
const AGAIN: Duration = Duration::from_millis(250);

/// What this program has of the lane.
pub struct Share<L, C> {
    lanes: Arc<L>,
    clock: C,
    lane: Lane,
    places: u32,
    /// A place may be used until so long after its time.
    lasts: Duration,
    /// Who waits for a place gets it in turn, and so is the journal asked for more of them: one question at a time.
    turn: Mutex<Option<Question>>,
    ours: Locked<Ours>,
    /// What may leave at this moment.
    open: watch::Sender<Open>,
}

/// What may leave, as far as the run is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// Every call.
    ForAll,
    /// What may change money, for inquiries are not answered.
    ForRequests,
    /// Inquiries, for the provider is ill.
    ForInquiries,
    /// None: the run was stopped, or the provider is too ill for any.
    ForNone,
}

/// What wants to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// What may change money.
    Request,
    /// What changes nothing.
    Inquiry,
}

/// What a call has waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It may leave now.
    Taken,
    /// It may not leave any more.
    Closed,
}

impl Open {
    const fn lets_go(self, purpose: Purpose) -> bool {
        match self {
            Self::ForAll => true,
            Self::ForRequests => matches!(purpose, Purpose::Request),
            Self::ForInquiries => matches!(purpose, Purpose::Inquiry),
            Self::ForNone => false,
        }
    }
}

/// What we have at this moment.
struct Ours {
    /// The times of our places on the steady clock; `None`: nothing is shared.
    places: Option<VecDeque<Duration>>,
    /// So much of the rate is in force for all who share the lane, as far as we have heard, in thousandths.
    in_force: u32,
    /// The lane was full: it is not asked for places before this.
    ask_at: Duration,
    /// So many good answers have come since the last places.
    well: u32,
    /// No call of ours before this: the provider has asked for a wait.
    held_until: Duration,
    /// So many waits are being told to the others.
    telling: u32,
    /// Why the others could not be told of one: then nothing more is sent.
    untold: Option<JournalError>,
}

/// What a turn is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Look,
    Take,
}

impl<L: Lanes, C: Clock> Share<L, C> {
    /// The share of an account's lane under a job's limits; `None`: the job has no rate.
    #[must_use]
    pub fn new(lanes: Arc<L>, account: &Account, limits: &Limits, clock: C) -> Option<Self> {
        // All quotas have the same burst, so that the slowest one holds all others.
        let spacing = limits.rate.iter().map(|quota| quota.per * 100 / USED / quota.calls.get()).max()?;
        let places = u32::try_from(BLOCK.as_micros() / spacing.as_micros().max(1)).unwrap_or(MOST_PLACES);
        let places = places.clamp(1, MOST_PLACES);
        let lane = Lane {
            environment: account.environment,
            client_id: account.client_id.clone(),
            spacing,
            ahead: spacing * places * 2,
        };
        // In any time of a quota there are its calls and one more place; being late adds to them, but less than the burst.
        let lasts = spacing * limits.burst.get() * 3 / 4;
        Some(Self {
            lanes,
            clock,
            lane,
            places,
            lasts,
            turn: Mutex::new(None),
            ours: Locked::new(Ours {
                places: Some(VecDeque::new()),
                in_force: FULL,
                ask_at: Duration::ZERO,
                well: 0,
                held_until: Duration::ZERO,
                telling: 0,
                untold: None,
            }),
            open: watch::Sender::new(Open::ForAll),
        })
    }

    /// Waits until there is a place for a call, and does not take it.
    ///
    /// # Errors
    /// The journal stayed out of reach.
    pub async fn look(&self) -> Result<(), JournalError> {
        self.wait(Turn::Look).await
    }

    /// Waits until a call may leave, and takes its place; or until it may not leave any more, even if it would have to wait for
    /// long.
    ///
    /// # Errors
    /// The journal stayed out of reach.
    pub async fn take(&self, purpose: Purpose) -> Result<Place, JournalError> {
        let mut open = self.open.subscribe();
        tokio::select! {
            biased;
            _ = open.wait_for(|open| !open.lets_go(purpose)) => Ok(Place::Closed),
            taken = self.wait(Turn::Take) => taken.map(|()| Place::Taken),
        }
    }

    /// Says what may leave from now on, those that wait for their places included.
    pub fn keep(&self, open: Open) {
        self.open.send_if_modified(|now| std::mem::replace(now, open) != open);
    }

    async fn wait(&self, what: Turn) -> Result<(), JournalError> {
        let mut turn = self.turn.lock().await;
        loop {
            let now = self.clock.monotonic();
            match self.next_place(now, what) {
                Next::Go => return Ok(()),
                Next::At(place) => self.clock.sleep(place.saturating_sub(now)).await,
                Next::Never(error) => return Err(error),
                Next::None => self.reserve(&mut turn).await?,
            }
        }
    }

    /// Asks for places, and tells how many good answers there were, until that is heard. Whoever asks may be dropped, and mostly is,
    /// for a call has come back; the next one waits for the same answer, or its places would be lost.
    async fn reserve(&self, turn: &mut Option<Question>) -> Result<(), JournalError> {
        let question = turn.get_or_insert_with(|| self.ask());
        let answered = (&mut question.answer).await.expect("the question does not panic");
        let Question { wanted, .. } = turn.take().expect("it was asked");
        let (reserved, at) = answered?;
        let mut ours = self.ours();
        match reserved {
            Reserved::Alone => ours.places = None,
            Reserved::Later(wait) => ours.ask_at = at + wait,
            Reserved::Places { first_in, spacing } => {
                ours.well = ours.well.saturating_sub(wanted.well);
                ours.in_force = share_of(self.lane.spacing, spacing);
                if let Some(all) = ours.places.as_mut() {
                    all.extend((0..wanted.places).map(|index| at + first_in + spacing * index));
                }
            }
        }
        Ok(())
    }

    /// At a lower rate a block has fewer places: a wait that is asked for later loses all that are left of it.
    fn ask(&self) -> Question {
        let ours = self.ours();
        let wanted = Wanted { places: (self.places * ours.in_force / FULL).max(1), well: ours.well };
        let (lanes, lane, clock) = (Arc::clone(&self.lanes), self.lane.clone(), self.clock.clone());
        let answer = tokio::spawn(async move {
            let reserved = lanes.reserve(&lane, wanted).await?;
            // It has been on its way: a place comes a little later for it, and never sooner.
            Ok((reserved, clock.monotonic()))
        });
        Question { wanted, answer }
    }

    /// How much of the rate is in force for all who share the lane, in thousandths; `None`: nobody shares it with us.
    pub(super) fn in_force(&self) -> Option<u32> {
        let ours = self.ours();
        ours.places.as_ref().map(|_| ours.in_force)
    }

    /// Takes note of a good answer: a rate that was lowered climbs back, for all.
    pub fn climb(&self) {
        let mut ours = self.ours();
        ours.well = ours.well.saturating_add(1);
    }

    fn next_place(&self, now: Duration, what: Turn) -> Next {
        let mut ours = self.ours();
        if let Some(error) = &ours.untold {
            return Next::Never(error.clone());
        }
        if now < ours.held_until {
            return Next::At(ours.held_until);
        }
        if ours.telling > 0 {
            return Next::At(now + AGAIN);
        }
        let ask_at = ours.ask_at;
        let Some(places) = ours.places.as_mut() else { return Next::Go };
        while places.front().is_some_and(|place| *place + self.lasts < now) {
            places.pop_front();
        }
        match places.front().copied() {
            None if now < ask_at => Next::At(ask_at),
            None => Next::None,
            Some(place) if place > now => Next::At(place),
            Some(_) => {
                if what == Turn::Take {
                    places.pop_front();
                }
                Next::Go
            }
        }
    }

    /// Drops all places, and keeps the lane empty for a time that the provider has asked for. Returns when the others are
    /// told; until then nothing of ours leaves, and if they cannot be told, nothing does any more.
    pub async fn hold(&self, wait: Duration) {
        {
            let mut ours = self.ours();
            ours.places.iter_mut().for_each(VecDeque::clear);
            ours.well = 0;
            ours.held_until = ours.held_until.max(self.clock.monotonic() + wait);
            ours.telling += 1;
        }
        let told = self.lanes.hold(&self.lane, wait).await;
        let mut ours = self.ours();
        ours.telling -= 1;
        if let Err(error) = told {
            ours.untold = Some(error);
        }
    }

    fn ours(&self) -> std::sync::MutexGuard<'_, Ours> {
        self.ours.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The journal is being asked for places.
struct Question {
    wanted: Wanted,
    /// What it says, and when that was heard on the steady clock.
    answer: JoinHandle<Result<(Reserved, Duration), JournalError>>,
}

enum Next {
    Go,
    At(Duration),
    /// We have no place.
    None,
    /// The others could not be told to wait.
    Never(JournalError),
}

/// How much of the rate is left if places are so far apart, in thousandths.
fn share_of(at_full_rate: Duration, spacing: Duration) -> u32 {
    let share = at_full_rate.as_nanos() * u128::from(FULL) / spacing.as_nanos().max(1);
    u32::try_from(share).unwrap_or(FULL).clamp(1, FULL)
}
