"""The same audit in DuckDB, as fast as we could write it: the rival of `benches/reconcile.rs`.

It reads the month that `examples/make_month` has made, gives every order its verdict by the rules of `rekon`'s table, and
prints counts and rupiah per verdict as one JSON document. It does less than rekon does: it keeps no list of lines that
prove nothing, counts no copies, names no reasons, looks for no faults in the files, and, but for the last variant,
believes every signature.

  counts   counts and rupiah per verdict
  rows     the same, and one row per order written to a CSV file
  hmac     as rows, with the signature of every notification verified, in SQL

`--reading` chooses how the log is read; `json` was the fastest here.
"""

import argparse
import json
import time

ARGUMENTS = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ARGUMENTS.add_argument("folder")
ARGUMENTS.add_argument("--as-of", required=True)
ARGUMENTS.add_argument("--variant", choices=["counts", "rows", "hmac"], default="counts")
ARGUMENTS.add_argument("--reading", choices=["json", "lines", "extract"], default="json")
ARGUMENTS.add_argument("--threads", type=int, default=2)
ARGUMENTS.add_argument("--memory")
ARGUMENTS.add_argument("--out", default="duckdb-rows.csv")

CLIENT_ID = "MCH-0001-SIMULATOR"
SECRET_KEY = "SK-simulator-no-secret"
PATH = "/payments/notifications"

ORDERS = [
    "no", "invoice", "created", "customer", "city", "phone", "sku", "pieces", "amount", "reference", "order_id",
    "akulaku", "book", "courier",
]
OURS = [
    "operation", "state", "state_reason", "request_id", "attempts", "http_status", "payment_status", "operation_status",
    "rekon_order_id", "rekon_akulaku", "refund_reference", "payment_url", "replayed", "signature", "sent_at",
    "settled_at", "message",
]
# The order of the words is their precedence.
STATUSES = ["PENDING", "FAILED", "CANCELLED", "EXPIRED", "SUCCESS", "REFUNDED"]


def text(value):
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"


def csv(path, columns, typed):
    """A CSV file whose columns are known: nothing is sniffed."""
    types = ", ".join(f"'{name}': '{typed.get(name, 'VARCHAR')}'" for name in columns)
    return (
        f"read_csv({text(path)}, header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', "
        f"columns = {{{types}}})"
    )


def log(folder, reading):
    """The lines of the log that have headers, as columns."""
    files = text(f"{folder}/notifications*.jsonl")
    headers = ["Client-Id", "Request-Id", "Request-Timestamp", "Signature"]
    named = "h.\"Client-Id\" AS client_id, h.\"Request-Id\" AS request_id, h.\"Request-Timestamp\" AS sent_at, h.Signature AS signature"
    if reading == "json":
        struct = "STRUCT(" + ", ".join(f'"{name}" VARCHAR' for name in headers) + ")"
        columns = f"{{received_at: 'VARCHAR', path: 'VARCHAR', headers: {text(struct)}, body: 'VARCHAR'}}"
        source = f"read_json({files}, format = 'newline_delimited', ignore_errors = true, columns = {columns})"
        return f"SELECT received_at, path, {named}, body FROM (SELECT *, headers AS h FROM {source})"
    lines = (
        f"read_csv({files}, header = false, auto_detect = false, columns = {{'line': 'VARCHAR'}}, delim = '\\x01', "
        "quote = '', escape = '', strict_mode = false, null_padding = true)"
    )
    if reading == "lines":
        form = json.dumps(
            {"received_at": "VARCHAR", "path": "VARCHAR", "headers": dict.fromkeys(headers, "VARCHAR"), "body": "VARCHAR"}
        )
        parsed = f"SELECT try(from_json(line, {text(form)})) AS l FROM {lines}"
        return f"SELECT l.received_at, l.path, {named}, l.body FROM (SELECT l, l.headers AS h FROM ({parsed}))"
    paths = ["$.received_at", "$.path", *(f"$.headers.{name}" for name in headers), "$.body"]
    names = ["received_at", "path", "client_id", "request_id", "sent_at", "signature", "body"]
    parts = ", ".join(f"l[{place}] AS {name}" for place, name in enumerate(names, 1))
    return f"SELECT {parts} FROM (SELECT try(json_extract_string(line, {paths})) AS l FROM {lines})"


