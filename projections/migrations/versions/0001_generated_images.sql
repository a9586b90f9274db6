CREATE TABLE generated_images (
    id BIGSERIAL NOT NULL,
    request_id TEXT,
    user_id VARCHAR(32) NOT NULL,
    username TEXT,
    tool_name TEXT DEFAULT 'generateUserImage' NOT NULL,
    prompt TEXT NOT NULL,
    model TEXT,
    size VARCHAR(20),
    quality VARCHAR(20),
    style VARCHAR(20),
    n INTEGER DEFAULT 1,
    storage_url TEXT NOT NULL,
    storage_provider VARCHAR(50) DEFAULT 'omega',
    mime_type VARCHAR(50),
    bytes INTEGER,
    sha256 CHAR(64),
    tags TEXT[],
    status VARCHAR(20) DEFAULT 'success' NOT NULL,
    error TEXT,
    metadata JSONB,
    message_id TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    event_id TEXT,
    PRIMARY KEY (id)
);

CREATE INDEX idx_generated_images_tags_gin ON generated_images USING gin (tags);

CREATE INDEX idx_generated_images_created_at_id ON generated_images (created_at DESC, id DESC);

CREATE UNIQUE INDEX idx_generated_images_request_id ON generated_images (request_id);

CREATE INDEX idx_generated_images_storage_url ON generated_images (storage_url);

CREATE INDEX idx_generated_images_status ON generated_images (status) WHERE status <> 'success';

CREATE INDEX idx_generated_images_user_id_created_at ON generated_images (user_id, created_at DESC);

CREATE INDEX idx_generated_images_tool_name_created_at_id ON generated_images (tool_name, created_at DESC, id DESC);

CREATE INDEX idx_generated_images_metadata_gin ON generated_images USING gin (metadata);

COMMENT ON TABLE generated_images IS 'Projection of the image event log: one row for each request';

COMMENT ON COLUMN generated_images.event_id IS 'The event that made the row; NULL: no event did';
