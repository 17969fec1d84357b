//! The tables. The two unique indexes of items hold the promise: one item per identity, one live or done item per order. The triggers
//! hold the state machine, whoever writes: they are made of the same table as the program's own checks.

use rusqlite::Connection;

use crate::journal::rules::words::{among, dead, legal_changes, live, unsettled};
use crate::journal::state::State;

/// `rekn` in ASCII; tells our files from others.
pub(super) const APPLICATION_ID: i32 = 0x7265_6b6e;

/// The version of these tables, kept in `user_version`.
pub(super) const VERSION: i32 = 4;

/// The oldest version that can be carried over.
pub(super) const OLDEST: i32 = 1;

/// Makes a new journal.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    let (items, triggers) = (items(), triggers());
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {RUNS} {items} {DAY} {LOG} {triggers} \
         PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
    ))
}

const RUNS: &str = "
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT UNIQUE,
    job TEXT NOT NULL,
    environment TEXT NOT NULL,
    client_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    exit_code INTEGER,
    delimiter INTEGER NOT NULL,
    header TEXT NOT NULL,
    rows INTEGER NOT NULL,
    horizon_seconds INTEGER NOT NULL,
    input_sha256 TEXT,
    most_orders_per_day INTEGER,
    most_rupiah_per_day INTEGER
) STRICT;

CREATE TABLE run_row (
    run INTEGER NOT NULL REFERENCES run,
    number INTEGER NOT NULL,
    line INTEGER NOT NULL,
    raw TEXT NOT NULL,
    invoice TEXT,
    rupiah INTEGER NOT NULL,
    fate TEXT NOT NULL CHECK (instr(' send settled continue skip held invalid ', ' ' || fate || ' ') > 0),
    reason TEXT NOT NULL,
    PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;
";

/// The key of an item is derived from what it is, so that what no two items share, no two keys do. The indexes begin with
/// the invoice: it tells one order from the next, and their entries come in the order of the numbers.
///
/// What is checked with each write calls no function of SQLite's and has no `IN`: for a function that might fail it would copy
/// every page before it changes it, and for a list make a table each time.
pub(super) fn items() -> String {
    let (known, live) = (among("state", State::ALL.into_iter().filter(|state| !state.is_of_a_row())), live("state"));
    let (unsettled, dead) = (unsettled("state"), dead("state"));
    format!(
        "
CREATE TABLE item (
    id INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    client_id TEXT NOT NULL,
    operation TEXT NOT NULL CHECK (operation = 'create' OR operation = 'cancel' OR operation = 'refund'),
    invoice TEXT NOT NULL,
    generation INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    request_id TEXT NOT NULL,
    payment_reference TEXT NOT NULL,
    refund_reference TEXT,
    body BLOB NOT NULL,
    body_sha256 TEXT NOT NULL,
    state TEXT NOT NULL CHECK ({known}),
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first_intent_at TEXT NOT NULL,
    last_sent_at TEXT NOT NULL,
    settled_at TEXT,
    facts TEXT NOT NULL,
    job TEXT NOT NULL,
    run TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX item_one_generation ON item (invoice, operation, client_id, environment, generation);
CREATE UNIQUE INDEX item_one_live ON item (invoice, operation, client_id, environment)
    WHERE {live};
CREATE INDEX item_unsettled ON item (job, state) WHERE {unsettled};
CREATE INDEX item_refused ON item (operation) WHERE {dead};
CREATE INDEX item_run ON item (run);

CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    item INTEGER NOT NULL REFERENCES item DEFERRABLE INITIALLY DEFERRED,
    run TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('send', 'inquiry')),
    request_id TEXT NOT NULL,
    sent_at TEXT NOT NULL,
    ended_at TEXT,
    outcome TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    facts TEXT NOT NULL DEFAULT '{{}}',
    answer_headers TEXT,
    answer_body BLOB
) STRICT;

CREATE INDEX attempt_open ON attempt (id) WHERE ended_at IS NULL;
"
    )
}

/// What was begun per account and business day.
pub(super) const DAY: &str = "
CREATE TABLE day (
    environment TEXT NOT NULL,
    client_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    date TEXT NOT NULL,
    orders INTEGER NOT NULL CHECK (orders >= 0),
    rupiah INTEGER NOT NULL CHECK (rupiah >= 0),
    PRIMARY KEY (environment, client_id, operation, date)
) STRICT, WITHOUT ROWID;
";

/// The event log; the hash of an entry is chained to the one before.
pub(super) const LOG: &str = "
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    item INTEGER REFERENCES item DEFERRABLE INITIALLY DEFERRED,
    data TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE INDEX event_item ON event (item, seq) WHERE item IS NOT NULL;
CREATE INDEX event_of_no_item ON event (seq) WHERE item IS NULL;
";

