-- How many requests came each day, by form, without reading one.
CREATE INDEX submission_created ON submission (created, form);
