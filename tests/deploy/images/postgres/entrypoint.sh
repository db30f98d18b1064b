#!/bin/bash
# Creates the cluster at the first start, as the real image does: POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD (or the file
# POSTGRES_PASSWORD_FILE), POSTGRES_HOST_AUTH_METHOD, POSTGRES_INITDB_ARGS, and the scripts of /docker-entrypoint-initdb.d.
set -euo pipefail

[ "${1#-}" = "${1:-}" ] || set -- postgres "$@"
if [ "${1:-}" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  user=${POSTGRES_USER:-postgres}
  password=${POSTGRES_PASSWORD:-}
  [ -z "${POSTGRES_PASSWORD_FILE:-}" ] || password=$(cat "$POSTGRES_PASSWORD_FILE")
  method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  if [ -z "$password" ] && [ "$method" != trust ]; then
    echo "Error: Database is uninitialized and superuser password is not specified." >&2
    exit 1
  fi
  # An empty password file is an error; with trust, none is asked for.
  eval "initdb --username=\"\$user\" --pwfile=<(echo \"\${password:-unused}\") --data-checksums ${POSTGRES_INITDB_ARGS:-}"
  echo "host all all all $method" >>"$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
  pg_ctl start --wait --options="-c listen_addresses=''"
  database=${POSTGRES_DB:-$user}
  [ "$database" = postgres ] || psql --username="$user" --dbname=postgres --command="CREATE DATABASE \"$database\""
  for script in /docker-entrypoint-initdb.d/*; do
    case $script in
      *.sh) . "$script" ;;
      *.sql) psql --username="$user" --dbname="$database" --set=ON_ERROR_STOP=1 --file="$script" ;;
    esac
  done
  pg_ctl stop --wait
fi
exec "$@"
