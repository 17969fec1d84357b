CREATE FUNCTION attempt_that_ended_is_frozen() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'an attempt that has ended never changes';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION event_follows_the_last() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.seq <> 1 AND NOT EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq - 1) THEN
        RAISE EXCEPTION 'an entry of the event log out of turn';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION head_goes_forward() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.seq <= OLD.seq THEN
        RAISE EXCEPTION 'the end of the log never goes back';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION item_begins_lawfully() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT (NEW.state = 'planned' AND NEW.attempts = 0 OR NEW.state = 'intent' AND NEW.attempts = 1) THEN
        RAISE EXCEPTION 'an item begins as planned, or with its first intent';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION item_changes_lawfully() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.state <> NEW.state AND NOT (CASE OLD.state WHEN 'planned' THEN (NEW.state = 'intent') WHEN 'intent' THEN (NEW.state = 'planned' OR NEW.state = 'unknown' OR NEW.state = 'succeeded' OR NEW.state = 'already_done' OR NEW.state = 'refused') WHEN 'unknown' THEN (NEW.state = 'succeeded' OR NEW.state = 'already_done' OR NEW.state = 'refused' OR NEW.state = 'review') WHEN 'succeeded' THEN (NEW.state = 'conflict') WHEN 'already_done' THEN (NEW.state = 'conflict') WHEN 'refused' THEN (NEW.state = 'conflict') WHEN 'review' THEN (NEW.state = 'ruled_done' OR NEW.state = 'ruled_not_done') WHEN 'conflict' THEN (NEW.state = 'ruled_done' OR NEW.state = 'ruled_not_done') WHEN 'ruled_done' THEN (NEW.state = 'conflict') WHEN 'ruled_not_done' THEN (NEW.state = 'conflict') ELSE false END) THEN
        RAISE EXCEPTION 'an illegal change of an item''s state: % to %', OLD.state, NEW.state;
    END IF;
    IF OLD.state = NEW.state AND (OLD.state = 'succeeded' OR OLD.state = 'already_done' OR OLD.state = 'refused' OR OLD.state = 'ruled_done' OR OLD.state = 'ruled_not_done') THEN
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
CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN RAISE EXCEPTION '%: % is not allowed: the past is never changed', TG_TABLE_NAME, TG_OP; END $$;
CREATE FUNCTION row_is_never_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF (OLD.run, OLD.number, OLD.line, OLD.raw, OLD.invoice, OLD.rupiah, OLD.fate, OLD.reason) IS DISTINCT FROM
            (NEW.run, NEW.number, NEW.line, NEW.raw, NEW.invoice, NEW.rupiah, NEW.fate, NEW.reason) THEN
        RAISE EXCEPTION 'a row is never changed';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION run_keeps_its_terms() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF (OLD.id, OLD.job, OLD.environment, OLD.client_id, OLD.operation, OLD.input_sha256, OLD.most_orders_per_day,
            OLD.most_rupiah_per_day) IS DISTINCT FROM (NEW.id, NEW.job, NEW.environment, NEW.client_id, NEW.operation,
            NEW.input_sha256, NEW.most_orders_per_day, NEW.most_rupiah_per_day) THEN
        RAISE EXCEPTION 'a run keeps what it began with';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION runner_that_is_gone_stays_gone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.lost_at IS NOT NULL OR OLD.left_at IS NOT NULL THEN
        RAISE EXCEPTION 'a runner that is gone stays gone';
    END IF;
    RETURN NEW;
