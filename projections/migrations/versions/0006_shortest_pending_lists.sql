ALTER INDEX idx_generated_images_metadata_gin SET (gin_pending_list_limit = 64);

ALTER INDEX idx_generated_images_tags_gin SET (gin_pending_list_limit = 64);

ALTER INDEX IF EXISTS omega_previous_table.idx_generated_images_metadata_gin
    SET (gin_pending_list_limit = 64);

ALTER INDEX IF EXISTS omega_previous_table.idx_generated_images_tags_gin
    SET (gin_pending_list_limit = 64);
