#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# run.sh GROUP... - build and run tests, count each test case.
#
#   lint   builds with gcc and clang, static checks: one case each
#   unit   tests/unit, tests/sim          kvm    tests/kvm
#   e2e    tests/e2e/*.bats               asan   unit, sim and kvm with ASan, UBSan
#   tsan   unit and kvm with TSan         fuzz   each fuzzer for 60 s
#   nested      kvm in machines with another KVM: two kernels, two and one CPUs
#   nested-all  the same with each kernel and number of CPUs, each case as it ends
#   all    all of these but nested-all
#
# Every program has a time limit: 120 s, a bats file 300 s; "timeout: SECONDS" in
# a comment of its source sets another. A sanitizer gets three times as much. Unit
# and sim programs run some at once, the tests of a bats file if a comment in it
# says "tests: at once".
# What cannot run, or is skipped, counts as failed. Where $DISVM_TEST_KVM
# (/dev/kvm) cannot be used, kvm, e2e, asan and tsan do in nested machines what needs
# it, but for the few e2e tests with a tag host:..., which cannot: they are named, there
# and at the end. See tests/README.md.
#
# The last line is "N passed, N failed". Exit status: 0 if at least one case
# passed and none failed, else 1.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

make=${MAKE:-make}
kvm=${DISVM_TEST_KVM:-/dev/kvm}
kvm_amd=${DISVM_TEST_KVM_AMD:-/sys/module/kvm_amd}
jobs=${JOBS:-$(nproc)}
passed=0
failed=0
failures=()
not_run=() # "REASON FILE: TEST"
not_run_need="a KVM of the machine itself"
tmp=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$tmp"' EXIT

# What tests may rely on.
export DISVM_ROOT=$PWD DISVM=$PWD/build/disvm
export CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS=detect_stack_use_after_return=1:detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=second_deadlock_stack=1
unset MAKEFLAGS MAKELEVEL MFLAGS

. tests/nested/group.sh

now_ms() {
	local t=${EPOCHREALTIME/./}
	echo $((t / 1000))
}

# report NAME OK FAILED MILLISECONDS REMARK LOG: one line, the log on failure.
report() {
	local word=pass
	passed=$((passed + $2))
	failed=$((failed + $3))
	if [ "$3" -gt 0 ]; then
		word=FAIL
		failures+=("$1${5:+ ($5)}")
	fi
	printf '  %s  %-44s %4d passed %3d failed %4d.%d s%s\n' "$word" "$1" \
		"$2" "$3" $(($4 / 1000)) $(($4 % 1000 / 100)) "${5:+  $5}"
	if [ "$3" -gt 0 ] && [ -n "${6:-}" ]; then
		# Without the compiler's progress.
		sed -E '/^  (CC|AR|LD) /d; s/^/    | /' "$6" | tail -n 200
	fi
}

# check NAME COMMAND...: one case, passed if the command succeeds within 15 min
# and prints nothing that matches $forbid.
check() {
	local name=$1 start rc=0 remark=
	shift
	start=$(now_ms)
	timeout -k 10 900 "$@" >"$tmp/log" 2>&1 </dev/null || rc=$?
	[ "$rc" -ne 0 ] && remark="exit $rc"
	if [ "$rc" -eq 0 ] && [ -n "${forbid:-}" ] && grep -q "$forbid" "$tmp/log"; then
		rc=1
		remark="$forbid"
	fi
	report "$name" $((rc == 0)) $((rc != 0)) $(($(now_ms) - start)) \
		"$remark" "$tmp/log"
}

# limit_s SOURCE DEFAULT: its time limit in seconds.
limit_s() {
	local own
	own=$(grep -om1 -E 'timeout: [0-9]+' "$1" | grep -oE '[0-9]+')
	echo "${own:-$2}"
}

# tap_run LOG LIMIT_S COMMAND...: one program; its exit status and milliseconds go
# to LOG.end, as soon as it has ended (machine.sh adds those of the machine's CPU).
tap_run() {
	local log=$1 limit=$2 start rc=0
	shift 2
	start=$(now_ms)
	timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null || rc=$?
	echo "$rc $(($(now_ms) - start))" >"$log.part"
	mv "$log.part" "$log.end"
}

