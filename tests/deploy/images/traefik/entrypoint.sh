#!/bin/sh
# Options, and subcommands such as `healthcheck`, are arguments of the program.
[ "${1:-}" = traefik ] || set -- traefik "$@"
exec "$@"
