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
	mkdir -p "$tmp/tree/tests"/{unit,kvm,nested,tools} "$tmp/tree/build/tests/unit"
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

# ends NAME GROUP LAST_LINE STATUS: so does the runner; what it said is in $out.
ends() {
	local rc=0
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

# machines: of a new tree, each as on standard input, where job NAME STATUS TEXT lets a
# job end.
machines() {
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
}

# expect_nested NAME LAST_LINE STATUS: two machines, as on standard input.
expect_nested() {
	machines
	ends "$1" nested "$2" "$3"
}

# expect_e2e NAME USABLE LAST_LINE STATUS LINES: a bats file of four tests, of which two
# can run in a machine as on standard input, one needs this machine's KVM, which is
# USABLE (true, false), and $1 says what a fifth one does, and whether this KVM is
# kvm_amd. LINES of what the runner says name what was not run.
expect_e2e() {
	local lines
	export DISVM_TEST_KVM_AMD=/nowhere
	[[ $1 != *_amd ]] || DISVM_TEST_KVM_AMD=/
	machines
	program tests/tools/kvm-usable.sh <<<"echo no KVM here; $2"
	program tests/tools/build-example.sh <<<true
	mkdir "$tmp/tree/tests/e2e"
	cat >"$tmp/tree/tests/e2e/x.bats" <<-'END'
		@test "test_plain" { true; }
		# bats test_tags=kvm
		@test "test_one" { true; }
		# bats test_tags=kvm
		@test "test_two" { true; }
		# bats test_tags=kvm, host:registers
		# R: ABC-1
		@test "test_registers" { true; }
	END
	case $1 in
	*_skipping) echo '@test "test_skips" { skip "nothing here"; }' ;;
	*_not_named) printf '%s\n' '# bats test_tags=host:registers,kvm' \
		'test_of_another_form() { # @test' '}' ;;
	esac >>"$tmp/tree/tests/e2e/x.bats"
	ends "$1" e2e "$3" "$4"
	lines=$(grep -cE '^ *(1 tests need a KVM (of the machine itself|that is not kvm_amd) and were not run:|1 look at .*:|x: test_registers)$' <<<"$out") || true
	if [ "$lines" -ne "$5" ]; then
		echo "run-selftest: $1: $lines lines, not $5, of what was not run:" "$out" >&2
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

# The build is a case again. With a KVM of its own this machine asks no other.
machine='job e2e/x 0 "1..2\nok 1 - a\nok 2 - b\n"'
expect_e2e e2e_kvm true '5 passed, 0 failed' 0 0 <<<'exit 1'
expect_e2e e2e_kvm_skipping true '5 passed, 1 failed' 1 0 <<<'exit 1'
expect_e2e e2e_kvm_amd true '4 passed, 0 failed' 0 3 <<<'exit 1'
expect_e2e e2e_nested false '4 passed, 0 failed' 0 6 <<<"$machine"
expect_e2e e2e_nested_failing false '3 passed, 1 failed' 1 6 <<<"${machine/nok 2/nnot ok 2}"
expect_e2e e2e_nested_skipping false '4 passed, 1 failed' 1 6 <<<"$machine"
expect_e2e e2e_nested_dead false '2 passed, 1 failed' 1 6 <<<'echo dead no kernel; exit 1'
expect_e2e e2e_nested_not_named false '4 passed, 1 failed' 1 6 <<<"$machine"

# usable NAME DEVICE TEXT STATUS: so answers kvm-usable.sh.
usable() {
	local rc=0 answer
	answer=$("$here/tools/kvm-usable.sh" "$2" 2>&1) || rc=$?
	if [ "$answer" != "$3" ] || [ "$rc" -ne "$4" ]; then
		echo "run-selftest: $1: '$answer', exit $rc; wanted '$3', exit $4" >&2
		broken=1
	fi
}

usable kvm_missing /nowhere/kvm "/nowhere/kvm is missing, or no device" 1
usable kvm_other_device /dev/null "/dev/null is not that of KVM" 1
usable kvm_plain_file /etc/passwd "/etc/passwd is missing, or no device" 1

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
