#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# tidy.sh FLAGS... -- FILES... - clang-tidy on FILES, quiet about what it hides.
# Exit status: that of clang-tidy; its findings are printed.
set -euo pipefail

flags=()
while [ "$1" != -- ]; do
	flags+=("$1")
	shift
done
shift
[ $# -gt 0 ] || exit 0

# Its count of warnings in system headers goes to standard error: noise, unless
# it failed.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
rc=0
clang-tidy --quiet "$@" -- -Qunused-arguments "${flags[@]}" 2>"$log" || rc=$?
[ "$rc" -eq 0 ] || grep -vE '^[0-9]+ warnings? (generated|treated)' "$log" >&2 || true
exit "$rc"
