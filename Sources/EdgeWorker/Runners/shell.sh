# Runs one shell program of tests. The program is sourced, with these functions defined:
#
#   ok NAME                  the test NAME passed
#   not_ok NAME [MESSAGE]    it did not
#   check NAME COMMAND...    runs a command or function of the program; status 0 passes
#   run COMMAND...           runs the candidate's program, out of reach of the report
#
# Records go to a descriptor that `run` and `check` close for what they start, and each is led by
# a token that is no environment variable. So output proves nothing, and a candidate's program can
# say nothing. A candidate's file must not be sourced: then it would be a part of the tests. What
# this cannot keep from a program of the same user is the memory of this shell (/proc/PID/mem);
# a task whose candidate may be that hostile belongs to a runner whose parent is undumpable.
IFS= read -r _edge_token
IFS= read -r _edge_file
IFS= read -r _edge_path
exec {_edge_out}>&3 3>&- 0</dev/null

_edge_text() {
  local text=${1//[[:cntrl:]]/ }
  text=${text//\\/\\\\}
  printf '%s' "${text//\"/\\\"}"
}

_edge_send() {
  printf '["%s","%s","%s","%s","%s",%d]\n' "$_edge_token" "$1" "$(_edge_text "$2")" "$3" \
    "$(_edge_text "${4:0:1500}")" 0 >&"$_edge_out"
}

ok() { _edge_send test "$_edge_file > $1" passed ''; }
not_ok() { _edge_send test "$_edge_file > $1" failed "${2-}"; }
run() { (
  exec {_edge_out}>&-
  unset _edge_token
  "$@"
); }
check() {
  local _edge_name=$1 _edge_status=0
  shift
  run "$@" || _edge_status=$?
  if [ "$_edge_status" -eq 0 ]; then
    ok "$_edge_name"
  else
    not_ok "$_edge_name" "status $_edge_status"
  fi
}
readonly -f ok not_ok run check _edge_send _edge_text
trap '_edge_send end "" "" ""' EXIT
. "$_edge_path"
