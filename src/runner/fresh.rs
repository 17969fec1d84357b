//! The orders that are to be sent: all those of a plan, or as many as this runner has claimed of a joint run.

use std::collections::VecDeque;

use crate::job::settings::Limits;
use crate::journal::joint::{ASK_AGAIN, Ask};
use crate::journal::record::Item;
use crate::model::ids::RunId;
use crate::model::money::Tally;
use crate::model::time::{Timestamp, after};
use crate::plan::Sendable;

/// Most orders that are claimed at once.
const LARGEST_CLAIM: u32 = 256;

/// The orders that the plan wants sent, each made when its turn comes.
pub struct Fresh {
    pub(super) sum: Tally,
    /// So many are left.
    left: u64,
    orders: Box<dyn Iterator<Item = Sendable> + Send>,
    claims: Option<Claims>,
    amounts: Amounts,
}

/// What their input says of the orders for which DOKU's signed answers have named other amounts than ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Amounts {
    /// The same as it did, or nobody has looked: what else it says may be as wrong.
    #[default]
    Repeated,
    /// Nothing any more, or another amount.
    Changed,
}

/// Orders that come as they are claimed.
struct Claims {
    make: Box<dyn Fn(u64) -> Option<Sendable> + Send + Sync>,
    ready: VecDeque<Sendable>,
    /// It is not asked for more before this.
    ask_at: Timestamp,
    /// Whether the last answer brought rows.
    brought_rows: bool,
    asked: u64,
    is_over: bool,
}

impl Fresh {
    /// Orders that add up to this.
    pub fn of(sum: Tally, orders: impl Iterator<Item = Sendable> + Send + 'static) -> Self {
        Self { sum, left: sum.count, orders: Box::new(orders), claims: None, amounts: Amounts::default() }
    }

    /// The same, of an input that says this.
    #[must_use]
    pub fn with(self, amounts: Amounts) -> Self {
        Self { amounts, ..self }
    }

    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self::of(Tally::default(), std::iter::empty())
    }

    /// Orders of a joint run, each made of its first row once it is claimed.
    pub fn claimed(make: impl Fn(u64) -> Option<Sendable> + Send + Sync + 'static) -> Self {
        let claims = Claims {
            make: Box::new(make),
            ready: VecDeque::new(),
            ask_at: Timestamp::MIN_UTC,
            brought_rows: false,
            asked: 0,
            is_over: false,
        };
        Self { claims: Some(claims), ..Self::none() }
    }

    /// Whether there is none at hand.
    pub(super) const fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// Whether an order that was answered with another amount is the matter of these no more.
    pub(super) fn has_left_behind(&self, item: &Item) -> bool {
        self.amounts == Amounts::Changed && item.other_amount().is_some()
    }

    /// Whether they are those of a joint run.
    pub(super) const fn is_claimed(&self) -> bool {
        self.claims.is_some()
    }

    /// Whether more may come.
    pub(super) fn may_grow(&self) -> bool {
        self.claims.as_ref().is_some_and(|claims| !claims.is_over)
    }

    /// When it is asked for more at the latest; `None`: never.
    pub(super) fn ask_at(&self) -> Option<Timestamp> {
        self.claims.as_ref().filter(|claims| !claims.is_over).map(|claims| claims.ask_at)
    }

    /// It is asked for more as soon as it can be.
    pub(super) fn ask_at_once(&mut self) {
        self.claims.iter_mut().for_each(|claims| claims.ask_at = Timestamp::MIN_UTC);
    }

    /// What to ask the journal for now, if anything.
    pub(super) fn ask(&mut self, run: &RunId, limits: &Limits, now: Timestamp) -> Option<Ask> {
        let most = claim_size(limits);
        let claims = self.claims.as_mut().filter(|claims| !claims.is_over)?;
        let is_hungry = self.left < u64::from(most.div_ceil(2));
        if now < claims.ask_at && !(is_hungry && claims.brought_rows) {
            return None;
        }
        claims.ask_at = after(now, ASK_AGAIN);
        claims.brought_rows = false;
        claims.asked += 1;
        let most = if is_hungry { most } else { 0 };
        Some(Ask {
            run: run.clone(),
            most,
            canaries: 0,
            is_half_open: false,
            is_idle: false,
            heard: 0,
            number: claims.asked,
            at: now,
        })
    }

    /// Takes claimed rows; what they add up to, or the row that is not to be sent.
    pub(super) fn add(&mut self, rows: &[u64]) -> Result<Tally, u64> {
        let mut sum = Tally::default();
        let Some(claims) = self.claims.as_mut() else { return Ok(sum) };
        claims.brought_rows = !rows.is_empty();
        for row in rows {
            let order = (claims.make)(*row).ok_or(*row)?;
            sum.add(order.order.amount);
            claims.ready.push_back(order);
            self.left += 1;
        }
        Ok(sum)
    }

    /// No more will come.
    pub(super) fn close(&mut self) {
        self.claims.iter_mut().for_each(|claims| claims.is_over = true);
    }

    pub(super) fn next(&mut self) -> Option<Sendable> {
        let claimed = self.claims.as_mut().and_then(|claims| claims.ready.pop_front());
        let next = claimed.or_else(|| self.orders.next()).filter(|_| self.left > 0);
        self.left = if next.is_some() { self.left - 1 } else { 0 };
        next
    }
}

/// Enough for half a second, so that all hosts have something to do, and little comes late for one that is lost.
fn claim_size(limits: &Limits) -> u32 {
    let a_second = limits.rate.iter().map(|quota| {
        let seconds = u32::try_from(quota.per.as_secs()).unwrap_or(u32::MAX);
        quota.calls.get() / seconds.max(1)
    });
    let least = limits.concurrency.get().saturating_mul(2).min(LARGEST_CLAIM);
    a_second.min().map_or(LARGEST_CLAIM, |calls| (calls / 2).clamp(least, LARGEST_CLAIM))
}