/// What nobody may do, be it this program, another version of it, or a person with a shell. A row that fails is not written:
/// `FAIL`, and not `ABORT`, for which SQLite would copy every page before it changes it.
pub(super) fn triggers() -> String {
    let terminal = among("OLD.state", State::ALL.into_iter().filter(|state| state.is_terminal()));
    let legal = legal_changes("0");
    format!(
        "
CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event BEGIN SELECT RAISE(FAIL, 'the event log is never changed'); END;
CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event BEGIN SELECT RAISE(FAIL, 'the event log is never cut'); END;
CREATE TRIGGER event_is_never_replaced BEFORE INSERT ON event WHEN EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(FAIL, 'the event log is never changed'); END;
CREATE TRIGGER item_is_never_replaced BEFORE INSERT ON item WHEN EXISTS (SELECT 1 FROM item WHERE id = NEW.id)
    BEGIN SELECT RAISE(FAIL, 'an item is never replaced'); END;
CREATE TRIGGER event_follows_the_last AFTER INSERT ON event
    WHEN NEW.seq <> 1 AND NOT EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq - 1)
    BEGIN SELECT RAISE(ROLLBACK, 'an entry of the event log out of turn'); END;
CREATE TRIGGER item_is_never_deleted BEFORE DELETE ON item BEGIN SELECT RAISE(FAIL, 'an item is never deleted'); END;
CREATE TRIGGER item_begins_planned BEFORE INSERT ON item
    WHEN NOT (NEW.state = 'planned' AND NEW.attempts = 0 OR NEW.state = 'intent' AND NEW.attempts = 1)
    BEGIN SELECT RAISE(FAIL, 'an item begins as planned, or with its first intent'); END;
CREATE TRIGGER item_changes_legally BEFORE UPDATE ON item BEGIN
    SELECT RAISE(FAIL, 'an illegal change of an item''s state') WHERE OLD.state <> NEW.state AND NOT ({legal});
    SELECT RAISE(FAIL, 'an item at its end never changes') WHERE OLD.state = NEW.state AND {terminal};
END;
CREATE TRIGGER item_keeps_its_identity BEFORE UPDATE OF id, environment, client_id, operation, invoice, generation,
        request_id, refund_reference ON item
    WHEN OLD.id IS NOT NEW.id OR OLD.environment IS NOT NEW.environment OR OLD.client_id IS NOT NEW.client_id
        OR OLD.operation IS NOT NEW.operation OR OLD.invoice IS NOT NEW.invoice OR OLD.generation IS NOT NEW.generation
        OR OLD.request_id IS NOT NEW.request_id OR OLD.refund_reference IS NOT NEW.refund_reference
    BEGIN SELECT RAISE(FAIL, 'an item keeps its identity and its keys'); END;
CREATE TRIGGER item_keeps_what_was_sent BEFORE UPDATE OF amount, payment_reference, body, body_sha256 ON item
    WHEN (OLD.state <> 'planned' OR OLD.attempts > 0)
        AND (OLD.amount IS NOT NEW.amount OR OLD.payment_reference IS NOT NEW.payment_reference
            OR OLD.body IS NOT NEW.body OR OLD.body_sha256 IS NOT NEW.body_sha256)
    BEGIN SELECT RAISE(FAIL, 'what was sent once is sent for ever'); END;
CREATE TRIGGER item_keeps_its_horizon BEFORE UPDATE OF first_intent_at ON item
    WHEN OLD.state <> 'planned' AND OLD.first_intent_at IS NOT NEW.first_intent_at
    BEGIN SELECT RAISE(FAIL, 'the horizon of what may have been sent is never moved'); END;
CREATE TRIGGER attempt_is_never_deleted BEFORE DELETE ON attempt
    BEGIN SELECT RAISE(FAIL, 'an attempt is never deleted'); END;
CREATE TRIGGER attempt_that_ended_is_frozen BEFORE UPDATE ON attempt WHEN OLD.ended_at IS NOT NULL
    BEGIN SELECT RAISE(FAIL, 'an attempt that has ended never changes'); END;
CREATE TRIGGER run_keeps_its_terms BEFORE UPDATE OF job, environment, client_id, operation, input_sha256,
        most_orders_per_day, most_rupiah_per_day ON run
    BEGIN SELECT RAISE(FAIL, 'a run keeps what it began with'); END;
CREATE TRIGGER run_is_never_deleted BEFORE DELETE ON run BEGIN SELECT RAISE(FAIL, 'a run is never deleted'); END;
CREATE TRIGGER row_is_never_changed BEFORE UPDATE ON run_row BEGIN SELECT RAISE(FAIL, 'a row is never changed'); END;
CREATE TRIGGER row_is_never_deleted BEFORE DELETE ON run_row BEGIN SELECT RAISE(FAIL, 'a row is never deleted'); END;
"
    )
}
