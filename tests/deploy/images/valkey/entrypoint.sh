#!/bin/sh
# Options alone, or a configuration file, are arguments of the server.
case ${1:-} in
  -* | *.conf) set -- valkey-server "$@" ;;
esac
exec "$@"