END $$;
CREATE TABLE at_work (
    job text NOT NULL,
    environment text NOT NULL,
    client_id text NOT NULL,
    operation text NOT NULL,
    runner bigint NOT NULL,
    alone boolean NOT NULL,
    run text
);
CREATE TABLE attempt (
    id bigint NOT NULL,
    item bigint NOT NULL,
    run text NOT NULL,
    kind text NOT NULL,
    request_id text NOT NULL,
    sent_at text NOT NULL,
    ended_at text,
    outcome text DEFAULT ''::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    facts text DEFAULT '{}'::text NOT NULL,
    answer_headers text,
    answer_body bytea,
    runner bigint,
    CONSTRAINT attempt_kind_check CHECK ((kind = ANY (ARRAY['send'::text, 'inquiry'::text])))
);
CREATE TABLE claimed_item (
    run text NOT NULL,
    item bigint NOT NULL,
    runner bigint NOT NULL
);
CREATE TABLE day (
    environment text NOT NULL,
    client_id text NOT NULL,
    operation text NOT NULL,
    date text NOT NULL,
    orders bigint NOT NULL,
    rupiah bigint NOT NULL,
    CONSTRAINT day_orders_check CHECK ((orders >= 0)),
    CONSTRAINT day_rupiah_check CHECK ((rupiah >= 0))
);
CREATE TABLE event (
    seq bigint NOT NULL,
    at text NOT NULL,
    item bigint,
    data text NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT event_hash_check CHECK ((length(hash) = 32))
);
CREATE TABLE head (
    only_one boolean DEFAULT true NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT head_only_one_check CHECK (only_one)
);
CREATE TABLE item (
    id bigint NOT NULL,
    environment text NOT NULL,
    client_id text NOT NULL,
    operation text NOT NULL,
    invoice text NOT NULL,
    generation integer NOT NULL,
    amount bigint NOT NULL,
    request_id text NOT NULL,
    payment_reference text NOT NULL,
    refund_reference text,
    body bytea NOT NULL,
    body_sha256 text NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    attempts bigint NOT NULL,
    first_intent_at text NOT NULL,
    last_sent_at text NOT NULL,
    settled_at text,
    facts text NOT NULL,
    job text NOT NULL,
    run text NOT NULL,
    runner bigint,
    CONSTRAINT item_amount_check CHECK ((amount > 0)),
    CONSTRAINT item_operation_check CHECK ((operation = ANY (ARRAY['create'::text, 'cancel'::text, 'refund'::text]))),
    CONSTRAINT item_state_check CHECK (((state = 'planned'::text) OR (state = 'intent'::text) OR (state = 'unknown'::text) OR (state = 'succeeded'::text) OR (state = 'already_done'::text) OR (state = 'refused'::text) OR (state = 'review'::text) OR (state = 'conflict'::text) OR (state = 'ruled_done'::text) OR (state = 'ruled_not_done'::text)))
);
CREATE TABLE joint_run (
    run text NOT NULL,
    job_sha256 text NOT NULL,
    input_sha256 text NOT NULL,
    rows_sha256 text NOT NULL,
    decided bytea NOT NULL,
    stopped text,
    closer bigint,
    report text DEFAULT ''::text NOT NULL
);
CREATE TABLE journal (
    only_one boolean DEFAULT true NOT NULL,
    version integer NOT NULL,
    made_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT journal_only_one_check CHECK (only_one)
);
CREATE TABLE limiter (
    key text NOT NULL,
    tat timestamp with time zone NOT NULL
);
CREATE TABLE member (
    run text NOT NULL,
    runner bigint NOT NULL,
    idle boolean DEFAULT false NOT NULL,
    left_at timestamp with time zone,
    freed boolean DEFAULT false NOT NULL,
    asked bigint DEFAULT 0 NOT NULL,
    rows bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    items bigint[] DEFAULT '{}'::bigint[] NOT NULL
);
CREATE TABLE run (
    id bigint NOT NULL,
    name text,
    job text NOT NULL,
    environment text NOT NULL,
    client_id text NOT NULL,
    operation text NOT NULL,
    started_at text NOT NULL,
    finished_at text,
    exit_code smallint,
    delimiter smallint NOT NULL,
    header text NOT NULL,
    rows bigint NOT NULL,
    horizon_seconds bigint NOT NULL,
    input_sha256 text,
    most_orders_per_day bigint,
    most_rupiah_per_day bigint
);
ALTER TABLE run ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE run_row (
    run bigint NOT NULL,
    number bigint NOT NULL,
    line bigint NOT NULL,
    raw text NOT NULL,
    invoice text,
    rupiah bigint NOT NULL,
    fate text NOT NULL,
    reason text NOT NULL,
    runner bigint,
    CONSTRAINT run_row_fate_check CHECK ((fate = ANY (ARRAY['send'::text, 'settled'::text, 'continue'::text, 'skip'::text, 'held'::text, 'invalid'::text])))
);
CREATE TABLE runner (
    id bigint NOT NULL,
    host text NOT NULL,
    pid bigint NOT NULL,
    run text,
    joined_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    lease_until timestamp with time zone NOT NULL,
    left_at timestamp with time zone,
    lost_at timestamp with time zone
);
ALTER TABLE runner ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME runner_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
INSERT INTO at_work VALUES ('refund-faults', 'simulator', 'MCH-0001-SIMULATOR', 'refund', 1, true, NULL);
INSERT INTO attempt VALUES (2, 2, '20261123-101901-0001', 'send', 'd46ed8ac-38d5-82a0-a797-6c0242ce5524', '2026-11-23T03:19:01.791Z', '2026-11-23T03:19:01.809Z', 'applied', '', '{"http_status":200,"payment_status":"REFUNDED","operation_status":"SUCCESS","amount":1000,"order_id":"1001","akulaku_reference":"MCH-0001-SIMULATORINV-none","payment_reference":"INV-none","refund_reference":"098984e2-589d-89c7-ba19-8f803c7d4f74","replayed":false,"signature":"valid"}', '[["content-type","application/json"],["client-id","MCH-0001-SIMULATOR"],["request-id","d46ed8ac-38d5-82a0-a797-6c0242ce5524"],["response-timestamp","2026-11-23T03:19:01Z"],["signature","HMACSHA256=HlRoiGAkd0xlyxswCzpLIlBXVBhWIhd7beuf5BvVjnE="],["content-length","524"],["date","Mon, 23 Nov 2026 03:19:01 GMT"]]', '\x7b226f72646572223a7b22616d6f756e74223a313030302c22696e766f6963655f6e756d626572223a22494e562d6e6f6e65227d2c227061796d656e74223a7b2264617465223a22323032362d31312d32335430333a31393a30315a222c226964656e746966696572223a5b7b226e616d65223a224f524445525f4944222c2276616c7565223a2231303031227d2c7b226e616d65223a22414b554c414b555f554e495155455f5245464552454e4345222c2276616c7565223a224d43482d303030312d53494d554c41544f52494e562d6e6f6e65227d5d2c226d65726368616e745f756e697175655f7265666572656e6365223a22494e562d6e6f6e65222c22737461747573223a22524546554e444544227d2c22726566756e64223a7b2264617465223a22323032362d31312d32335430333a31393a30315a222c226964656e746966696572223a5b7b226e616d65223a22414b554c414b555f554e495155455f5245464552454e4345222c2276616c7565223a225245462d4d43482d303030312d53494d554c41544f5230393839383465322d353839642d383963372d626131392d386638303363376434663734227d5d2c226d65726368616e745f756e697175655f7265666572656e6365223a2230393839383465322d353839642d383963372d626131392d386638303363376434663734222c22737461747573223a2253554343455353227d7d', 1);
INSERT INTO attempt VALUES (1, 1, '20261123-101901-0001', 'send', '92a2b489-85d1-8cf4-8f2e-0fe3dae389f4', '2026-11-23T03:19:01.791Z', '2026-11-23T03:19:03.808Z', 'ambiguous', 'timeout', '{"message":"no answer in time","replayed":false,"signature":"none"}', NULL, NULL, 1);
INSERT INTO attempt VALUES (3, 1, '20261123-101901-0001', 'send', '92a2b489-85d1-8cf4-8f2e-0fe3dae389f4', '2026-11-23T03:19:03.826Z', '2026-11-23T03:19:03.841Z', 'applied', '', '{"http_status":409,"payment_status":"REFUNDED","operation_status":"SUCCESS","amount":3000,"order_id":"1003","akulaku_reference":"MCH-0001-SIMULATORINV-timeout_after","payment_reference":"INV-timeout_after","refund_reference":"cadb7d35-e477-8169-acde-bfa39c8ae22c","replayed":true,"signature":"valid"}', '[["content-type","application/json"],["client-id","MCH-0001-SIMULATOR"],["request-id","92a2b489-85d1-8cf4-8f2e-0fe3dae389f4"],["response-timestamp","2026-11-23T03:19:03Z"],["signature","HMACSHA256=ET3ntZVogmnobBp9kWPxfEE4R75T8n2/X/y88sGWWEY="],["content-length","551"],["date","Mon, 23 Nov 2026 03:19:03 GMT"]]', '\x7b226f72646572223a7b22616d6f756e74223a333030302c22696e766f6963655f6e756d626572223a22494e562d74696d656f75745f6166746572227d2c227061796d656e74223a7b2264617465223a22323032362d31312d32335430333a31393a30315a222c226964656e746966696572223a5b7b226e616d65223a224f524445525f4944222c2276616c7565223a2231303033227d2c7b226e616d65223a22414b554c414b555f554e495155455f5245464552454e4345222c2276616c7565223a224d43482d303030312d53494d554c41544f52494e562d74696d656f75745f6166746572227d5d2c226d65726368616e745f756e697175655f7265666572656e6365223a22494e562d74696d656f75745f6166746572222c22737461747573223a22524546554e444544227d2c22726566756e64223a7b2264617465223a22323032362d31312d32335430333a31393a30315a222c226964656e746966696572223a5b7b226e616d65223a22414b554c414b555f554e495155455f5245464552454e4345222c2276616c7565223a225245462d4d43482d303030312d53494d554c41544f5263616462376433352d653437372d383136392d616364652d626661333963386165323263227d5d2c226d65726368616e745f756e697175655f7265666572656e6365223a2263616462376433352d653437372d383136392d616364652d626661333963386165323263222c22737461747573223a2253554343455353227d7d', 1);
INSERT INTO day VALUES ('simulator', 'MCH-0001-SIMULATOR', 'refund', '2026-11-23', 2, 4000);
INSERT INTO event VALUES (1, '2026-11-23T03:19:01.308Z', NULL, '{"kind":"run_began","run":"20261123-101901-0001","job":"refund-faults","rows":2,"rows_sha256":"c77c4c6bfaa0739b5c2eb8e7d8f0e635b055a26635190921d1d52e1b103c4f86","input_sha256":"b02310febaf2e48d899b54f54ddfeef5c82616c17ebd7634e9424ce15ee4e0b7"}', '\x0ae6d4938ec7cbbe08c9f43c5347e121aba78b6e6f87c99df2febcf57357580f');
INSERT INTO event VALUES (2, '2026-11-23T03:19:01.791Z', 1, '{"kind":"made","run":"20261123-101901-0001","job":"refund-faults","environment":"simulator","client_id":"MCH-0001-SIMULATOR","operation":"refund","invoice":"INV-timeout_after","generation":0,"amount":3000,"payment_reference":"INV-timeout_after","body_sha256":"e7f499f2781618e462c0f9dc55aed6a4caf80b134262f5ead44e04d6a88c04dc","attempt":1}', '\x6f0ee4fbb48228ee8a7ab59e84c8abe929472d4753f0aeab6737eaafd9e9be97');
INSERT INTO event VALUES (3, '2026-11-23T03:19:01.791Z', 2, '{"kind":"made","run":"20261123-101901-0001","job":"refund-faults","environment":"simulator","client_id":"MCH-0001-SIMULATOR","operation":"refund","invoice":"INV-none","generation":0,"amount":1000,"payment_reference":"INV-none","body_sha256":"b905c3989f45f90838e35829193e5b23adf30a97041c6e915a48a144fead6d8f","attempt":2}', '\xcb978bb3dc5338951ce710f0df27cd30595aa2d55f0b6cfc5497e28e3276df35');
INSERT INTO event VALUES (4, '2026-11-23T03:19:01.809Z', 2, '{"kind":"ended","attempt":2,"event":"applied","wire":"left","reason":"","facts":{"http_status":200,"payment_status":"REFUNDED","operation_status":"SUCCESS","amount":1000,"order_id":"1001","akulaku_reference":"MCH-0001-SIMULATORINV-none","payment_reference":"INV-none","refund_reference":"098984e2-589d-89c7-ba19-8f803c7d4f74","replayed":false,"signature":"valid"},"answer_sha256":"1a5c69e5182c5252db98db37c88190f0357c8560596cd237196dda4627eeaeb4"}', '\xd366bc72b38246997b4a79e43a765783c044cd216630a68ded061e0b365d1578');
INSERT INTO event VALUES (5, '2026-11-23T03:19:03.808Z', 1, '{"kind":"ended","attempt":1,"event":"no_proof","wire":"left","reason":"timeout","facts":{"message":"no answer in time","replayed":false,"signature":"none"},"answer_sha256":null}', '\x0c94a2aa8a17cf8be92089fb8d0091f4b051c73730517193ea7c1bb3d93d4624');
INSERT INTO event VALUES (6, '2026-11-23T03:19:03.826Z', 1, '{"kind":"intended","run":"20261123-101901-0001","attempt":3}', '\x53f9d8893dbc4d1f5c826e57b70fe7560002a0f7e0584405fbbab75f1d3d71d7');
INSERT INTO event VALUES (7, '2026-11-23T03:19:03.841Z', 1, '{"kind":"ended","attempt":3,"event":"applied","wire":"left","reason":"","facts":{"http_status":409,"payment_status":"REFUNDED","operation_status":"SUCCESS","amount":3000,"order_id":"1003","akulaku_reference":"MCH-0001-SIMULATORINV-timeout_after","payment_reference":"INV-timeout_after","refund_reference":"cadb7d35-e477-8169-acde-bfa39c8ae22c","replayed":true,"signature":"valid"},"answer_sha256":"0d63d3c586687ab10092d9b233804c1fc394fee03fed57bd5c6cb9dfaf5294d1"}', '\xe05d65a88d8cc976af0ee9242a8e48a2e7e605cbc4889e9c85b361335925f751');
INSERT INTO event VALUES (8, '2026-11-23T03:19:03.885Z', NULL, '{"kind":"run_ended","run":"20261123-101901-0001","exit_code":0}', '\x3acfc043520aa8f5daeb7aece12eeaea6e93753333efcea8c4682b0d26720008');
INSERT INTO head VALUES (true, 8, '\x3acfc043520aa8f5daeb7aece12eeaea6e93753333efcea8c4682b0d26720008');
INSERT INTO item VALUES (2, 'simulator', 'MCH-0001-SIMULATOR', 'refund', 'INV-none', 0, 1000, 'd46ed8ac-38d5-82a0-a797-6c0242ce5524', 'INV-none', '098984e2-589d-89c7-ba19-8f803c7d4f74', '\x7b226f72646572223a7b22696e766f6963655f6e756d626572223a22494e562d6e6f6e65227d2c227061796d656e74223a7b226d65726368616e745f756e697175655f7265666572656e6365223a22494e562d6e6f6e65222c226964656e746966696572223a5b7b226e616d65223a224f524445525f4944222c2276616c7565223a2231303031227d2c7b226e616d65223a22414b554c414b555f554e495155455f5245464552454e4345222c2276616c7565223a224d43482d303030312d53494d554c41544f52494e562d6e6f6e65227d5d7d2c22726566756e64223a7b226d65726368616e745f756e697175655f7265666572656e6365223a2230393839383465322d353839642d383963372d626131392d386638303363376434663734227d7d', 'b905c3989f45f90838e35829193e5b23adf30a97041c6e915a48a144fead6d8f', 'succeeded', '', 1, '2026-11-23T03:19:01.791Z', '2026-11-23T03:19:01.791Z', '2026-11-23T03:19:01.809Z', '{"http_status":200,"payment_status":"REFUNDED","operation_status":"SUCCESS","amount":1000,"order_id":"1001","akulaku_reference":"MCH-0001-SIMULATORINV-none","payment_reference":"INV-none","refund_reference":"098984e2-589d-89c7-ba19-8f803c7d4f74","replayed":false,"signature":"valid"}', 'refund-faults', '20261123-101901-0001', NULL);
INSERT INTO item VALUES (1, 'simulator', 'MCH-0001-SIMULATOR', 'refund', 'INV-timeout_after', 0, 3000, '92a2b489-85d1-8cf4-8f2e-0fe3dae389f4', 'INV-timeout_after', 'cadb7d35-e477-8169-acde-bfa39c8ae22c', '\x7b226f72646572223a7b22696e766f6963655f6e756d626572223a22494e562d74696d656f75745f6166746572227d2c227061796d656e74223a7b226d65726368616e745f756e697175655f7265666572656e6365223a22494e562d74696d656f75745f6166746572222c226964656e746966696572223a5b7b226e616d65223a224f524445525f4944222c2276616c7565223a2231303033227d2c7b226e616d65223a22414b554c414b555f554e495155455f5245464552454e4345222c2276616c7565223a224d43482d303030312d53494d554c41544f52494e562d74696d656f75745f6166746572227d5d7d2c22726566756e64223a7b226d65726368616e745f756e697175655f7265666572656e6365223a2263616462376433352d653437372d383136392d616364652d626661333963386165323263227d7d', 'e7f499f2781618e462c0f9dc55aed6a4caf80b134262f5ead44e04d6a88c04dc', 'succeeded', '', 2, '2026-11-23T03:19:01.791Z', '2026-11-23T03:19:03.826Z', '2026-11-23T03:19:03.841Z', '{"http_status":409,"payment_status":"REFUNDED","operation_status":"SUCCESS","amount":3000,"order_id":"1003","akulaku_reference":"MCH-0001-SIMULATORINV-timeout_after","payment_reference":"INV-timeout_after","refund_reference":"cadb7d35-e477-8169-acde-bfa39c8ae22c","replayed":true,"signature":"valid"}', 'refund-faults', '20261123-101901-0001', NULL);
INSERT INTO journal VALUES (true, 1, '2026-11-23 03:19:01.577763+00');
INSERT INTO limiter VALUES ('simulator MCH-0001-SIMULATOR', '2026-11-23 03:19:04.025825+00');
INSERT INTO run VALUES (1, '20261123-101901-0001', 'refund-faults', 'simulator', 'MCH-0001-SIMULATOR', 'refund', '2026-11-23T03:19:01.308Z', '2026-11-23T03:19:03.885Z', 0, 44, '["invoice_number","amount","order_id","akulaku_reference"]', 2, 86400, 'b02310febaf2e48d899b54f54ddfeef5c82616c17ebd7634e9424ce15ee4e0b7', NULL, NULL);
INSERT INTO run_row VALUES (1, 1, 2, 'INV-none,1000,1001,MCH-0001-SIMULATORINV-none', 'INV-none', 1000, 'send', '', NULL);
INSERT INTO run_row VALUES (1, 2, 3, 'INV-timeout_after,3000,1003,MCH-0001-SIMULATORINV-timeout_after', 'INV-timeout_after', 3000, 'send', '', NULL);
INSERT INTO runner VALUES (1, 'host-a', 16293, NULL, '2026-11-23 03:19:01.605887+00', '2026-11-23 03:21:01.605887+00', '2026-11-23 03:19:03.996128+00', NULL);
SELECT pg_catalog.setval('run_id_seq', 1, true);
SELECT pg_catalog.setval('runner_id_seq', 1, true);
ALTER TABLE ONLY at_work
    ADD CONSTRAINT at_work_pkey PRIMARY KEY (job, environment, client_id, operation);
