#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fuzz.sh PROGRAM_DIR SECONDS - run each fuzzer on its corpus, eight per CPU at once.
#
# What a fuzzer finds is written beside its program (crash-*, timeout-*); the
# committed corpus grows only by hand. Exit status: 1 if one found something.
set -euo pipefail

dir=$1
seconds=$2
at_once=$((8 * $(nproc)))

fuzz_one() {
	local program=$1 name corpus
	name=$(basename "$program")
	# The first directory takes what the fuzzer learns.
	corpus=("$dir/$name.corpus")
	mkdir -p "${corpus[0]}"
	[ ! -d "tests/fuzz/corpus/$name" ] || corpus+=("tests/fuzz/corpus/$name")
	"$program" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
		-artifact_prefix="$dir/$name-" "${corpus[@]}" \
		>"$dir/$name.log" 2>&1
}
found=0
count=0
pids=()
for program in "$dir"/fuzz_*; do
	case $program in *.*) continue ;; esac
	[ -f "$program" ] || continue
	while [ "$(jobs -rp | wc -l)" -ge "$at_once" ]; do
		wait -n || true
	done
	fuzz_one "$program" &
	pids+=("$!:$program")
	count=$((count + 1))
done
for entry in "${pids[@]+"${pids[@]}"}"; do
	program=${entry#*:}
	name=$(basename "$program")
	if wait "${entry%%:*}"; then
		echo "$name: nothing found, $(grep -oE 'number_of_executed_units: [0-9]+' \
			"$dir/$name.log" | grep -oE '[0-9]+') runs in $seconds s"
	else
		tail -n 40 "$dir/$name.log"
		echo "$name: FOUND something, see $dir/$name-*" >&2
		found=1
	fi
done
if [ "$count" -eq 0 ]; then
	echo "no fuzzers in tests/fuzz" >&2
	exit 1
fi
exit "$found"