# tap_report NAME LIMIT_S LOG: each case of a program that prints TAP. A case
# that is announced but not passed (failed, skipped, never reached) is failed; so
# is a program that ends badly after its last case or announces none.
tap_report() {
	local name=$1 limit=$2 log=$3 rc ms cpu_ms plan ok bad remark=
	read -r rc ms cpu_ms <"$log.end"
	plan=$(awk -F'[.][.]' '/^1\.\.[0-9]+$/ { n += $2 } END { print n + 0 }' "$log")
	ok=$(grep -E '^ok [0-9]+' "$log" | grep -civE '# skip')
	bad=$((plan > ok ? plan - ok : 0))
	case $rc in
	0) ;;
	124 | 137) remark="time limit of $limit s" ;;
	*) remark="exit $rc" ;;
	esac
	[ "$plan" -eq 0 ] && remark="no test ran${remark:+, $remark}"
	[ "$bad" -eq 0 ] && [ -n "$remark" ] && bad=1
	report "$name" "$ok" "$bad" "$ms" \
		"${remark:-${cpu_ms:+$((cpu_ms / 1000)) s of CPU}}" "$log"
	rm -f "$log" "$log.end"
}

# tap NAME LIMIT_S COMMAND...: run it, report it.
tap() {
	local name=$1 limit=$2
	shift 2
	tap_run "$tmp/tap" "$limit" "$@"
	tap_report "$name" "$limit" "$tmp/tap"
}

# programs GROUP BUILD LABEL FACTOR AT_ONCE [PREFIX...]: all programs of
# tests/GROUP, some at once, reported in order.
programs() {
	local group=$1 build=$2 label=$3 factor=$4 at_once=$5 source name
	local names=() limits=() started=0 reported=0
	shift 5
	# Reports what has ended, up to the first that has not.
	reports() {
		while [ "$reported" -lt "$started" ] &&
			[ -e "$tmp/program$reported.end" ]; do
			tap_report "${names[reported]}" "${limits[reported]}" \
				"$tmp/program$reported"
			reported=$((reported + 1))
		done
	}
	for source in tests/"$group"/test_*.c; do
		[ -e "$source" ] || continue
		name=$(basename "$source" .c)
		if [ ! -x "$build/tests/$group/$name" ]; then
			report "$label$group/$name" 0 1 0 "not built"
			continue
		fi
		while [ "$(jobs -rp | wc -l)" -ge "$at_once" ]; do
			wait -n
			reports
		done
		names+=("$label$group/$name")
		limits+=($(($(limit_s "$source" 120) * factor)))
		tap_run "$tmp/program$started" "${limits[started]}" \
			"$@" "$build/tests/$group/$name" &
		started=$((started + 1))
	done
	wait
	reports
}

# Can this machine's KVM be used? Says so if not.
have_kvm() {
	local why
	why=$(tests/tools/kvm-usable.sh "$kvm" 2>&1) && return 0
	echo "  $why"
	return 1
}

# A warning fails a build, also one of the linker or the compiler's driver.
build() { # name, make arguments
	local name=$1
	shift
	forbid='warning:' check "$name" "$make" -k -j"$jobs" "$@"
}

# sanitized LABEL BUILD SANITIZERS [PREFIX...]: all programs, then disvm itself
# with either executor: the e2e tests measure, which a sanitizer would spoil. Not
# confined: sanitizers have threads, open files and trace at the end.
sanitized() {
	local label=$1 build=$2 san=$3 executor
	shift 3
	build "$label build" BUILD="$build" SAN="$san" build test-programs
	programs unit "$build" "$label " 3 "$jobs" "$@"
	# The simulator is one thread: there is nothing to race.
	[ "$san" = thread ] || programs sim "$build" "$label " 3 "$jobs" "$@"
	if ! have_kvm; then
		nested "$label " "$build" 3 6.12 2
		return
	fi
	programs kvm "$build" "$label " 3 1 "$@"
	for executor in dis threads; do
		check "$label disvm run --executor $executor" "$@" \
			"$build/disvm" run --kernel "$build/tiny.elf" \
			--confine off --executor $executor --vcpus 8 --copies 2 \
			--intent 0=realtime:period=10ms,deadline=10ms,wcet=1ms \
			--intent 1-2=interactive:target=1ms --time-limit 3s
	done
}

