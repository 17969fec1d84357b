//! The lanes in the database: one row each, whose `tat` (theoretical arrival time) is the first place that is free.
//!
//! Only the database's clock counts. A commit here does not wait for the disk: what a power cut takes back is less than the
//! places of a second.

use std::time::Duration;

use deadpool_postgres::Pool;

use super::trouble::Undone;
use crate::journal::lane::{Lane, Reserved};

/// Needs `limiter (key text primary key, tat timestamptz not null)`.
const RESERVE: &str = "
WITH does_not_wait AS (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO limiter AS l (key, tat)
SELECT $1, clock_timestamp() + interval '1 microsecond' * $2::bigint FROM does_not_wait
ON CONFLICT (key) DO UPDATE SET tat = greatest(l.tat, clock_timestamp()) + interval '1 microsecond' * $2::bigint
    WHERE l.tat <= clock_timestamp() + interval '1 microsecond' * $3::bigint
RETURNING (extract(epoch FROM tat - clock_timestamp()) * 1000000)::bigint";

const WAIT: &str = "SELECT (extract(epoch FROM tat - clock_timestamp()) * 1000000)::bigint FROM limiter WHERE key = $1";

const HOLD: &str = "
INSERT INTO limiter AS l (key, tat) VALUES ($1, clock_timestamp() + interval '1 microsecond' * $2::bigint)
ON CONFLICT (key) DO UPDATE SET tat = greatest(l.tat, excluded.tat)";

fn key(lane: &Lane) -> String {
    format!("{} {}", lane.environment.word(), lane.client_id)
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Reserves so many places behind each other.
///
/// # Errors
/// The database is out of reach.
pub(super) async fn reserve(pool: &Pool, lane: &Lane, places: u32) -> Result<Reserved, Undone> {
    let client = pool.get().await?;
    let (key, all, ahead) = (key(lane), lane.spacing * places, micros(lane.ahead));
    let until = |row: &tokio_postgres::Row| {
        row.try_get(0).map(|micros: i64| Duration::from_micros(u64::try_from(micros).unwrap_or_default()))
    };
    if let Some(row) = client.query_opt(RESERVE, &[&key, &micros(all), &ahead]).await? {
        return Ok(Reserved::Places { first_in: until(&row)?.saturating_sub(all) });
    }
    let full_for = client.query_opt(WAIT, &[&key]).await?.as_ref().map(until).transpose()?.unwrap_or_default();
    Ok(Reserved::Later(full_for.saturating_sub(lane.ahead).max(Duration::from_millis(1))))
}

/// Keeps the lane empty for a time that the provider has asked for. This is waited for: it must not be forgotten.
///
/// # Errors
/// The database is out of reach.
pub(super) async fn hold(pool: &Pool, lane: &Lane, wait: Duration) -> Result<(), Undone> {
    pool.get().await?.execute(HOLD, &[&key(lane), &micros(wait)]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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

    async fn pool(database: &Database<'_>) -> deadpool_postgres::Pool {
        database.sql("CREATE TABLE limiter (key text PRIMARY KEY, tat timestamptz NOT NULL)");
        connect(&Address::parse(&database.url(), Path::new("/"), &|_| None).unwrap()).await.unwrap()
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
            Reserved::Places { first_in } => first_in.as_secs().div_ceil(60),
            other => panic!("{other:?}"),
        };
        assert_eq!(first_in(reserve(&one, &lane, 1).await.unwrap()), 0);
        assert_eq!(first_in(reserve(&two, &lane, 5).await.unwrap()), 1);
        assert_eq!(first_in(reserve(&one, &lane, 5).await.unwrap()), 6);
        let Reserved::Later(wait) = reserve(&two, &lane, 1).await.unwrap() else { panic!("there is still room") };
        assert!(wait <= Duration::from_secs(60) && wait > Duration::from_secs(30), "{wait:?}");
        let other = Lane { client_id: ClientId::new("MCH-2").unwrap(), ..lane.clone() };
        assert_eq!(first_in(reserve(&two, &other, 1).await.unwrap()), 0, "another merchant has a lane of its own");
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
        let Reserved::Later(wait) = reserve(&two, &lane, 1).await.unwrap() else { panic!("nobody may go") };
        assert!(wait > Duration::from_secs(500), "a shorter wait does not end a longer one: {wait:?}");
    }
}