ALTER TABLE ONLY attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (id);
ALTER TABLE ONLY claimed_item
    ADD CONSTRAINT claimed_item_pkey PRIMARY KEY (run, item);
ALTER TABLE ONLY day
    ADD CONSTRAINT day_pkey PRIMARY KEY (environment, client_id, operation, date);
ALTER TABLE ONLY event
    ADD CONSTRAINT event_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY head
    ADD CONSTRAINT head_pkey PRIMARY KEY (only_one);
ALTER TABLE ONLY item
    ADD CONSTRAINT item_pkey PRIMARY KEY (id);
ALTER TABLE ONLY joint_run
    ADD CONSTRAINT joint_run_pkey PRIMARY KEY (run);
ALTER TABLE ONLY journal
    ADD CONSTRAINT journal_pkey PRIMARY KEY (only_one);
ALTER TABLE ONLY limiter
    ADD CONSTRAINT limiter_pkey PRIMARY KEY (key);
ALTER TABLE ONLY member
    ADD CONSTRAINT member_pkey PRIMARY KEY (run, runner);
ALTER TABLE ONLY run
    ADD CONSTRAINT run_name_key UNIQUE (name);
ALTER TABLE ONLY run
    ADD CONSTRAINT run_pkey PRIMARY KEY (id);
