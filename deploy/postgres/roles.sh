#!/bin/sh
# Runs once, when the Postgres image initializes an empty data directory. Creates a role with its own databases for
# Perdure and for Temporal, so that neither password gives access to the other's data, and neither is a superuser.
#
# `perdure` can create roles because the migrations create `perdure_app`, the role that every connection switches to.
# createrole_self_grant allows it to SET ROLE to roles that it has created (not the default since Postgres 16).
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
