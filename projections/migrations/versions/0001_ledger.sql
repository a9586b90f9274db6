CREATE TABLE image_relocations (
    request_id TEXT NOT NULL,
    row_id BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    moved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    storage_url TEXT NOT NULL,
    storage_provider VARCHAR(50) NOT NULL,
    mime_type VARCHAR(50),
    bytes INTEGER,
    sha256 CHAR(64),
    original_storage_url TEXT,
    original_storage_provider VARCHAR(50),
    original_mime_type VARCHAR(50),
    original_bytes INTEGER,
    original_sha256 CHAR(64),
    PRIMARY KEY (request_id)
);

COMMENT ON TABLE image_relocations IS 'The latest ImageMoved of a request, kept even before its success arrives';

COMMENT ON COLUMN image_relocations.row_id IS 'Least id of the request''s events so far';

COMMENT ON COLUMN image_relocations.original_storage_url IS 'Where the success itself said the image lies';

CREATE TABLE deleted_images (
    request_id TEXT NOT NULL,
    row_id BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reason TEXT NOT NULL,
    deleted_by TEXT,
    PRIMARY KEY (request_id)
);

COMMENT ON TABLE deleted_images IS 'Tombstones: these requests have no row, for ever';

COMMENT ON COLUMN deleted_images.row_id IS 'The id the row had, or would have had';

CREATE TABLE projection_positions (
    projection TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    topic_id TEXT NOT NULL,
    next_offset BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    owner TEXT NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (projection, topic, partition)
);

COMMENT ON TABLE projection_positions IS 'How far each projection has come; moves in the transaction that writes the rows';

CREATE TABLE dead_letters (
    id BIGSERIAL NOT NULL,
    projection TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    "offset" BIGINT NOT NULL,
    timestamp_ms BIGINT NOT NULL,
    key BYTEA,
    value BYTEA,
    headers JSONB NOT NULL,
    error_class TEXT NOT NULL,
    message TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    first_seen TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    last_seen TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    attempts INTEGER DEFAULT 1 NOT NULL,
    state TEXT DEFAULT 'open' NOT NULL,
    history JSONB DEFAULT '[]'::jsonb NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT uq_dead_letters_place UNIQUE (projection, topic, partition, "offset")
);

CREATE INDEX idx_dead_letters_state_fingerprint ON dead_letters (projection, state, fingerprint);

COMMENT ON TABLE dead_letters IS 'Records that could not be projected, whole, with the reason';

COMMENT ON COLUMN dead_letters.headers IS '[[name, value in base64], ...]';

COMMENT ON COLUMN dead_letters.fingerprint IS 'Equal for faults of one kind';
