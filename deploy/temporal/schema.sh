#!/bin/sh
# Upgrade Temporal's two databases to the schema of this image's version. Runs at every start; does nothing if they are
# up to date. Reads SQL_PLUGIN, SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD (which the tool reads from the environment,
# so that it is not on the command line). The role cannot create databases; deploy/postgres/roles.sh has created them.
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
