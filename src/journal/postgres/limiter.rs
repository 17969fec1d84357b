//! The lanes in the database: one row each, whose `tat` (theoretical arrival time) is the first place that is free.
//!
//! Only the database's clock counts. A commit that reserves does not wait for the disk: what a power cut takes back is less than
//! the places of a second. A rate that was lowered is in the same row, so that everybody goes by it from the next block on, and the
//! good answers of all give it back.

use std::time::Duration;

use deadpool_postgres::Pool;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::ask::asked;
use super::look::get;
use super::trouble::Undone;
use crate::journal::JournalError;
use crate::journal::lane::{FULL, LOWEST, Lane, ONE_FALL, Reserved, STEP, Wanted, per_step};
use crate::journal::past::REMEMBERED;

/// The share of the rate that is in force, after good answers; so many of them are over for the next step. A lane that nobody has
/// used for long is at its full rate again, as one host would be that begins then.
const CLIMBED: &str = "CASE WHEN l.tat < excluded.tat - interval '1 microsecond' * $8::bigint THEN $6::bigint \
     ELSE least($6::bigint, l.share + $7::bigint * ((l.well + $4::bigint) / $5::bigint)) END";

/// `$1` key, `$2` microseconds of all places at the full rate, `$3` how far ahead of their time places may be had, `$4` good
/// answers, `$5` of which so many make a step, `$6` the full rate, `$7` a step, `$8` after how many
/// microseconds without a call a lowered rate is forgotten.
fn reserve_sql() -> String {
    format!(
        "WITH does_not_wait AS (SELECT set_config('synchronous_commit', 'off', true)) \
         INSERT INTO limiter AS l (key, tat) \
         SELECT $1, clock_timestamp() + interval '1 microsecond' * $2::bigint FROM does_not_wait \
         ON CONFLICT (key) DO UPDATE SET share = {CLIMBED}, well = (l.well + $4::bigint) % $5::bigint, \
             tat = greatest(l.tat, clock_timestamp()) + interval '1 microsecond' * ($2::bigint * $6::bigint / ({CLIMBED})) \
             WHERE l.tat <= clock_timestamp() + interval '1 microsecond' * $3::bigint \
         RETURNING (extract(epoch FROM tat - clock_timestamp()) * 1000000)::bigint, share"
    )
}

const WAIT: &str = "SELECT (extract(epoch FROM tat - clock_timestamp()) * 1000000)::bigint FROM limiter WHERE key = $1";

/// `$1` key, `$2` microseconds to wait, `$3` microseconds for which it is one fall, `$4` the full rate, `$5` the lowest.
const HOLD: &str = "
INSERT INTO limiter AS l (key, tat, share, falls_from)
VALUES ($1, clock_timestamp() + interval '1 microsecond' * $2::bigint, $4::bigint / 2,
    clock_timestamp() + interval '1 microsecond' * greatest($2::bigint, $3::bigint))
ON CONFLICT (key) DO UPDATE SET tat = greatest(l.tat, excluded.tat),
    share = CASE WHEN l.falls_from <= clock_timestamp() THEN greatest($5::bigint, l.share / 2) ELSE l.share END,
    well = CASE WHEN l.falls_from <= clock_timestamp() THEN 0 ELSE l.well END,
    falls_from = greatest(l.falls_from, excluded.falls_from)";