# Why a nested machine, or one whose KVM is kvm_amd, cannot run the tests with the tag
# host:WORD.
declare -A host_reasons=(
	[time]="measure time, of which guests in the emulator take a hundred times as much"
	[bench]="run whole benches, which takes half an hour in the emulator"
	[registers]="look at registers at a triple fault, which AMD's SVM loses"
)
host_words() {
	printf '%s\n' "${!host_reasons[@]}" | sort
}

# The filters of bats: what needs no KVM, what can run in a nested machine.
no_kvm='!kvm'
in_machine=kvm$(host_words | sed 's/^/,!host:/' | tr -d '\n')

# tests_with TAG SOURCE: the names of its tests that have the tag, as bats reads it.
tests_with() {
	awk -v tag="$1" '
		function has(tags) { return index("," tags ",", "," tag ",") }
		/^[ \t]*#[ \t]*bats[ \t]+(file|test)_tags=/ {
			tags = $0
			sub(/^[^=]*=/, "", tags)
			gsub(/[ \t]/, "", tags)
			if ($0 ~ /file_tags=/) of_file = tags; else of_test = tags
		}
		/^[ \t]*@test[ \t]/ {
			if (has(of_file) || has(of_test)) {
				sub(/^[ \t]*@test[ \t]+["\047]/, "")
				sub(/["\047][ \t]*\{.*$/, "")
				print
			}
			of_test = ""
		}' "$2"
}

# leave_out SOURCE FILTER WORD...: the tests of a bats file that need a KVM and that FILTER
# does not let through. Each of them is named by a tag host:WORD, or it counts as failed.
leave_out() {
	local source=$1 filter=$2 name word test left
	shift 2
	name=$(basename "$source" .bats)
	left=$(($(bats --count --filter-tags kvm "$source") -
		$(bats --count --filter-tags "$filter" "$source")))
	for word in "$@"; do
		while read -r test; do
			not_run+=("$word $name: $test")
			left=$((left - 1))
		done < <(tests_with "host:$word" "$source")
	done
	[ "$left" -eq 0 ] ||
		report "e2e/$name" 0 "${left#-}" 0 "run nowhere and not named, need $kvm"
}

# show_not_run: what leave_out found, by reason.
show_not_run() {
	local word of
	[ "${#not_run[@]}" -gt 0 ] || return 0
	echo "${#not_run[@]} tests need $not_run_need and were not run:"
	while read -r word; do
		of=$(printf '%s\n' "${not_run[@]}" | sed -n "s/^$word /    /p")
		[ -z "$of" ] ||
			printf '  %d %s:\n%s\n' "$(wc -l <<<"$of")" "${host_reasons[$word]}" "$of"
	done < <(host_words)
}

# bats_file SOURCE [FILTER...]: its tests, those that FILTER lets through.
bats_file() {
	local source=$1 at_once=1
	shift
	grep -q '^# tests: at once' "$source" && at_once=$jobs
	tap "e2e/$(basename "$source" .bats)" "$(limit_s "$source" 300)" \
		bats --tap --jobs "$at_once" "$@" "$source"
}

# Where there is no KVM: first what needs none, then the rest in machines.
e2e_without_kvm() {
	local source postponed=() words
	mapfile -t words < <(host_words)
	for source in tests/e2e/*.bats; do
		[ "$(bats --count --filter-tags "$in_machine" "$source")" -eq 0 ] ||
			postponed+=("$source")
		leave_out "$source" "$in_machine" "${words[@]}"
	done
	show_not_run | sed 's/^/  /'
	for source in tests/e2e/*.bats; do
		[ "$(bats --count --filter-tags "$no_kvm" "$source")" -eq 0 ] ||
			bats_file "$source" --filter-tags "$no_kvm"
	done
	[ "${#postponed[@]}" -eq 0 ] || nested_bats "$in_machine" "${postponed[@]}"
}

group() {
	local source series cpus first
	case $1 in
	all)
		group lint
		group unit
		group asan
		group tsan
		group fuzz
		group nested
		group kvm
		group e2e
		return
		;;
	esac
	echo "== $1"
	case $1 in
	lint)
		build "build with gcc" CC=gcc build test-programs
		build "build with clang" CC=clang BUILD=build/clang build test-programs
		check "test runner" tests/tools/run-selftest.sh
		check "check-includes" "$make" check-includes
		check "format" "$make" lint-format
		check "cppcheck" "$make" lint-cppcheck
		check "clang-tidy" "$make" lint-tidy
		check "manual pages" "$make" lint-man
		check "requirements" "$make" requirements
		check "install" "$make" install DESTDIR="$tmp/root" PREFIX=/usr
		;;
	unit)
		build "unit build" test-programs
		programs unit build "" 1 "$jobs"
		programs sim build "" 1 "$jobs"
		;;
	kvm)
		build "kvm build" build test-programs
		if have_kvm; then
			programs kvm build "" 1 1
		else
			nested "" build 1 6.12 2
		fi
		;;
	e2e)
		build "e2e build" build test-modules test-disks
		if ! have_kvm; then
			e2e_without_kvm
			return
		fi
		if [ -d "$kvm_amd" ]; then
			not_run_need="a KVM that is not kvm_amd"
			for source in tests/e2e/*.bats; do
				leave_out "$source" 'kvm,!host:registers' registers
				bats_file "$source" --filter-tags '!host:registers'
			done
			return
		fi
		for source in tests/e2e/*.bats; do
			[ ! -e "$source" ] || bats_file "$source"
		done
		;;
	fuzz)
		check "fuzzers" "$make" fuzz
		;;
	nested)
		build "nested build" build test-programs
		# Both at once: the emulator has one thread.
		# Where a vCPU that changes its thread is dear, it should have two CPUs.
		nested_start "" build 1 6.1 2 bzimage steal
		first=$nested_dir
		nested_start "" build 1 6.12 1 vmlinux threads beside
		nested_follow "$first"
		nested_follow "$nested_dir"
		;;
	nested-all)
		build "nested build" build test-programs
		nested_cases=1
		for series in 6.1 6.12; do
			nested "" build 1 $series 1 \
				bzimage vmlinux threads steal beside standard
			# Without threads: see tests/README.md. 64 vCPUs take minutes.
			nested "" build 1 $series 2 \
				bzimage vmlinux steal beside standard \
				$([ $series = 6.1 ] || echo many)
		done
		;;
	asan)
		sanitized asan build/asan address,undefined
		;;
	tsan)
		# Without address randomisation: TSan of gcc 12 ends with
		# "unexpected memory mapping" where vm.mmap_rnd_bits > 28.
		if setarch -R true 2>/dev/null; then
			sanitized tsan build/tsan thread setarch -R
		else
			sanitized tsan build/tsan thread
		fi
		;;
	*)
		echo "run.sh: no such group: $1" >&2
		exit 2
		;;
	esac
}

if [ $# -eq 0 ]; then
	sed -n '4,12s/^# \?//p' "$0" >&2
	exit 2
fi
start_all=$(now_ms)
for name in "$@"; do
	group "$name"
done

echo
if [ "${#failures[@]}" -gt 0 ]; then
	echo "failed:"
	printf '  %s\n' "${failures[@]}"
fi
show_not_run
echo "after $((($(now_ms) - start_all) / 1000)) s:"
echo "$passed passed, $failed failed"
[ "$passed" -gt 0 ] && [ "$failed" -eq 0 ]