def verified(lines):
    """Of the lines those whose signature holds, over the path or over path and query."""
    key = SECRET_KEY.encode().ljust(64, b"\0")
    inner, outer = (("".join(f"\\x{byte ^ pad:02X}" for byte in key)) for pad in (0x36, 0x5C))
    components = (
        "'Client-Id:' || client_id || chr(10) || 'Request-Id:' || request_id || chr(10) || 'Request-Timestamp:' || sent_at "
        "|| chr(10) || 'Request-Target:' || {target} || chr(10) || 'Digest:' || to_base64(unhex(sha256(body)))"
    )

    def signature(target):
        message = f"'{inner}'::BLOB || encode({components.format(target=target)})"
        return f"'HMACSHA256=' || to_base64(unhex(sha256('{outer}'::BLOB || unhex(sha256({message})))))"

    both = f"signature = {signature(text(PATH))} OR (path <> {text(PATH)} AND signature = {signature('path')})"
    return f"SELECT * FROM ({lines}) WHERE {both}"


def judged(folder, as_of, variant, reading):
    """One row per order with its verdict."""
    orders = csv(f"{folder}/orders.csv", ORDERS, {"amount": "BIGINT", "created": "TIMESTAMP"})
    settled = {"settled_at": "TIMESTAMP"}
    creations = csv(f"{folder}/results.csv", ORDERS + OURS, settled)
    others = " UNION ALL ".join(
        f"SELECT invoice, '{name}' AS run, state, settled_at FROM " + csv(f"{folder}/results-{name}.csv", ORDERS + OURS, settled)
        for name in ["resumed", "refunds", "cancels"]
    )
    lines = f"SELECT * FROM ({log(folder, reading)}) WHERE signature IS NOT NULL AND client_id = {text(CLIENT_ID)}"
    if variant == "hmac":
        lines = verified(lines)
    ranks = " ".join(f"WHEN {text(word)} THEN {rank}" for rank, word in enumerate(STATUSES))
    times = ", min(received_at) AS first_received_at, max(received_at) AS last_received_at" if variant != "counts" else ""
    kept = ", received_at" if variant != "counts" else ""
    body = "['$.order.invoice_number', '$.order.amount', '$.transaction.status']"
    return f"""
        WITH said AS (
            SELECT said[1] AS invoice, said[2]::BIGINT AS amount, CASE said[3] {ranks} END AS rank{kept}
            FROM (SELECT json_extract_string(body, {body}) AS said{kept} FROM ({lines}))
            WHERE said[1] IS NOT NULL
        ), heard AS (
            SELECT invoice, count(*) AS notifications, max(rank) AS rank, bool_or(rank >= 4) AS paid,
                min(amount) AS least, max(amount) AS most{times}
            FROM said GROUP BY invoice
        ), other AS (
            SELECT invoice,
                max(state) FILTER (run = 'resumed') AS resumed, max(settled_at) FILTER (run = 'resumed') AS resumed_at,
                max(state) FILTER (run = 'refunds' AND state NOT IN ('held', 'not_attempted', 'skipped')) AS refund,
                max(settled_at) FILTER (run = 'refunds') AS refund_at,
                max(state) FILTER (run = 'cancels') AS cancel, max(settled_at) FILTER (run = 'cancels') AS cancel_at
            FROM ({others}) GROUP BY invoice
        ), joined AS (
            SELECT o.invoice, o.amount, o.book, h.* EXCLUDE (invoice), created.request_id,
                coalesce(refund, cancel, resumed, created.state) AS state,
                refund IN ('succeeded', 'already_done') AS refunded, cancel IN ('succeeded', 'already_done') AS cancelled,
                coalesce(refund_at, cancel_at, resumed_at, created.settled_at, o.created - INTERVAL 7 HOUR) AS since
            FROM {orders} o LEFT JOIN {creations} created ON created.invoice = o.invoice
                LEFT JOIN other ON other.invoice = o.invoice LEFT JOIN heard h ON h.invoice = o.invoice
        ), known AS (
            SELECT *, greatest(rank, CASE WHEN refunded THEN 5 WHEN cancelled THEN 2 END) AS known,
                since >= TIMESTAMP {text(as_of)} - INTERVAL 18 HOUR AS young
            FROM joined
        ), by_evidence AS (
            SELECT *, CASE
                WHEN cancelled AND paid THEN 'paid_after_cancel'
                WHEN refunded AND rank IS NOT NULL AND NOT paid THEN 'refunded_unpaid'
                WHEN book = 'BATAL' AND known = 4 THEN 'paid_after_cancel'
                WHEN book = 'DIKEMBALIKAN' AND known < 4 THEN 'refunded_unpaid'
                WHEN least <> amount OR most <> amount THEN 'amount_mismatch'
                WHEN known IS NULL AND book IN ('BELUM BAYAR', 'KEDALUWARSA', 'BATAL') THEN 'matched'
                WHEN known IS NULL OR (book = 'DIKEMBALIKAN' AND known = 4)
                    THEN CASE WHEN young THEN 'pending' ELSE 'missing' END
                WHEN book IN ('LUNAS', 'GAGAL') AND known = 0 AND young THEN 'pending'
                WHEN (book = 'BELUM BAYAR' AND known = 0) OR (book = 'LUNAS' AND known = 4)
                    OR (book = 'GAGAL' AND known = 1) OR (book = 'KEDALUWARSA' AND known = 3)
                    OR (book = 'BATAL' AND known < 4) OR (book = 'DIKEMBALIKAN' AND known = 5) THEN 'matched'
                ELSE 'status_mismatch'
            END AS evidence
            FROM known
        )
        SELECT *, CASE
            WHEN state IN ('unknown', 'review', 'conflict') THEN 'in_doubt'
            WHEN state = 'refused' THEN 'failed'
            WHEN state IN ('held', 'not_attempted') AND evidence IN ('matched', 'pending') THEN 'not_sent'
            ELSE evidence
        END AS verdict
        FROM by_evidence
    """


