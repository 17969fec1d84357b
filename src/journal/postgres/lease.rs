//! Who is at work: a runner is a lease by the database's clock. Its number, with the time when it was given, is the fence of
//! everything that it writes.
//!
//! A runner that is not heard of for as long as its lease is lost, for ever: what it had in hand is unknown from then on, and
//! what it still wants to write is refused. It knows that by itself, by a clock that does not jump, and sends nothing then.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use deadpool_postgres::Client;
use tokio_postgres::types::ToSql;

use super::Runner;
use super::ask::{asked, each};
use super::look::get;
use super::schema;
use super::trouble::Undone;
use crate::journal::JournalError;
use crate::model::ids::RunId;

/// A lease is renewed so often within its time.
const RENEWALS: u32 = 3;

/// Of so many parts of a lease ...
const PARTS: u32 = 8;

/// ... so many must be left when something is about to be sent: a call and its recording fit into them (45 of 120 seconds).
const MARGIN: u32 = 3;

/// A runner `r` that was given this number at this time.
const IS_SELF: &str = "r.id = $1 AND r.joined_at = $2";

/// A runner `r` that has neither left nor been marked as lost.
pub(super) const IS_HERE: &str = "r.lost_at IS NULL AND r.left_at IS NULL";

/// A runner `r` that is at work by the database's clock.
pub(super) const IS_ALIVE: &str = "r.lost_at IS NULL AND r.left_at IS NULL AND r.lease_until > clock_timestamp()";

/// A runner's lease.
pub(super) struct Lease {
    /// The runner's number.
    pub(super) runner: i64,
    /// When it was given, by the database's clock: a copy of the server that lacks the last commits gives a number again.
    joined_at: SystemTime,
    span: Duration,
    /// By this machine's clocks; never later than by the database's.
    ends: Mutex<Moment>,
}

/// What a write asks about its own runner.
pub(super) struct Fence {
    runner: i64,
    joined_at: SystemTime,
    margin_milliseconds: i64,
}

/// What a runner holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    /// It is lost: others have taken over what it had in hand.
    Nothing,
    /// It may record what has happened.
    Little,
    /// It may send.
    Enough,
}

impl Lease {
    /// Makes a runner known. A guard refuses it if the tables have become those of another version since it looked at them.
    pub(super) async fn begin(client: &Client, host: &str, pid: u32, span: Duration) -> Result<Self, Undone> {
        let began = now();
        let statement = "INSERT INTO runner (host, pid, lease_until, version) \
             VALUES ($1, $2, clock_timestamp() + $3::bigint * interval '1 millisecond', $4) RETURNING id, joined_at";
        let values: [&(dyn ToSql + Sync); 4] = [&host, &i64::from(pid), &milliseconds(span), &schema::VERSION];
        let row = client.query_one(statement, &values).await?;
        let (runner, joined_at) = (get(&row, 0)?, get(&row, 1)?);
        Ok(Self { runner, joined_at, span, ends: Mutex::new(began.and(span)) })
    }

    /// Makes it last for its whole time again.
    ///
    /// # Errors
    /// [`JournalError::Fenced`] if it is lost.
    pub(super) async fn renew(&self, client: &Client) -> Result<(), Undone> {
        let began = now();
        let rows = client
            .execute(
                &format!(
                    "UPDATE runner r SET lease_until = clock_timestamp() + $3::bigint * interval '1 millisecond' \
                     WHERE {IS_SELF} AND {IS_ALIVE}"
                ),
                &[&self.runner, &self.joined_at, &milliseconds(self.span)],
            )
            .await?;
        if rows == 0 {
            self.lose();
            return Err(JournalError::Fenced.into());
        }
        self.set(began.and(self.span));
        Ok(())
    }

    /// Whoever looks is told on which run the runner is at work.
    pub(super) async fn works_on(&self, client: &Client, run: &RunId) -> Result<(), Undone> {
        let statement = format!("UPDATE runner r SET run = $3 WHERE {IS_SELF}");
        client.execute(&statement, &[&self.runner, &self.joined_at, &run.as_str()]).await?;
        Ok(())
    }

    /// Gives it back: nothing is under way any more.
    pub(super) async fn leave(&self, client: &Client) -> Result<(), Undone> {
        client
            .execute(
                &format!("UPDATE runner r SET left_at = clock_timestamp() WHERE {IS_SELF} AND {IS_HERE}"),
                &[&self.runner, &self.joined_at],
            )
            .await?;
        Ok(())
    }

