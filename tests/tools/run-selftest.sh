#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# run-selftest.sh - does run.sh count what fails, crashes, hangs or is skipped?
#
# A copy of the runner meets made-up programs in a tree of its own; make is
# replaced by `true`. Exit status: 0, or 1 with what differs.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
broken=0

# expect NAME LAST_LINE STATUS: run the program whose text is on standard input.
expect() {
	local name=$1 line=$2 status=$3 rc=0 out
	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree/tests/unit" "$tmp/tree/build/tests/unit"
	cp "$here/run.sh" "$tmp/tree/tests/"
	echo '/* timeout: 1 */' >"$tmp/tree/tests/unit/test_x.c"
	{
		echo '#!/bin/bash'
		cat
	} >"$tmp/tree/build/tests/unit/test_x"
	[ "$name" = unbuilt ] || chmod +x "$tmp/tree/build/tests/unit/test_x"
	out=$(MAKE=true "$tmp/tree/tests/run.sh" unit 2>&1) || rc=$?
	if [ "${out##*$'\n'}" != "$line" ] || [ "$rc" -ne "$status" ]; then
		echo "run-selftest: $name: '${out##*$'\n'}', exit $rc;" \
			"wanted '$line', exit $status" >&2
		broken=1
	fi
}

# The build counts as one case.
expect good '3 passed, 0 failed' 0 <<<'printf "1..2\nok 1 - a\nok 2 - b\n"'
expect two_plans '4 passed, 0 failed' 0 <<<'printf "1..2\nok 1 - a\nok 2 - b\n1..1\nok 1 - c\n"'
expect failing '2 passed, 1 failed' 1 <<<'printf "1..2\nok 1 - a\nnot ok 2 - b\n"; exit 1'
expect skipped '2 passed, 1 failed' 1 <<<'printf "1..2\nok 1 - a\nok 2 - b # SKIP none\n"'
expect skipped_cmocka '2 passed, 1 failed' 1 <<<'printf "1..2\nok 1 - a\nnot ok 2 # SKIP b\n"'
expect crashing '2 passed, 2 failed' 1 <<<'printf "1..3\nok 1 - a\n"; kill -SEGV $$'
expect leaking '3 passed, 1 failed' 1 <<<'printf "1..2\nok 1 - a\nok 2 - b\n"; exit 23'
expect hanging '2 passed, 1 failed' 1 <<<'printf "1..2\nok 1 - a\n"; sleep 30'
expect hanging_at_end '3 passed, 1 failed' 1 <<<'printf "1..2\nok 1 - a\nok 2 - b\n"; sleep 30'
expect empty '1 passed, 1 failed' 1 <<<'exit 0'
expect unbuilt '1 passed, 1 failed' 1 <<<'printf "1..1\nok 1 - a\n"'

exit "$broken"
