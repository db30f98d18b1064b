#!/bin/sh
# As the real image does: options are arguments of the program, which runs in the foreground under its master.
[ "${1#-}" = "${1:-}" ] || set -- haproxy "$@"
if [ "$1" = haproxy ]; then
  shift
  set -- haproxy -W -db "$@"
fi
exec "$@"
