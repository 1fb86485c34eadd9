#!/bin/sh
# Create the namespace and the search attributes of the journeys. Runs at every start and keeps what exists.
# Reads TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and TEMPORAL_RETENTION (how long closed runs are kept).
set -eu
: "${TEMPORAL_ADDRESS:=temporal:7233}" "${TEMPORAL_NAMESPACE:=default}" "${TEMPORAL_RETENTION:=72h}"
export TEMPORAL_ADDRESS TEMPORAL_NAMESPACE

tries=30
wait_until() { # command; retried every second until it succeeds
    left=$tries
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        if [ "$left" -le 0 ]; then
            echo "gave up after $tries tries: $*" >&2
            "$@" # once more, so that its error message is in the log
            return
        fi
        sleep 1
    done
}

wait_until temporal operator cluster health

if ! temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$TEMPORAL_RETENTION"
fi
# It takes some seconds until all of Temporal's services know a new namespace.
wait_until temporal operator search-attribute list

add_search_attribute() { # name, type
    if ! temporal operator search-attribute list | grep -Eq "^ *$1 +$2 *\$"; then
        temporal operator search-attribute create --name "$1" --type "$2"
    fi
}

add_search_attribute CompanyId Int
add_search_attribute Stage Keyword
add_search_attribute NextDeadline Datetime
echo "namespace $TEMPORAL_NAMESPACE is ready"
