//! Whatever somebody changes by hand, past all guards, is found.

use super::*;

in_each_store!(whatever_is_changed_by_hand_is_found);

const CHANGES: [&str; 20] = [
    "DELETE FROM event WHERE seq = 5",
    "DELETE FROM event WHERE seq = (SELECT max(seq) FROM event WHERE item IS NOT NULL)",
    "UPDATE event SET data = replace(data, 'applied', 'refused')",
    "UPDATE event SET at = '2026-11-22T09:00:00.000Z' WHERE seq = 3",
    "UPDATE item SET state = 'refused' WHERE state = 'succeeded'",
    "UPDATE item SET amount = amount + 1 WHERE id = 2",
    "UPDATE item SET attempts = 0 WHERE id = 1",
    "UPDATE item SET reason = 'other' WHERE id = 3",
    "UPDATE item SET body = x'00' WHERE id = 1",
    "UPDATE item SET settled_at = NULL WHERE id = 1",
    "DELETE FROM item WHERE id = 7",
    "INSERT INTO item SELECT 99, environment, client_id, operation, 'INV-99', 0, amount, 'R-99', payment_reference, \
     refund_reference, body, body_sha256, state, reason, attempts, first_intent_at, last_sent_at, settled_at, facts, job, run \
     FROM item WHERE id = 1",
    "UPDATE attempt SET answer_body = x'7b' WHERE id = 1",
    "DELETE FROM attempt WHERE id = 1",
    "UPDATE run_row SET rupiah = 1 WHERE number = 1",
    "DELETE FROM run_row WHERE number = 7",
    "DELETE FROM run_row; DELETE FROM run",
    "UPDATE attempt SET item = 2 WHERE id = 1",
    "INSERT INTO attempt (id, item, run, kind, request_id, sent_at) VALUES (99, 1, 'r', 'send', 'r', '2026-11-22T09:00:00.000Z')",
    "UPDATE day SET orders = 0",
];

async fn whatever_is_changed_by_hand_is_found(ground: Ground) {
    for change in CHANGES {
        let ground = ground.another();
        drop(eventful(&ground).await);
        ground.change_by_hand(change);
        let journal = Store::open_to_examine(&ground.location()).await.unwrap().unwrap();
        assert_ne!(journal.check().await.unwrap().flaws, [""; 0], "{change}");
    }
}
