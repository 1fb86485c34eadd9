#!/bin/sh
# Brings Temporal's two databases to the schema of this image's version. It runs at every start, and does nothing where
# nothing is to be done. Connection by SQL_HOST, SQL_PORT, SQL_USER, SQL_PASSWORD (read by the tool itself, never
# on its command line) and SQL_PLUGIN; the databases exist already (deploy/postgres/roles.sh), so the role may create none.
set -eu
: "${SQL_PLUGIN:?}" "${SQL_HOST:?}" "${SQL_PORT:?}" "${SQL_USER:?}" "${SQL_PASSWORD:?}"

on() { # database, command …
    database=$1
    shift
    temporal-sql-tool --plugin "$SQL_PLUGIN" --ep "$SQL_HOST" -p "$SQL_PORT" -u "$SQL_USER" --db "$database" "$@"
}

bring_up_to_date() { # database, folder of its versioned schema
    on "$1" setup-schema -v 0.0
    on "$1" update-schema -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

bring_up_to_date temporal temporal
bring_up_to_date temporal_visibility visibility
