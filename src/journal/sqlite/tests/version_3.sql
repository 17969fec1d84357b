-- The tables of version 3.
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
CREATE TABLE item (
    id INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    client_id TEXT NOT NULL,
    operation TEXT NOT NULL CHECK (instr(' create cancel refund ', ' ' || operation || ' ') > 0),
    invoice TEXT NOT NULL,
    generation INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    request_id TEXT NOT NULL UNIQUE,
    payment_reference TEXT NOT NULL,
    refund_reference TEXT,
    body BLOB NOT NULL,
    body_sha256 TEXT NOT NULL,
    state TEXT NOT NULL CHECK (instr(' planned intent unknown succeeded already_done refused review conflict ruled_done '
        || 'ruled_not_done ', ' ' || state || ' ') > 0),
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first_intent_at TEXT NOT NULL,
    last_sent_at TEXT NOT NULL,
    settled_at TEXT,
    facts TEXT NOT NULL,
    job TEXT NOT NULL,
    run TEXT NOT NULL
) STRICT;
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    item INTEGER NOT NULL REFERENCES item,
    run TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('send', 'inquiry')),
    request_id TEXT NOT NULL,
    sent_at TEXT NOT NULL,
    ended_at TEXT,
    outcome TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    facts TEXT NOT NULL DEFAULT '{}',
    answer_headers TEXT,
    answer_body BLOB
) STRICT;
CREATE TABLE day (
    environment TEXT NOT NULL,
    client_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    date TEXT NOT NULL,
    orders INTEGER NOT NULL CHECK (orders >= 0),
    rupiah INTEGER NOT NULL CHECK (rupiah >= 0),
    PRIMARY KEY (environment, client_id, operation, date)
) STRICT, WITHOUT ROWID;
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    item INTEGER REFERENCES item,
    data TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE UNIQUE INDEX item_one_generation ON item (environment, client_id, operation, invoice, generation);
CREATE UNIQUE INDEX item_one_live ON item (environment, client_id, operation, invoice)
    WHERE state NOT IN ('refused', 'ruled_not_done');
CREATE INDEX item_unsettled ON item (job, state) WHERE state IN ('intent', 'unknown', 'review', 'conflict');
CREATE INDEX item_refused ON item (operation) WHERE state IN ('refused', 'ruled_not_done');
CREATE INDEX item_invoice ON item (invoice);
CREATE INDEX item_run ON item (run);
CREATE INDEX attempt_item ON attempt (item);
CREATE INDEX attempt_open ON attempt (id) WHERE ended_at IS NULL;
CREATE INDEX event_item ON event (item, seq) WHERE item IS NOT NULL;
CREATE INDEX event_of_no_item ON event (seq) WHERE item IS NULL;
CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the event log is never changed'); END;
CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the event log is never cut'); END;
CREATE TRIGGER event_follows_the_last BEFORE INSERT ON event
    WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM event)
    BEGIN SELECT RAISE(ABORT, 'an entry of the event log out of turn'); END;
CREATE TRIGGER item_is_never_deleted BEFORE DELETE ON item BEGIN SELECT RAISE(ABORT, 'an item is never deleted'); END;
CREATE TRIGGER item_begins_planned BEFORE INSERT ON item
    WHEN NOT (NEW.state = 'planned' AND NEW.attempts = 0 OR NEW.state = 'intent' AND NEW.attempts = 1)
    BEGIN SELECT RAISE(ABORT, 'an item begins as planned, or with its first intent'); END;
CREATE TRIGGER item_changes_legally BEFORE UPDATE ON item
    WHEN OLD.state <> NEW.state AND instr(' already_done>conflict conflict>ruled_done conflict>ruled_not_done intent>already_done intent>planned intent>refused intent>succeeded intent>unknown planned>intent refused>conflict review>ruled_done review>ruled_not_done ruled_done>conflict ruled_not_done>conflict succeeded>conflict unknown>already_done unknown>refused unknown>review unknown>succeeded ', ' ' || OLD.state || '>' || NEW.state || ' ') = 0
    BEGIN SELECT RAISE(ABORT, 'an illegal change of an item''s state'); END;
CREATE TRIGGER item_at_its_end_is_frozen BEFORE UPDATE ON item WHEN OLD.state = NEW.state AND instr(' succeeded already_done refused ruled_done ruled_not_done ', ' ' || OLD.state || ' ') > 0
    BEGIN SELECT RAISE(ABORT, 'an item at its end never changes'); END;
CREATE TRIGGER item_keeps_its_identity BEFORE UPDATE OF id, environment, client_id, operation, invoice, generation,
        request_id, refund_reference ON item
    WHEN OLD.id IS NOT NEW.id OR OLD.environment IS NOT NEW.environment OR OLD.client_id IS NOT NEW.client_id
        OR OLD.operation IS NOT NEW.operation OR OLD.invoice IS NOT NEW.invoice OR OLD.generation IS NOT NEW.generation
        OR OLD.request_id IS NOT NEW.request_id OR OLD.refund_reference IS NOT NEW.refund_reference
    BEGIN SELECT RAISE(ABORT, 'an item keeps its identity and its keys'); END;
CREATE TRIGGER item_keeps_what_was_sent BEFORE UPDATE OF amount, payment_reference, body, body_sha256 ON item
    WHEN (OLD.state <> 'planned' OR OLD.attempts > 0)
        AND (OLD.amount IS NOT NEW.amount OR OLD.payment_reference IS NOT NEW.payment_reference
            OR OLD.body IS NOT NEW.body OR OLD.body_sha256 IS NOT NEW.body_sha256)
    BEGIN SELECT RAISE(ABORT, 'what was sent once is sent for ever'); END;
CREATE TRIGGER item_keeps_its_horizon BEFORE UPDATE OF first_intent_at ON item
    WHEN OLD.state <> 'planned' AND OLD.first_intent_at IS NOT NEW.first_intent_at
    BEGIN SELECT RAISE(ABORT, 'the horizon of what may have been sent is never moved'); END;
CREATE TRIGGER attempt_is_never_deleted BEFORE DELETE ON attempt
    BEGIN SELECT RAISE(ABORT, 'an attempt is never deleted'); END;
CREATE TRIGGER attempt_that_ended_is_frozen BEFORE UPDATE ON attempt WHEN OLD.ended_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'an attempt that has ended never changes'); END;
CREATE TRIGGER run_keeps_its_terms BEFORE UPDATE OF job, environment, client_id, operation, input_sha256,
        most_orders_per_day, most_rupiah_per_day ON run
    BEGIN SELECT RAISE(ABORT, 'a run keeps what it began with'); END;
CREATE TRIGGER run_is_never_deleted BEFORE DELETE ON run BEGIN SELECT RAISE(ABORT, 'a run is never deleted'); END;
CREATE TRIGGER row_is_never_changed BEFORE UPDATE ON run_row BEGIN SELECT RAISE(ABORT, 'a row is never changed'); END;
CREATE TRIGGER row_is_never_deleted BEFORE DELETE ON run_row BEGIN SELECT RAISE(ABORT, 'a row is never deleted'); END;
