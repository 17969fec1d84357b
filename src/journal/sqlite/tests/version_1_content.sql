INSERT INTO run (id, name, job, environment, client_id, operation, started_at, finished_at, exit_code, delimiter, header, rows)
VALUES (1, '20261122-150000-0001', 'job', 'simulator', 'MCH-1', 'refund', '2026-11-22T08:00:00.000Z', '2026-11-22T08:01:00.000Z', 3, 44, '["invoice_number","amount"]', 2);
INSERT INTO run_row VALUES (1, 1, 2, 'INV-1,90000', 'INV-1', 90000, 'send', ''), (1, 2, 3, 'INV-2,90000', 'INV-2', 90000, 'send', '');
INSERT INTO item VALUES
(1, 'simulator', 'MCH-1', 'refund', 'INV-1', 0, 90000, '6f28e26c-284f-8839-8b5d-cbc0aca85209', 'P-1', 'df0665bd-1988-8d66-ac0d-b57444afe97b', CAST('body 1' AS BLOB), 'unknown', 'timeout', 2, '2026-11-22T08:00:01.000Z', '2026-11-22T08:00:09.000Z', NULL, '{"replayed":false,"signature":"none"}', 'job', '20261122-150000-0001'),
(2, 'simulator', 'MCH-1', 'refund', 'INV-2', 0, 90000, '81f64362-56be-86e1-8974-7df4af620366', 'P-2', '15483261-5124-885d-8983-2a33e2e95389', CAST('body 2' AS BLOB), 'succeeded', '', 1, '2026-11-22T08:00:01.000Z', '2026-11-22T08:00:01.000Z', '2026-11-22T08:00:02.000Z', '{"http_status":200,"payment_status":"REFUNDED","replayed":false,"signature":"valid"}', 'job', '20261122-150000-0001');
INSERT INTO attempt VALUES
(1, 1, '20261122-150000-0001', 'send', '6f28e26c-284f-8839-8b5d-cbc0aca85209', '2026-11-22T08:00:01.000Z', '2026-11-22T08:00:04.000Z', 'ambiguous', 'timeout', '{"replayed":false,"signature":"none"}', NULL, NULL),
(2, 2, '20261122-150000-0001', 'send', '81f64362-56be-86e1-8974-7df4af620366', '2026-11-22T08:00:01.000Z', '2026-11-22T08:00:02.000Z', 'applied', '', '{"http_status":200,"replayed":false,"signature":"valid"}', '[["signature","x"]]', CAST('{}' AS BLOB));
PRAGMA application_id = 1919249262;
PRAGMA user_version = 1;