ALTER TABLE ONLY run_row
    ADD CONSTRAINT run_row_pkey PRIMARY KEY (run, number);
ALTER TABLE ONLY runner
    ADD CONSTRAINT runner_pkey PRIMARY KEY (id);
CREATE INDEX attempt_item ON attempt USING btree (item);
CREATE INDEX attempt_open ON attempt USING btree (id) WHERE (ended_at IS NULL);
CREATE INDEX event_hash ON event USING btree (hash);
CREATE INDEX event_item ON event USING btree (item, seq) WHERE (item IS NOT NULL);
CREATE INDEX event_of_no_item ON event USING btree (seq) WHERE (item IS NULL);
CREATE UNIQUE INDEX item_one_generation ON item USING btree (invoice, operation, client_id, environment, generation);
CREATE UNIQUE INDEX item_one_live ON item USING btree (invoice, operation, client_id, environment) WHERE ((state <> 'refused'::text) AND (state <> 'ruled_not_done'::text));
CREATE INDEX item_refused ON item USING btree (operation) WHERE ((state = 'refused'::text) OR (state = 'ruled_not_done'::text));
CREATE INDEX item_run ON item USING btree (run);
CREATE INDEX item_runner ON item USING btree (runner) WHERE (runner IS NOT NULL);
CREATE INDEX item_unsettled ON item USING btree (job, state) WHERE ((state = 'intent'::text) OR (state = 'unknown'::text) OR (state = 'review'::text) OR (state = 'conflict'::text));
CREATE INDEX run_row_free ON run_row USING btree (run, number) WHERE ((runner IS NULL) AND (fate = 'send'::text) AND (rupiah > 0));
CREATE INDEX run_row_invoice ON run_row USING btree (invoice) WHERE (invoice IS NOT NULL);
CREATE INDEX runner_at_work ON runner USING btree (lease_until) WHERE ((left_at IS NULL) AND (lost_at IS NULL));
CREATE TRIGGER attempt_survives_delete BEFORE DELETE ON attempt FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER attempt_survives_truncate BEFORE TRUNCATE ON attempt FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER attempt_that_ended_is_frozen BEFORE UPDATE ON attempt FOR EACH ROW EXECUTE FUNCTION attempt_that_ended_is_frozen();
CREATE TRIGGER event_follows_the_last AFTER INSERT ON event FOR EACH ROW EXECUTE FUNCTION event_follows_the_last();
CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_survives_delete BEFORE DELETE ON event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_survives_truncate BEFORE TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER head_goes_forward BEFORE UPDATE ON head FOR EACH ROW EXECUTE FUNCTION head_goes_forward();
CREATE TRIGGER head_survives_delete BEFORE DELETE ON head FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER head_survives_truncate BEFORE TRUNCATE ON head FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER item_begins_lawfully BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION item_begins_lawfully();
CREATE TRIGGER item_changes_lawfully BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION item_changes_lawfully();
CREATE TRIGGER item_survives_delete BEFORE DELETE ON item FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER item_survives_truncate BEFORE TRUNCATE ON item FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER row_is_never_changed BEFORE UPDATE ON run_row FOR EACH ROW EXECUTE FUNCTION row_is_never_changed();
CREATE TRIGGER run_keeps_its_terms BEFORE UPDATE ON run FOR EACH ROW EXECUTE FUNCTION run_keeps_its_terms();
CREATE TRIGGER run_row_survives_delete BEFORE DELETE ON run_row FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER run_row_survives_truncate BEFORE TRUNCATE ON run_row FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER run_survives_delete BEFORE DELETE ON run FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER run_survives_truncate BEFORE TRUNCATE ON run FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER runner_survives_delete BEFORE DELETE ON runner FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER runner_survives_truncate BEFORE TRUNCATE ON runner FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER runner_that_is_gone_stays_gone BEFORE UPDATE ON runner FOR EACH ROW EXECUTE FUNCTION runner_that_is_gone_stays_gone();
ALTER TABLE ONLY at_work
    ADD CONSTRAINT at_work_runner_fkey FOREIGN KEY (runner) REFERENCES runner(id);