    /// Others have taken over.
    pub(super) fn lose(&self) {
        self.set(now());
    }

    /// Whether it has run out, by this machine's clock.
    pub(super) fn has_ended(&self) -> bool {
        now().is_past(self.ends())
    }

    fn ends(&self) -> Moment {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, ends: Moment) {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = ends;
    }

    /// Whether a request may leave now.
    pub(super) fn may_send(&self) -> bool {
        !now().and(self.margin()).is_past(self.ends())
    }

    /// How long it waits between two renewals.
    pub(super) fn pause(&self) -> Duration {
        self.span / RENEWALS
    }

    fn margin(&self) -> Duration {
        self.span * MARGIN / PARTS
    }

    /// What its writes are compared with.
    pub(super) fn fence(&self) -> Fence {
        Fence { runner: self.runner, joined_at: self.joined_at, margin_milliseconds: milliseconds(self.margin()) }
    }
}

impl Fence {
    /// What the runner holds at this moment of the database.
    pub(super) async fn look(&self, client: &Client) -> Result<Holds, Undone> {
        let statement = client
            .prepare_cached(&format!(
                "SELECT lease_until > clock_timestamp(), lease_until > clock_timestamp() + $3::bigint * interval '1 millisecond' \
                 FROM runner r WHERE {IS_SELF} AND {IS_HERE}"
            ))
            .await?;
        let values: [&(dyn ToSql + Sync); 3] = [&self.runner, &self.joined_at, &self.margin_milliseconds];
        let Some(row) = client.query_opt(&statement, &values).await? else {
            return Ok(Holds::Nothing);
        };
        Ok(match (get(&row, 0)?, get(&row, 1)?) {
            (_, true) => Holds::Enough,
            (true, false) => Holds::Little,
            (false, false) => Holds::Nothing,
        })
    }
}

/// Marks runners that were not heard of for too long as lost; what they have in hand is nobody's then. Only under the lock on
/// the log's end: a write of theirs is either before this or refused.
pub(super) async fn bury(client: &Client) -> Result<u64, Undone> {
    let lost = client
        .execute(&format!("UPDATE runner r SET lost_at = clock_timestamp() WHERE {IS_HERE} AND NOT ({IS_ALIVE})"), &[])
        .await?;
    Ok(lost)
}

/// Who is at work by the database's clock.
pub(super) async fn at_work(client: &Client) -> Result<Vec<Runner>, Undone> {
    let statement = format!("SELECT id, host, run FROM runner r WHERE {IS_ALIVE} ORDER BY id");
    each(&asked(client, &statement, &[]).await?, |row| {
        Ok(Runner { number: get(row, 0)?, host: get(row, 1)?, run: get(row, 2)? })
    })
}

/// A moment by both clocks of the machine: one that nobody sets, and one that goes on while the machine sleeps.
#[derive(Debug, Clone, Copy)]
struct Moment {
    steady: Instant,
    wall: SystemTime,
}

impl Moment {
    fn and(self, span: Duration) -> Self {
        Self { steady: self.steady + span, wall: self.wall + span }
    }

    /// Whether it is as late as another one by either clock.
    fn is_past(self, other: Self) -> bool {
        self.steady >= other.steady || self.wall >= other.wall
    }
}

#[expect(clippy::disallowed_methods, reason = "a lease runs by the machine's own clocks, in tests too")]
fn now() -> Moment {
    Moment { steady: Instant::now(), wall: SystemTime::now() }
}

fn milliseconds(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_while_the_machine_sleeps_and_is_not_made_longer_by_a_clock_that_is_set_back() {
        let (minute, span) = (Duration::from_secs(60), Duration::from_secs(120));
        let ends_in = |steady: Duration, wall: SystemTime| {
            let ends = Moment { steady: now().steady + steady, wall };
            Lease { runner: 1, joined_at: SystemTime::UNIX_EPOCH, span, ends: Mutex::new(ends) }
        };
        let in_time = ends_in(span, now().wall + span);
        assert!(in_time.may_send() && !in_time.has_ended());
        // The steady clock stands still while the machine sleeps; the other one tells.
        let slept = ends_in(span, now().wall - minute);
        assert!(!slept.may_send() && slept.has_ended());
        let set_back = ends_in(Duration::ZERO, now().wall + 10 * span);
        assert!(!set_back.may_send() && set_back.has_ended());
        // So near its end a call and its recording might not fit.
        let nearly_over = ends_in(minute / 2, now().wall + span);
        assert!(!nearly_over.may_send() && !nearly_over.has_ended());
    }
}