fn key(lane: &Lane) -> String {
    format!("{} {}", lane.environment.word(), lane.client_id)
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Reserves places behind each other.
///
/// # Errors
/// The database is out of reach.
pub(super) async fn reserve(pool: &Pool, lane: &Lane, wanted: Wanted) -> Result<Reserved, Undone> {
    let client = &pool.get().await?;
    let (key, all, ahead) = (key(lane), lane.spacing * wanted.places, micros(lane.ahead));
    let (full, step) = (i64::from(FULL), i64::from(STEP));
    let (well, a_step, forgotten) = (i64::from(wanted.well), well_per_step(lane), micros(REMEMBERED));
    let values: [&(dyn ToSql + Sync); 8] = [&key, &micros(all), &ahead, &well, &a_step, &full, &step, &forgotten];
    if let Some(row) = asked(client, &reserve_sql(), &values).await?.first() {
        let share = u32::try_from(get::<i32>(row, 1)?).unwrap_or(FULL).clamp(1, FULL);
        let first_in = span(row)?.saturating_sub(all * FULL / share);
        return Ok(Reserved::Places { first_in, spacing: lane.spacing * FULL / share });
    }
    let full_for = asked(client, WAIT, &[&key]).await?.first().map(span).transpose()?.unwrap_or_default();
    Ok(Reserved::Later(full_for.saturating_sub(lane.ahead).max(Duration::from_millis(1))))
}

fn span(row: &Row) -> Result<Duration, JournalError> {
    get(row, 0).map(|micros: i64| Duration::from_micros(u64::try_from(micros).unwrap_or_default()))
}

/// How many good answers of whoever shares the lane make a step.
fn well_per_step(lane: &Lane) -> i64 {
    let a_second = Duration::from_secs(1).as_micros() / lane.spacing.as_micros().max(1);
    per_step(u32::try_from(a_second).unwrap_or(u32::MAX)).into()
}

/// Keeps the lane empty for a time that the provider has asked for, and halves its rate. This is waited for: it must not be
/// forgotten.
///
/// # Errors
/// The database is out of reach.
pub(super) async fn hold(pool: &Pool, lane: &Lane, wait: Duration) -> Result<(), Undone> {
    let (full, lowest) = (i64::from(FULL), i64::from(LOWEST));
    asked(&pool.get().await?, HOLD, &[&key(lane), &micros(wait), &micros(ONE_FALL), &full, &lowest]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::PostgresJournal;
    use super::super::address::Address;
    use super::super::connect::connect;
    use super::super::testing::{Database, Server};
    use super::*;
    use crate::model::environment::Environment;
    use crate::model::ids::ClientId;

    fn lane(spacing: u64, ahead: u64) -> Lane {
        let (spacing, ahead) = (Duration::from_millis(spacing), Duration::from_millis(ahead));
        Lane { environment: Environment::Simulator, client_id: ClientId::new("MCH-1").unwrap(), spacing, ahead }
    }

    const fn places(places: u32) -> Wanted {
        Wanted { places, well: 0 }
    }

    async fn pool(database: &Database<'_>) -> deadpool_postgres::Pool {
        let address = Address::parse(&database.url(), Path::new("/"), &|_| None).unwrap();
        PostgresJournal::migrate(&address).await.unwrap();
        connect(&address).await.unwrap()
    }

    #[tokio::test]
    async fn places_follow_each_other_whoever_asks_until_the_lane_is_full() {
        let Some(server) = Server::shared("the shared pace") else { return };
        let database = server.database();
        let pool = pool(&database).await;
        let (one, two) = (pool.clone(), pool.clone());
        // A minute from place to place: the time that the test takes does not matter.
        let lane = lane(60_000, 600_000);
        let first_in = |reserved| match reserved {
            Reserved::Places { first_in, .. } => first_in.as_secs().div_ceil(60),
            other => panic!("{other:?}"),
        };
        assert_eq!(first_in(reserve(&one, &lane, places(1)).await.unwrap()), 0);
        assert_eq!(first_in(reserve(&two, &lane, places(5)).await.unwrap()), 1);
        assert_eq!(first_in(reserve(&one, &lane, places(5)).await.unwrap()), 6);
        let Reserved::Later(wait) = reserve(&two, &lane, places(1)).await.unwrap() else {
            panic!("there is still room")
        };
        assert!(wait <= Duration::from_secs(60) && wait > Duration::from_secs(30), "{wait:?}");
        let other = Lane { client_id: ClientId::new("MCH-2").unwrap(), ..lane.clone() };
        assert_eq!(
            first_in(reserve(&two, &other, places(1)).await.unwrap()),
            0,
            "another merchant has a lane of its own"
        );
    }

    #[tokio::test]
    async fn a_wait_that_one_is_asked_for_is_everybodys() {
        let Some(server) = Server::shared("the shared pace") else { return };
        let database = server.database();
        let pool = pool(&database).await;
        let (one, two) = (pool.clone(), pool.clone());
        let lane = lane(10, 100);
        hold(&one, &lane, Duration::from_secs(600)).await.unwrap();
        hold(&two, &lane, Duration::from_secs(3)).await.unwrap();
        let Reserved::Later(wait) = reserve(&two, &lane, places(1)).await.unwrap() else { panic!("nobody may go") };
        assert!(wait > Duration::from_secs(500), "a shorter wait does not end a longer one: {wait:?}");
    }

    #[tokio::test]
    async fn a_rate_that_one_is_told_to_lower_is_everybodys_and_all_bring_it_back() {
        let Some(server) = Server::shared("the shared pace") else { return };
        let database = server.database();
        let (one, two) = (pool(&database).await, pool(&database).await);
        let lane = lane(100, 3_600_000);
        let spacing = async |pool: &Pool, well: u32| match reserve(pool, &lane, Wanted { places: 4, well }).await {
            Ok(Reserved::Places { spacing, .. }) => spacing.as_millis(),
            other => panic!("{other:?}"),
        };
        assert_eq!(spacing(&one, 0).await, 100);
        hold(&one, &lane, Duration::from_secs(600)).await.unwrap();
        hold(&two, &lane, Duration::from_secs(600)).await.unwrap();
        assert_eq!(
            (spacing(&one, 0).await, spacing(&two, 0).await),
            (200, 200),
            "as long as everybody waits it is one fall"
        );
        assert_eq!((spacing(&one, 6).await, spacing(&two, 6).await), (200, 181), "ten good answers, whoever has them");
        assert_eq!(spacing(&one, 8).await, 166, "two were left over");
        assert_eq!(spacing(&two, 1000).await, 100, "and never beyond the whole");
        for _ in 0..6 {
            database.sql("UPDATE limiter SET falls_from = '-infinity'");
            hold(&one, &lane, Duration::ZERO).await.unwrap();
        }
        assert_eq!(spacing(&two, 0).await, 1612, "a sixteenth is the least");
        database.sql("UPDATE limiter SET tat = clock_timestamp() - interval '19 minutes'");
        assert_eq!(spacing(&one, 0).await, 1612, "it is remembered");
        database.sql("UPDATE limiter SET tat = clock_timestamp() - interval '20 minutes'");
        assert_eq!(spacing(&two, 0).await, 100, "until nobody has sent anything for long");
        assert_eq!(spacing(&one, 0).await, 100);
    }

    #[tokio::test]
    async fn places_at_a_lower_rate_are_as_far_apart_as_it_says() {
        let Some(server) = Server::shared("the shared pace") else { return };
        let database = server.database();
        let (one, two) = (pool(&database).await, pool(&database).await);
        let lane = lane(60_000, 3_600_000);
        hold(&one, &lane, Duration::ZERO).await.unwrap();
        let first_in = |reserved| match reserved {
            Ok(Reserved::Places { first_in, .. }) => first_in.as_secs().div_ceil(60),
            other => panic!("{other:?}"),
        };
        assert_eq!(first_in(reserve(&one, &lane, places(5)).await), 0);
        assert_eq!(first_in(reserve(&two, &lane, places(1)).await), 10);
        assert_eq!(first_in(reserve(&one, &lane, places(1)).await), 12);
    }
}