ALTER TABLE ONLY attempt
    ADD CONSTRAINT attempt_item_fkey FOREIGN KEY (item) REFERENCES item(id);
ALTER TABLE ONLY attempt
    ADD CONSTRAINT attempt_runner_fkey FOREIGN KEY (runner) REFERENCES runner(id);
ALTER TABLE ONLY claimed_item
    ADD CONSTRAINT claimed_item_item_fkey FOREIGN KEY (item) REFERENCES item(id);
ALTER TABLE ONLY claimed_item
    ADD CONSTRAINT claimed_item_run_fkey FOREIGN KEY (run) REFERENCES joint_run(run);
ALTER TABLE ONLY claimed_item
    ADD CONSTRAINT claimed_item_runner_fkey FOREIGN KEY (runner) REFERENCES runner(id);
ALTER TABLE ONLY event
    ADD CONSTRAINT event_item_fkey FOREIGN KEY (item) REFERENCES item(id);
ALTER TABLE ONLY item
    ADD CONSTRAINT item_runner_fkey FOREIGN KEY (runner) REFERENCES runner(id);
ALTER TABLE ONLY joint_run
    ADD CONSTRAINT joint_run_closer_fkey FOREIGN KEY (closer) REFERENCES runner(id);
ALTER TABLE ONLY joint_run
    ADD CONSTRAINT joint_run_run_fkey FOREIGN KEY (run) REFERENCES run(name);
ALTER TABLE ONLY member
    ADD CONSTRAINT member_run_fkey FOREIGN KEY (run) REFERENCES joint_run(run);
ALTER TABLE ONLY member
    ADD CONSTRAINT member_runner_fkey FOREIGN KEY (runner) REFERENCES runner(id);
ALTER TABLE ONLY run_row
    ADD CONSTRAINT run_row_run_fkey FOREIGN KEY (run) REFERENCES run(id);
ALTER TABLE ONLY run_row
    ADD CONSTRAINT run_row_runner_fkey FOREIGN KEY (runner) REFERENCES runner(id);
