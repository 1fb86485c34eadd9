"""The embedded one-machine runtime: supervisor, embedded Postgres and Temporal, dashboard build."""
