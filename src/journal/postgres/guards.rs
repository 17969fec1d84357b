//! What nobody may do, be it this program, another version of it, or a person with a shell: triggers, made of the same table as
//! the program's own checks.

use std::fmt::Write as _;

use crate::journal::rules::words::{among, legal_changes};
use crate::journal::state::State;

/// All of them, with their functions.
pub(super) fn all() -> String {
    let mut text = format!("{BEGINNINGS} {} {ENDS} {TRIGGERS}", changes());
    for table in ["head", "runner", "run", "run_row", "item", "attempt", "event"] {
        for what in ["DELETE", "TRUNCATE"] {
            let name = format!("{table}_survives_{}", what.to_lowercase());
            // Writing into a String cannot fail.
            let _ = writeln!(
                text,
                "CREATE TRIGGER {name} BEFORE {what} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();"
            );
        }
    }
    text
}

const BEGINNINGS: &str = "
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '%: % is not allowed: the past is never changed', TG_TABLE_NAME, TG_OP; END $$;

CREATE FUNCTION event_follows_the_last() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq <> 1 AND NOT EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq - 1) THEN
        RAISE EXCEPTION 'an entry of the event log out of turn';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION item_begins_lawfully() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (NEW.state = 'planned' AND NEW.attempts = 0 OR NEW.state = 'intent' AND NEW.attempts = 1) THEN
        RAISE EXCEPTION 'an item begins as planned, or with its first intent';
    END IF;
    RETURN NEW;
END $$;
";

fn changes() -> String {
    let terminal = among("OLD.state", State::ALL.into_iter().filter(|state| state.is_terminal()));
    let legal = legal_changes("false");
    format!(
        "
CREATE FUNCTION item_changes_lawfully() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> NEW.state AND NOT ({legal}) THEN
        RAISE EXCEPTION 'an illegal change of an item''s state: % to %', OLD.state, NEW.state;
    END IF;
    IF OLD.state = NEW.state AND {terminal} THEN
        RAISE EXCEPTION 'an item at its end never changes';
    END IF;
    IF (OLD.id, OLD.environment, OLD.client_id, OLD.operation, OLD.invoice, OLD.generation, OLD.request_id,
            OLD.refund_reference) IS DISTINCT FROM (NEW.id, NEW.environment, NEW.client_id, NEW.operation, NEW.invoice,
            NEW.generation, NEW.request_id, NEW.refund_reference) THEN
        RAISE EXCEPTION 'an item keeps its identity and its keys';
    END IF;
    IF (OLD.state <> 'planned' OR OLD.attempts > 0) AND (OLD.amount, OLD.payment_reference, OLD.body, OLD.body_sha256)
            IS DISTINCT FROM (NEW.amount, NEW.payment_reference, NEW.body, NEW.body_sha256) THEN
        RAISE EXCEPTION 'what was sent once is sent for ever';
    END IF;
    IF OLD.state <> 'planned' AND OLD.first_intent_at <> NEW.first_intent_at THEN
        RAISE EXCEPTION 'the horizon of what may have been sent is never moved';
    END IF;
    RETURN NEW;
END $$;
"
    )
}

const ENDS: &str = "
CREATE FUNCTION attempt_that_ended_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'an attempt that has ended never changes';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION run_keeps_its_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.job, OLD.environment, OLD.client_id, OLD.operation, OLD.input_sha256, OLD.most_orders_per_day,
            OLD.most_rupiah_per_day) IS DISTINCT FROM (NEW.id, NEW.job, NEW.environment, NEW.client_id, NEW.operation,
            NEW.input_sha256, NEW.most_orders_per_day, NEW.most_rupiah_per_day) THEN
        RAISE EXCEPTION 'a run keeps what it began with';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION row_is_never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.run, OLD.number, OLD.line, OLD.raw, OLD.invoice, OLD.rupiah, OLD.fate, OLD.reason) IS DISTINCT FROM
            (NEW.run, NEW.number, NEW.line, NEW.raw, NEW.invoice, NEW.rupiah, NEW.fate, NEW.reason) THEN
        RAISE EXCEPTION 'a row is never changed';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION head_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq <= OLD.seq THEN
        RAISE EXCEPTION 'the end of the log never goes back';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION runner_is_of_these_tables() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE present integer := (SELECT version FROM journal);
BEGIN
    IF NEW.version IS DISTINCT FROM present THEN
        RAISE EXCEPTION 'its tables have version %, and this program was made for others: install the rekon that knows them',
            present;
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION runner_that_is_gone_stays_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.lost_at IS NOT NULL OR OLD.left_at IS NOT NULL THEN
        RAISE EXCEPTION 'a runner that is gone stays gone';
    END IF;
    RETURN NEW;
END $$;
";

const TRIGGERS: &str = "
CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_follows_the_last AFTER INSERT ON event FOR EACH ROW EXECUTE FUNCTION event_follows_the_last();
CREATE TRIGGER item_begins_lawfully BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION item_begins_lawfully();
CREATE TRIGGER item_changes_lawfully BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION item_changes_lawfully();
CREATE TRIGGER attempt_that_ended_is_frozen BEFORE UPDATE ON attempt FOR EACH ROW
    EXECUTE FUNCTION attempt_that_ended_is_frozen();
CREATE TRIGGER run_keeps_its_terms BEFORE UPDATE ON run FOR EACH ROW EXECUTE FUNCTION run_keeps_its_terms();
CREATE TRIGGER row_is_never_changed BEFORE UPDATE ON run_row FOR EACH ROW EXECUTE FUNCTION row_is_never_changed();
CREATE TRIGGER head_goes_forward BEFORE UPDATE ON head FOR EACH ROW EXECUTE FUNCTION head_goes_forward();
CREATE TRIGGER runner_is_of_these_tables BEFORE INSERT ON runner FOR EACH ROW EXECUTE FUNCTION runner_is_of_these_tables();
CREATE TRIGGER runner_that_is_gone_stays_gone BEFORE UPDATE ON runner FOR EACH ROW
    EXECUTE FUNCTION runner_that_is_gone_stays_gone();
";
