#!/usr/bin/env bash
# A CI step in plain shell: submits coding tasks, waits for the verdicts, writes a JUnit report.
set -euo pipefail

if [ "${1:-}" = --help ] || [ $# -eq 0 ]; then
  printf '%s\n' 'usage: pipeline.sh TASK...
TASK is a task directory or an archive of one. Runs them on this machine, writes junit.xml into the
working directory, and ends with the exit code of edgecoder: 0 all passed, 1 some did not, anything
else is not about the tasks.
  EDGECODER_CANDIDATE  what to lay over the source: a directory, a patch, or the word solution
  EDGECODER_SPOOL      the spool; by default one of this pipeline, thrown away at the end'
  [ $# -gt 0 ] || exit 64
  exit 0
fi

if [ -z "${EDGECODER_SPOOL:-}" ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  export EDGECODER_SPOOL=$folder/spool EDGECODER_KEYS=$folder/keys
  edgecoder init >/dev/null
fi

arguments=(--junit junit.xml --on-signal cancel)
[ -z "${EDGECODER_CANDIDATE:-}" ] || arguments+=(--candidate "$EDGECODER_CANDIDATE")

status=0
edgecoder run "${arguments[@]}" "$@" || status=$?
edgecoder ledger verify >&2 || status=$?
case $status in
  0) ;;
  1) printf 'Some tasks did not pass; see junit.xml.\n' >&2 ;;
  75) printf 'This machine had a fault; the step can be repeated.\n' >&2 ;;
  *) printf 'edgecoder ended with %s; this is not about the tasks.\n' "$status" >&2 ;;
esac
exit "$status"
