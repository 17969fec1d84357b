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
    rows INTEGER NOT NULL
) STRICT;

CREATE TABLE run_row (
    run INTEGER NOT NULL REFERENCES run,
    number INTEGER NOT NULL,
    line INTEGER NOT NULL,
    raw TEXT NOT NULL,
    invoice TEXT,
    rupiah INTEGER NOT NULL,
    fate TEXT NOT NULL CHECK (fate IN ('send', 'settled', 'continue', 'skip', 'held', 'invalid')),
    reason TEXT NOT NULL,
    PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE item (
    id INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    client_id TEXT NOT NULL,
    operation TEXT NOT NULL CHECK (operation IN ('create', 'cancel', 'refund')),
    invoice TEXT NOT NULL,
    generation INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    request_id TEXT NOT NULL UNIQUE,
    payment_reference TEXT NOT NULL,
    refund_reference TEXT,
    body BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('planned', 'intent', 'unknown', 'succeeded', 'already_done', 'refused',
        'review', 'conflict', 'ruled_done', 'ruled_not_done')),
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first_intent_at TEXT NOT NULL,
    last_sent_at TEXT NOT NULL,
    settled_at TEXT,
    facts TEXT NOT NULL,
    job TEXT NOT NULL,
    run TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX item_one_generation ON item (environment, client_id, operation, invoice, generation);
CREATE UNIQUE INDEX item_one_live ON item (environment, client_id, operation, invoice)
    WHERE state NOT IN ('refused', 'ruled_not_done');
CREATE INDEX item_unsettled ON item (job, state) WHERE state IN ('intent', 'unknown', 'review', 'conflict');
CREATE INDEX item_invoice ON item (invoice);
CREATE INDEX item_run ON item (run);

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

CREATE INDEX attempt_item ON attempt (item);
CREATE INDEX attempt_open ON attempt (id) WHERE ended_at IS NULL;
