#!/bin/sh
# Runs once, when the Postgres image makes its empty data folder: a role and databases for each of the two owners, so that
# neither Temporal's password nor the journeys' opens the other's data, and nobody works as superuser.
#
# `perdure` may create roles because the migrations make `perdure_app`, the role every connection steps down to;
# createrole_self_grant lets it step down to a role that it made (since Postgres 16 a creator cannot, by default).
set -eu
: "${PERDURE_DB_PASSWORD:?}" "${TEMPORAL_DB_PASSWORD:?}"

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\getenv perdure_password PERDURE_DB_PASSWORD
\getenv temporal_password TEMPORAL_DB_PASSWORD
create role perdure login createrole password :'perdure_password';
alter role perdure set createrole_self_grant = 'set, inherit';
create database perdure owner perdure;

create role temporal login password :'temporal_password';
create database temporal owner temporal;
create database temporal_visibility owner temporal;

revoke connect on database perdure, temporal, temporal_visibility from public;
SQL
