ALTER TABLE applications ADD COLUMN networks TEXT NOT NULL DEFAULT '[]';

-- Sign-in attempts, step by step.
