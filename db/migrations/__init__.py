"""The schema's history, by Alembic. Run it with `journey migrate` (`db/migrate.py`)."""
