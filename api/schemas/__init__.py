"""Response schemas, by subject. They document answers and tests check them; requests never pass through them.

Most answers are JSON text built by Postgres and are sent unchanged. `base.Schema` forbids undocumented fields, so that
the tests fail when an answer differs from its schema.
"""
