"""The schema's history, by Alembic. Run it with `journey migrate` (`db/schema/migrate.py`)."""
