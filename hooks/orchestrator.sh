#!/bin/sh
# Starts claude-orchestrator for this plugin, with the arguments that are given. The file `program` beside this script,
# which `claude-orchestrator setup` writes, names it; else it is looked for on the PATH.
here=$(dirname -- "$0")
program=
[ -r "$here/program" ] && IFS= read -r program <"$here/program"
if [ ! -x "$program" ]; then
  program=claude-orchestrator
fi
if command -v "$program" >/dev/null 2>&1; then
  exec "$program" "$@"
fi
advice="claude-orchestrator is not on the PATH: install it (pip install, see its README), then run 'claude-orchestrator setup --plugin'"
case "$1 $2" in
"hook session-start")
  printf '{"systemMessage": "%s"}\n' "$advice"
  ;;
hook\ *)
  # Said once, when the session starts.
  ;;
*)
  printf '%s\n' "$advice" >&2
  exit 127
  ;;
esac
