#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# run-selftest.sh - does run.sh count what fails, crashes, hangs or is skipped?
#
# A copy of the runner meets made-up programs, and nested machines, in a tree of
# its own; make is replaced by `true`. Exit status: 0, or 1 with what differs.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
broken=0

# tree: a new one, with the runner and what it reads.
tree() {
	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree/tests"/{unit,kvm,nested} "$tmp/tree/build/tests/unit"
	cp "$here/run.sh" "$tmp/tree/tests/"
	cp "$here"/nested/{group,accel}.sh "$tmp/tree/tests/nested/"
	echo '/* timeout: 1 */' | tee "$tmp/tree/tests/unit/test_x.c" \
		>"$tmp/tree/tests/kvm/test_x.c"
}

# program PATH: the one on standard input, for bash.
program() {
	{
		echo '#!/bin/bash'
		cat
	} >"$tmp/tree/$1"
	chmod +x "$tmp/tree/$1"
}

# ends NAME GROUP LAST_LINE STATUS: so does the runner.
ends() {
	local rc=0 out
	out=$(MAKE=true "$tmp/tree/tests/run.sh" "$2" 2>&1) || rc=$?
	if [ "${out##*$'\n'}" != "$3" ] || [ "$rc" -ne "$4" ]; then
		echo "run-selftest: $1: '${out##*$'\n'}', exit $rc;" \
			"wanted '$3', exit $4" >&2
		broken=1
	fi
}

# expect NAME LAST_LINE STATUS: with the program on standard input.
expect() {
	tree
	program build/tests/unit/test_x
	[ "$1" != unbuilt ] || chmod -x "$tmp/tree/build/tests/unit/test_x"
	ends "$1" unit "$2" "$3"
}

# expect_nested NAME LAST_LINE STATUS: two machines, each as on standard input, where
# job NAME STATUS TEXT lets a job end.
expect_nested() {
	tree
	program tests/nested/linux.sh <<<true
	program tests/nested/machine.sh < <(
		cat <<-'END'
			dir=$3
			job() {
				mkdir -p "$(dirname "$dir/$1")"
				printf "$3" >"$dir/$1"
				echo "$2 17" >"$dir/$1.end"
				echo "end $1 $dir/$1"
			}
			echo kernel made up
		END
		cat
	)
	ends "$1" nested "$2" "$3"
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

# Machines with six and seven jobs: one that prints TAP, three runs, the rest of Linux.
rest='job run/dis-user 0; job run/threads-user 0; job run/threads-kernel 0
	for linux in $(grep -o " linux/[a-z]*" "$dir/jobs"); do
		job "$linux" 0 "1..1\nok 1 - c\n"
	done'
x='job kvm/test_x 0 "1..2\nok 1 - a\nok 2 - b\n"'
expect_nested nested_good '16 passed, 0 failed' 0 <<<"$x; $rest"
expect_nested nested_failing '14 passed, 2 failed' 1 <<<"${x/nok 2/nnot ok 2}; $rest"
expect_nested nested_run_failing '14 passed, 2 failed' 1 <<<"$x; ${rest/user 0/user 1}"
expect_nested nested_hanging '5 passed, 11 failed' 1 <<<"$x; echo dead silent for 1 s; exit 1"
expect_nested nested_panicking '1 passed, 13 failed' 1 <<<'echo dead ended before its jobs; exit 1'
expect_nested nested_no_verdict '1 passed, 13 failed' 1 <<<'exit 0'
expect_nested nested_killed '5 passed, 11 failed' 1 <<<"$x; kill -9 "'$$'

# host FLAGS NESTED: a processor and its module of KVM; what machines would run on.
host() {
	mkdir -p "$tmp/modules"/kvm_{amd,intel}/parameters
	printf 'processor\t: 0\nflags\t\t: fpu %s lm\n' "$1" >"$tmp/cpuinfo"
	tee "$tmp/modules"/kvm_{amd,intel}/parameters/nested <<<"$2" >/dev/null
	export ACCEL_CPUINFO=$tmp/cpuinfo ACCEL_MODULES=$tmp/modules
}

# accel NAME KVM TEXT STATUS: so answers accel.sh with that /dev/kvm.
accel() {
	local rc=0 out
	out=$(DISVM_TEST_KVM=$2 "$here/nested/accel.sh" 2>&1) || rc=$?
	if [[ $out != *"$3"* ]] || [ "$rc" -ne "$4" ]; then
		echo "run-selftest: $1: '$out', exit $rc; wanted '$3', exit $4" >&2
		broken=1
	fi
}

# says NAME TEXT: the machines that nested_good had ran on this.
says() {
	local out
	out=$(MAKE=true DISVM_TEST_KVM=/dev/null "$tmp/tree/tests/run.sh" nested 2>&1) || true
	if [ "$(grep -c 'machines run' <<<"$out")" -ne 1 ] || ! grep -qF "$2" <<<"$out"; then
		echo "run-selftest: $1: no '$2' in:" >&2
		echo "$out" >&2
		broken=1
	fi
}

host svm 1
accel accel_amd /dev/null kvm-amd 0
accel accel_no_device /nonexistent "missing or may not be opened" 1
host "vmx smx" Y
accel accel_intel /dev/null kvm-intel 0
host vmx N
accel accel_not_nesting /dev/null "kvm_intel does not nest" 1
host "svm_lock vmx2" Y
accel accel_no_flag /dev/null "neither svm nor vmx" 1

# probe STATUS: a machine that is asked for the probe alone; others run on its KVM.
probe() {
	cat <<-END
		grep -q "^60 probe" "\$dir/jobs" && { job log/probe $1; exit; }
		case \${MACHINE_KVM:-none} in none | kvm-intel) ;; *) exit 1 ;; esac
	END
}

host vmx Y
expect_nested accel_nests '16 passed, 0 failed' 0 <<<"$(probe 0); $x; $rest"
says accel_nests "on this host's KVM, theirs is kvm-intel"
expect_nested accel_probe_fails '16 passed, 0 failed' 0 <<<"$(probe 1); $x; $rest"
says accel_probe_fails "in QEMU's emulator: no guest ran"
expect_nested accel_probe_dies '16 passed, 0 failed' 0 <<<"grep -q '^60 probe' \"\$dir/jobs\" && exit 1; $x; $rest"
says accel_probe_dies "in QEMU's emulator: no guest ran"

exit "$broken"
