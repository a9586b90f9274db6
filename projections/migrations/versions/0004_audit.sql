CREATE TABLE audit_runs (
    id BIGSERIAL NOT NULL,
    ran_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    checked JSONB NOT NULL,
    counts JSONB NOT NULL,
    PRIMARY KEY (id)
);

COMMENT ON TABLE audit_runs IS 'What each audit found';

COMMENT ON COLUMN audit_runs.checked IS 'How much was compared';

COMMENT ON COLUMN audit_runs.counts IS 'Findings by kind';

CREATE TABLE audit_findings (
    run_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL
);

CREATE INDEX idx_audit_findings_run_id ON audit_findings (run_id);

COMMENT ON TABLE audit_findings IS 'The findings of the last audit, up to some thousands';