def main():
    arguments = ARGUMENTS.parse_args()
    import duckdb

    started = time.monotonic()
    connection = duckdb.connect()
    connection.execute(f"SET threads = {arguments.threads}")
    connection.execute("SET preserve_insertion_order = false")
    if arguments.memory:
        connection.execute(f"SET memory_limit = {text(arguments.memory)}")
    as_of = arguments.as_of.replace("T", " ").rstrip("Z")
    orders = judged(arguments.folder, as_of, arguments.variant, arguments.reading)
    if arguments.variant != "counts":
        connection.execute(f"CREATE TEMP TABLE judged AS {orders}")
        orders = "judged"
        words = " ".join(f"WHEN {rank} THEN {text(word)}" for rank, word in enumerate(STATUSES))
        amount = "CASE WHEN most <> amount THEN most ELSE least END"
        connection.execute(f"""
            COPY (
                SELECT invoice AS invoice_number, amount, book AS book_status, CASE known {words} END AS doku_status,
                    {amount} AS doku_amount, {amount} - amount AS difference, verdict, state AS result_state, request_id,
                    coalesce(notifications, 0) AS notifications, first_received_at, last_received_at,
                    date_diff('hour', since, TIMESTAMP {text(as_of)}) AS age_hours
                FROM judged
            ) TO {text(arguments.out)} (HEADER)
        """)
    source = orders if orders == "judged" else f"({orders})"
    verdicts = connection.execute(f"SELECT verdict, count(*), sum(amount) FROM {source} GROUP BY verdict").fetchall()
    found = {verdict: {"count": count, "rupiah": int(rupiah)} for verdict, count, rupiah in verdicts}
    milliseconds = round((time.monotonic() - started) * 1000)
    print(json.dumps({"version": duckdb.__version__, "milliseconds": milliseconds, "verdicts": found}))


if __name__ == "__main__":
    main()
