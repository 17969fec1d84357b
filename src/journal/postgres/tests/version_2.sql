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
    tat timestamp with time zone NOT NULL,
    share integer DEFAULT 1000 NOT NULL,
    well bigint DEFAULT 0 NOT NULL,
    falls_from timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT limiter_share_check CHECK (((share >= 1) AND (share <= 1000)))
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
INSERT INTO attempt VALUES (1, 1, '20261123-133437-0001', 'send', 'd46ed8ac-38d5-82a0-a797-6c0242ce5524', '2026-11-23T06:34:37.396Z', '2026-11-23T06:34:37.426Z', 'applied', '', '{"http_status":200,"payment_status":"REFUNDED","operation_status":"SUCCESS","amount":1000,"order_id":"1001","akulaku_reference":"MCH-0001-SIMULATORINV-none","payment_reference":"INV-none","refund_reference":"098984e2-589d-89c7-ba19-8f803c7d4f74","replayed":false,"signature":"valid"}', '[["content-type","application/json"],["client-id","MCH-0001-SIMULATOR"],["request-id","d46ed8ac-38d5-82a0-a797-6c0242ce5524"],["response-timestamp","2026-11-23T06:34:37Z"],["signature","HMACSHA256=4Xf0KlfooRvFfhtwlNbLlSPaRkX9ae8B54Cl2DsF8ro="],["content-length","524"],["date","Mon, 23 Nov 2026 06:34:37 GMT"]]', '\x7b226f72646572223a7b22616d6f756e74223a313030302c22696e766f6963655f6e756d626572223a22494e562d6e6f6e65227d2c227061796d656e74223a7b2264617465223a22323032362d31312d32335430363a33343a33375a222c226964656e746966696572223a5b7b226e616d65223a224f524445525f4944222c2276616c7565223a2231303031227d2c7b226e616d65223a22414b554c414b555f554e495155455f5245464552454e4345222c2276616c7565223a224d43482d303030312d53494d554c41544f52494e562d6e6f6e65227d5d2c226d65726368616e745f756e697175655f7265666572656e6365223a22494e562d6e6f6e65222c22737461747573223a22524546554e444544227d2c22726566756e64223a7b2264617465223a22323032362d31312d32335430363a33343a33375a222c226964656e746966696572223a5b7b226e616d65223a22414b554c414b555f554e495155455f5245464552454e4345222c2276616c7565223a225245462d4d43482d303030312d53494d554c41544f5230393839383465322d353839642d383963372d626131392d386638303363376434663734227d5d2c226d65726368616e745f756e697175655f7265666572656e6365223a2230393839383465322d353839642d383963372d626131392d386638303363376434663734222c22737461747573223a2253554343455353227d7d', 1);
INSERT INTO attempt VALUES (2, 2, '20261123-133437-0001', 'send', '80379fd7-1f45-8e8d-bdc4-dfb10d4a18e0', '2026-11-23T06:34:37.397Z', '2026-11-23T06:34:37.432Z', 'throttled', 'throttled', '{"http_status":429,"message":"too many requests","replayed":false,"signature":"valid"}', '[["content-type","application/json"],["client-id","MCH-0001-SIMULATOR"],["request-id","80379fd7-1f45-8e8d-bdc4-dfb10d4a18e0"],["response-timestamp","2026-11-23T06:34:37Z"],["signature","HMACSHA256=xoaZH+pWF+zn5b0cUtqxE3jN0psrMXnKCHSCySmdLUw="],["retry-after","1"],["content-length","99"],["date","Mon, 23 Nov 2026 06:34:37 GMT"]]', '\x7b226572726f72223a7b22636f6465223a22746f6f5f6d616e795f7265717565737473222c226d657373616765223a22746f6f206d616e79207265717565737473222c2274797065223a22696e76616c69645f726571756573745f6572726f72227d7d', 1);
INSERT INTO attempt VALUES (3, 2, '20261123-133437-0001', 'send', '80379fd7-1f45-8e8d-bdc4-dfb10d4a18e0', '2026-11-23T06:34:38.451Z', '2026-11-23T06:34:38.465Z', 'applied', '', '{"http_status":200,"payment_status":"REFUNDED","operation_status":"SUCCESS","amount":6000,"order_id":"1006","akulaku_reference":"MCH-0001-SIMULATORINV-throttle","payment_reference":"INV-throttle","refund_reference":"f1cb6c53-579d-820f-9a90-851d4d88deb6","replayed":false,"signature":"valid"}', '[["content-type","application/json"],["client-id","MCH-0001-SIMULATOR"],["request-id","80379fd7-1f45-8e8d-bdc4-dfb10d4a18e0"],["response-timestamp","2026-11-23T06:34:38Z"],["signature","HMACSHA256=Z8cjZif0XeGesIrQyNfn/nMq4W3v61jgn1bl0o+w6hQ="],["content-length","536"],["date","Mon, 23 Nov 2026 06:34:38 GMT"]]', '\x7b226f72646572223a7b22616d6f756e74223a363030302c22696e766f6963655f6e756d626572223a22494e562d7468726f74746c65227d2c227061796d656e74223a7b2264617465223a22323032362d31312d32335430363a33343a33375a222c226964656e746966696572223a5b7b226e616d65223a224f524445525f4944222c2276616c7565223a2231303036227d2c7b226e616d65223a22414b554c414b555f554e495155455f5245464552454e4345222c2276616c7565223a224d43482d303030312d53494d554c41544f52494e562d7468726f74746c65227d5d2c226d65726368616e745f756e697175655f7265666572656e6365223a22494e562d7468726f74746c65222c22737461747573223a22524546554e444544227d2c22726566756e64223a7b2264617465223a22323032362d31312d32335430363a33343a33385a222c226964656e746966696572223a5b7b226e616d65223a22414b554c414b555f554e495155455f5245464552454e4345222c2276616c7565223a225245462d4d43482d303030312d53494d554c41544f5266316362366335332d353739642d383230662d396139302d383531643464383864656236227d5d2c226d65726368616e745f756e697175655f7265666572656e6365223a2266316362366335332d353739642d383230662d396139302d383531643464383864656236222c22737461747573223a2253554343455353227d7d', 1);
INSERT INTO day VALUES ('simulator', 'MCH-0001-SIMULATOR', 'refund', '2026-11-23', 2, 7000);
INSERT INTO event VALUES (1, '2026-11-23T06:34:37.034Z', NULL, '{"kind":"run_began","run":"20261123-133437-0001","job":"refund-faults","rows":2,"rows_sha256":"b6a70d42496ec35a2130bbaa606895c2cf73cc5c64968af3b066c4f169ddedb9","input_sha256":"c0be10b6ccb6f465f380b9154ee994b6a7dafeabe17217906ddc412963318de4"}', '\x31487965ba04ededf3f7117a37647f60641e7f2d5f184a1f1af1cbf240ceb697');
INSERT INTO event VALUES (2, '2026-11-23T06:34:37.396Z', 1, '{"kind":"made","run":"20261123-133437-0001","job":"refund-faults","environment":"simulator","client_id":"MCH-0001-SIMULATOR","operation":"refund","invoice":"INV-none","generation":0,"amount":1000,"payment_reference":"INV-none","body_sha256":"b905c3989f45f90838e35829193e5b23adf30a97041c6e915a48a144fead6d8f","attempt":1}', '\x6f5d12d7b7062201194dee5570a164baf375eee83e2cd18ad9af782786f651cc');
INSERT INTO event VALUES (3, '2026-11-23T06:34:37.397Z', 2, '{"kind":"made","run":"20261123-133437-0001","job":"refund-faults","environment":"simulator","client_id":"MCH-0001-SIMULATOR","operation":"refund","invoice":"INV-throttle","generation":0,"amount":6000,"payment_reference":"INV-throttle","body_sha256":"58d346f715bd1b5db4441465dc2af05a583758f84268bd363dab25b14a49ede1","attempt":2}', '\x7ef1669634993a0bb7fb42d67f5d2060e2e78a12c41659428eb8579e47e047b0');
INSERT INTO event VALUES (4, '2026-11-23T06:34:37.426Z', 1, '{"kind":"ended","attempt":1,"event":"applied","wire":"left","reason":"","facts":{"http_status":200,"payment_status":"REFUNDED","operation_status":"SUCCESS","amount":1000,"order_id":"1001","akulaku_reference":"MCH-0001-SIMULATORINV-none","payment_reference":"INV-none","refund_reference":"098984e2-589d-89c7-ba19-8f803c7d4f74","replayed":false,"signature":"valid"},"answer_sha256":"3eb9260cd3de871d1352cee58ad015de33a9f76f1c97238a0f4e80cf67547689"}', '\x997b5569168e0dc9cc4a789486dd8159d58c45634530cc29552b2bf5640b186b');
INSERT INTO event VALUES (5, '2026-11-23T06:34:37.432Z', 2, '{"kind":"ended","attempt":2,"event":"nothing_done","wire":"left","reason":"throttled","facts":{"http_status":429,"message":"too many requests","replayed":false,"signature":"valid"},"answer_sha256":"dd7c382d4c160bba51dc804503f4108f7334f8d6aebce8219ed58d3b3ab629bf"}', '\xcd4eba8a157d66c2b275a1c0cfcf1cb7ca261ff8672b7fae4eae0dd4bcc1a599');
INSERT INTO event VALUES (6, '2026-11-23T06:34:38.451Z', 2, '{"kind":"intended","run":"20261123-133437-0001","attempt":3}', '\x5f34072cb462a61929c59a2b52a66b15c7cdccdd6715a85f7887f2225c72ae6e');
INSERT INTO event VALUES (7, '2026-11-23T06:34:38.465Z', 2, '{"kind":"ended","attempt":3,"event":"applied","wire":"left","reason":"","facts":{"http_status":200,"payment_status":"REFUNDED","operation_status":"SUCCESS","amount":6000,"order_id":"1006","akulaku_reference":"MCH-0001-SIMULATORINV-throttle","payment_reference":"INV-throttle","refund_reference":"f1cb6c53-579d-820f-9a90-851d4d88deb6","replayed":false,"signature":"valid"},"answer_sha256":"b142945a68b4ffeb110cc6a5ef70adbf644dd0d28955dc7c0638ff0f8580dacd"}', '\xf51d848fc3ee13924a722ddf2f1e19d20c4a1e9f74907daca05dfb04e77b84cf');
INSERT INTO event VALUES (8, '2026-11-23T06:34:38.483Z', NULL, '{"kind":"run_ended","run":"20261123-133437-0001","exit_code":0}', '\x8c210ac7483fda4dfc24dbf9b2bea8aa7ee9307c68df1c498c3595f1f786ec52');
INSERT INTO head VALUES (true, 8, '\x8c210ac7483fda4dfc24dbf9b2bea8aa7ee9307c68df1c498c3595f1f786ec52');
INSERT INTO item VALUES (1, 'simulator', 'MCH-0001-SIMULATOR', 'refund', 'INV-none', 0, 1000, 'd46ed8ac-38d5-82a0-a797-6c0242ce5524', 'INV-none', '098984e2-589d-89c7-ba19-8f803c7d4f74', '\x7b226f72646572223a7b22696e766f6963655f6e756d626572223a22494e562d6e6f6e65227d2c227061796d656e74223a7b226d65726368616e745f756e697175655f7265666572656e6365223a22494e562d6e6f6e65222c226964656e746966696572223a5b7b226e616d65223a224f524445525f4944222c2276616c7565223a2231303031227d2c7b226e616d65223a22414b554c414b555f554e495155455f5245464552454e4345222c2276616c7565223a224d43482d303030312d53494d554c41544f52494e562d6e6f6e65227d5d7d2c22726566756e64223a7b226d65726368616e745f756e697175655f7265666572656e6365223a2230393839383465322d353839642d383963372d626131392d386638303363376434663734227d7d', 'b905c3989f45f90838e35829193e5b23adf30a97041c6e915a48a144fead6d8f', 'succeeded', '', 1, '2026-11-23T06:34:37.396Z', '2026-11-23T06:34:37.396Z', '2026-11-23T06:34:37.426Z', '{"http_status":200,"payment_status":"REFUNDED","operation_status":"SUCCESS","amount":1000,"order_id":"1001","akulaku_reference":"MCH-0001-SIMULATORINV-none","payment_reference":"INV-none","refund_reference":"098984e2-589d-89c7-ba19-8f803c7d4f74","replayed":false,"signature":"valid"}', 'refund-faults', '20261123-133437-0001', NULL);
INSERT INTO item VALUES (2, 'simulator', 'MCH-0001-SIMULATOR', 'refund', 'INV-throttle', 0, 6000, '80379fd7-1f45-8e8d-bdc4-dfb10d4a18e0', 'INV-throttle', 'f1cb6c53-579d-820f-9a90-851d4d88deb6', '\x7b226f72646572223a7b22696e766f6963655f6e756d626572223a22494e562d7468726f74746c65227d2c227061796d656e74223a7b226d65726368616e745f756e697175655f7265666572656e6365223a22494e562d7468726f74746c65222c226964656e746966696572223a5b7b226e616d65223a224f524445525f4944222c2276616c7565223a2231303036227d2c7b226e616d65223a22414b554c414b555f554e495155455f5245464552454e4345222c2276616c7565223a224d43482d303030312d53494d554c41544f52494e562d7468726f74746c65227d5d7d2c22726566756e64223a7b226d65726368616e745f756e697175655f7265666572656e6365223a2266316362366335332d353739642d383230662d396139302d383531643464383864656236227d7d', '58d346f715bd1b5db4441465dc2af05a583758f84268bd363dab25b14a49ede1', 'succeeded', '', 2, '2026-11-23T06:34:38.451Z', '2026-11-23T06:34:38.451Z', '2026-11-23T06:34:38.465Z', '{"http_status":200,"payment_status":"REFUNDED","operation_status":"SUCCESS","amount":6000,"order_id":"1006","akulaku_reference":"MCH-0001-SIMULATORINV-throttle","payment_reference":"INV-throttle","refund_reference":"f1cb6c53-579d-820f-9a90-851d4d88deb6","replayed":false,"signature":"valid"}', 'refund-faults', '20261123-133437-0001', NULL);
INSERT INTO journal VALUES (true, 2, '2026-11-23 06:34:37.218785+00');
INSERT INTO limiter VALUES ('simulator MCH-0001-SIMULATOR', '2026-11-23 06:34:38.830392+00', 500, 1, '2026-11-23 06:34:38.428895+00');
INSERT INTO run VALUES (1, '20261123-133437-0001', 'refund-faults', 'simulator', 'MCH-0001-SIMULATOR', 'refund', '2026-11-23T06:34:37.034Z', '2026-11-23T06:34:38.483Z', 0, 44, '["invoice_number","amount","order_id","akulaku_reference"]', 2, 86400, 'c0be10b6ccb6f465f380b9154ee994b6a7dafeabe17217906ddc412963318de4', NULL, NULL);
INSERT INTO run_row VALUES (1, 1, 2, 'INV-none,1000,1001,MCH-0001-SIMULATORINV-none', 'INV-none', 1000, 'send', '', NULL);
INSERT INTO run_row VALUES (1, 2, 3, 'INV-throttle,6000,1006,MCH-0001-SIMULATORINV-throttle', 'INV-throttle', 6000, 'send', '', NULL);
INSERT INTO runner VALUES (1, 'host-a', 588, NULL, '2026-11-23 06:34:37.257902+00', '2026-11-23 06:36:37.257824+00', '2026-11-23 06:34:38.549952+00', NULL);
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
