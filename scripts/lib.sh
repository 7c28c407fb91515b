#!/usr/bin/env bash
# What the scripts share: where the repository is, how they speak, how they end.
set -euo pipefail

# The root of the repository, whatever the working directory is.
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
export root

# usage TEXT: prints it to standard output and ends with 0; for --help.
usage() {
  printf 'usage: %s\n' "$1"
  exit 0
}

# wrong_usage: ends with 64 after a word on what was wrong.
wrong_usage() {
  printf '%s: %s\n  see: %s --help\n' "${0##*/}" "$1" "$0" >&2
  exit 64
}

# step TEXT: one line on standard error, so that standard output stays data.
step() { printf '==> %s\n' "$1" >&2; }

# die STATUS TEXT...: ends with a status of the table of exit codes.
die() {
  local status=$1
  shift
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit "$status"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  usage 'source scripts/lib.sh
The other scripts read this file; run by itself it only says so.'
fi
