"""The schema: models and migrations."""
