#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# requirements.sh [TESTS_DIR] - each row of requirements.txt with the tests that
# name it, then the rows that no test names.
#
# A comment "R: ID, ID" belongs to the test on its line or the next one below
# it: a C function test_*, or a bats @test. Where none follows, to the file.
# Exit status: 0; 1 if a test names an ID that does not exist.
set -euo pipefail
export LC_ALL=C

dir=${1:-tests}
rows=$dir/requirements.txt

mapfile -t files < <(find "$dir" \( -name '*.c' -o -name '*.bats' -o -name '*.sh' \) \
	-not -path "$dir/tools/*" | sort)
[ "${#files[@]}" -gt 0 ] || files=(/dev/null)

awk -v prefix="$dir/" '
function flush_ids(name,    i) {
	for (i = 1; i <= pending; i++)
		proves[ids[i]] = proves[ids[i]] "    " name "\n"
	pending = 0
}
function short(path) {
	return index(path, prefix) == 1 ? substr(path, length(prefix) + 1) : path
}
FILENAME == ARGV[1] {
	if (match($0, /^[A-Z]+-[A-Z0-9]+ /)) {
		id = substr($0, 1, RLENGTH - 1)
		order[++rows] = id
		text[id] = substr($0, RLENGTH + 1)
	}
	next
}
FNR == 1 {
	flush_ids(short(previous))
	previous = FILENAME
}
match($0, /(^|[^A-Za-z])R: *[A-Z]+-[A-Z0-9]+(, *[A-Z]+-[A-Z0-9]+)*/) {
	line = substr($0, RSTART, RLENGTH)
	sub(/^.*R:/, "", line)
	n = split(line, found, ",")
	for (i = 1; i <= n; i++) {
		gsub(/ /, "", found[i])
		if (!(found[i] in text)) {
			printf "%s:%d: no such requirement: %s\n", \
				FILENAME, FNR, found[i] >"/dev/stderr"
			unknown = 1
		}
		ids[++pending] = found[i]
	}
}
pending && /^@test / {
	name = $0
	sub(/^@test +["\047]/, "", name)
	sub(/["\047] *\{.*$/, "", name)
	flush_ids(short(FILENAME) ": " name)
}
pending && match($0, /test_[A-Za-z0-9_]+ *\(/) {
	name = substr($0, RSTART, RLENGTH - 1)
	flush_ids(short(FILENAME) ": " name)
}
END {
	flush_ids(short(previous))
	for (i = 1; i <= rows; i++) {
		if (!(order[i] in proves))
			continue
		closed++
		printf "%s  %s\n%s", order[i], text[order[i]], proves[order[i]]
	}
	printf "\nOpen, no test names them:\n"
	for (i = 1; i <= rows; i++)
		if (!(order[i] in proves))
			printf "%s  %s\n", order[i], text[order[i]]
	printf "\n%d of %d requirements are named by tests\n", closed, rows
	exit unknown
}' "$rows" "${files[@]}"
