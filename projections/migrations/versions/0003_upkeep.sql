CREATE TABLE user_keys (
    key_id BYTEA NOT NULL,
    user_id TEXT,
    key BYTEA,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    destroyed_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (key_id)
);

CREATE UNIQUE INDEX idx_user_keys_user_id ON user_keys (user_id) WHERE user_id IS NOT NULL;

COMMENT ON TABLE user_keys IS 'What is personal in an event is sealed with its user''s key';

COMMENT ON COLUMN user_keys.key_id IS 'Stands in the events it sealed';

COMMENT ON COLUMN user_keys.user_id IS 'NULL: the key was destroyed';

COMMENT ON COLUMN user_keys.key IS 'NULL: destroyed, and what it sealed is unreadable';

CREATE TABLE erasures (
    id BIGSERIAL NOT NULL,
    user_id TEXT NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    requested_by TEXT,
    finished_at TIMESTAMP WITH TIME ZONE,
    receipt JSONB,
    PRIMARY KEY (id)
);

CREATE INDEX idx_erasures_user_id ON erasures (user_id);

COMMENT ON TABLE erasures IS 'Users whose data was erased, and the receipts';

COMMENT ON COLUMN erasures.finished_at IS 'NULL: begun, and to be gone on with';

CREATE TABLE image_removals (
    request_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    deleted_by TEXT,
    erasure_id BIGINT,
    files JSONB NOT NULL,
    planned_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (request_id)
);

CREATE INDEX idx_image_removals_erasure_id ON image_removals (erasure_id);

COMMENT ON TABLE image_removals IS 'Images on their way out: told first, then their bytes go, then the line here';

COMMENT ON COLUMN image_removals.reason IS 'As in ImageDeleted';

COMMENT ON COLUMN image_removals.files IS 'URLs under which its bytes lie';

CREATE TABLE image_uses (
    request_id TEXT NOT NULL,
    last_used_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (request_id)
);

COMMENT ON TABLE image_uses IS 'When an image was last looked at, or edited further';

CREATE TABLE reconciliations (
    projection TEXT NOT NULL,
    ran_at TIMESTAMP WITH TIME ZONE NOT NULL,
    differences BIGINT NOT NULL,
    PRIMARY KEY (projection)
);

COMMENT ON TABLE reconciliations IS 'What the last reconcile of each projection found';

COMMENT ON COLUMN reconciliations.differences IS 'Found, and not mended';
