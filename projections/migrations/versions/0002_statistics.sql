CREATE TABLE statistics_requests (
    request_id TEXT COLLATE "C" NOT NULL,
    outcome_time TIMESTAMP WITH TIME ZONE,
    event_id TEXT COLLATE "C",
    user_id TEXT COLLATE "C",
    tool_name TEXT COLLATE "C",
    model TEXT COLLATE "C",
    storage_provider TEXT COLLATE "C",
    bytes INTEGER,
    error_fingerprint TEXT COLLATE "C",
    move_time TIMESTAMP WITH TIME ZONE,
    move_event_id TEXT COLLATE "C",
    move_provider TEXT COLLATE "C",
    move_bytes INTEGER,
    deleted BOOLEAN DEFAULT false NOT NULL,
    PRIMARY KEY (request_id)
);

CREATE INDEX idx_statistics_requests_failures ON statistics_requests (user_id, error_fingerprint) WHERE error_fingerprint IS NOT NULL;

CREATE INDEX idx_statistics_requests_user_id_time ON statistics_requests (user_id, outcome_time);

COMMENT ON TABLE statistics_requests IS 'What each request contributes to the statistics; a deleted one is kept as tombstone';

COMMENT ON COLUMN statistics_requests.outcome_time IS 'The winning event''s; NULL: no outcome yet';

COMMENT ON COLUMN statistics_requests.storage_provider IS 'As the success itself said';

COMMENT ON COLUMN statistics_requests.bytes IS 'As the success itself said';

COMMENT ON COLUMN statistics_requests.error_fingerprint IS 'NULL: the outcome is a success';

COMMENT ON COLUMN statistics_requests.move_time IS 'Of the latest ImageMoved';

COMMENT ON COLUMN statistics_requests.move_bytes IS 'NULL: as the success said';

CREATE TABLE statistics_sums (
    bucket TEXT COLLATE "C" NOT NULL,
    shard INTEGER NOT NULL,
    total BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    bytes_sum BIGINT NOT NULL,
    bytes_count BIGINT NOT NULL,
    unique_users BIGINT NOT NULL,
    label TEXT,
    PRIMARY KEY (bucket, shard)
)
 WITH (fillfactor = 50);

COMMENT ON TABLE statistics_sums IS 'Only the sum over the shards counts; one shard alone may be negative';

COMMENT ON COLUMN statistics_sums.bucket IS 'dimension=value, or the dimension';

COMMENT ON COLUMN statistics_sums.shard IS 'A partition that the writer held';

COMMENT ON COLUMN statistics_sums.unique_users IS '0 in the buckets of users';

COMMENT ON COLUMN statistics_sums.label IS 'What an error''s fingerprint stands for';

CREATE TABLE statistics_members (
    bucket TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (bucket, user_id)
);

COMMENT ON TABLE statistics_members IS 'The users counted in each bucket''s unique_users';

CREATE TABLE statistics_unsettled (
    bucket TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    shard INTEGER NOT NULL,
    PRIMARY KEY (bucket, user_id, shard)
);

COMMENT ON TABLE statistics_unsettled IS 'Memberships that may be out of date; whoever reads judges them by the requests';

CREATE TABLE statistics_generation (
    single BOOLEAN DEFAULT true NOT NULL,
    generation BIGINT NOT NULL,
    PRIMARY KEY (single)
);

COMMENT ON TABLE statistics_generation IS 'Rises when members are removed: what workers remember of them is void';
