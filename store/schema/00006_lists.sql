-- Lists of what waits for a person stay quick with a hundred thousand of them.

-- By cause and target, for counts without reading a row.
CREATE INDEX delivery_cause ON delivery (target_id, cause, id) WHERE state = 'failed';
-- The newest first, of all targets.
CREATE INDEX delivery_failed_order ON delivery (id) WHERE state = 'failed';
DROP INDEX delivery_failed;
