# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the end-to-end tests share: the program, the images, refusals, reports.
#
# Each test runs in a directory of its own, which bats removes. The program is
# $DISVM, or build/disvm; the images are those of the ordinary build, unless
# DISVM_IMAGES and DISVM_BUILD name other directories.

bats_require_minimum_version 1.5.0

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
DISVM=${DISVM:-$ROOT/build/disvm}
IMAGES=${DISVM_IMAGES:-$ROOT/images}
BUILD=${DISVM_BUILD:-$ROOT/build}
TINY=$IMAGES/tiny.elf
MULTIBOOT=$BUILD/guest/tiny-multiboot.elf
export ROOT DISVM BUILD TINY MULTIBOOT

enter_work() {
	# bats keeps files of its own beside.
	mkdir "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work" || return 1
	[ -x "$DISVM" ] || fail "$DISVM is not built"
	[ -r "$TINY" ] || fail "$TINY is not built"
}

setup() {
	enter_work
}

# Figures are those of a machine that does nothing else: say what it did.
fail() {
	printf '%s\n' "$@" "(load: $(cat /proc/loadavg))" >&2
	return 1
}

# expect_status N: the status of the last `run`, shown with its output if not.
expect_status() {
	[ "$status" -eq "$1" ] && return 0
	fail "exit status $status, not $1" "stdout: $output" "stderr: $stderr"
}

# What lies in the working directory, with contents.
files() {
	find . -mindepth 1 -printf '%p %y %s\n' | sort
	find . -type f -size -1M -exec sha256sum {} + | sort
}

# refused STATUS TEXT ARGUMENTS...: one line on standard error that contains
# TEXT, nothing on standard output, no file left or changed, exit STATUS.
refused() {
	local want=$1 text=$2 before
	shift 2
	before=$(files)
	# Arguments that are accepted by mistake would run for ever.
	run --separate-stderr timeout -s KILL 10 "$DISVM" "$@" </dev/null
	expect_status "$want"
	[ -z "$output" ] || fail "standard output: $output"
	# shellcheck disable=SC2154 # stderr is set by run
	[ "${#stderr_lines[@]}" -eq 1 ] || fail "not one line: $stderr"
	[[ $stderr == "disvm"*": "*"$text"* ]] ||
		fail "the line lacks '$text': $stderr"
	[ "$(files)" = "$before" ] || fail "files differ:" "$before" "$(files)"
}

# report ARGUMENTS...: disvm run, exit 0; its report is report.json.
report() {
	report_of 0 "$@"
}

# report_of STATUS ARGUMENTS...: the same with another exit status.
report_of() {
	local want=$1
	shift
	run --separate-stderr "$DISVM" run --report report.json "$@" </dev/null
	expect_status "$want"
	# Of an empty file jq 1.6 finds whatever it is asked for to be true.
	{ [ -s report.json ] && jq -e . report.json >/dev/null; } ||
		fail "report.json is no JSON"
}

# holds FILTER [ARGUMENTS OF JQ...]: FILTER is true of report.json; otherwise
# shows the part of the report that one can read.
holds() {
	local filter=$1
	shift
	jq -e "$@" "$filter" report.json >/dev/null && return 0
	jq '{wall_ns, idle_ns, charged_ns, jain, dispatches, preemptions,
	     timer_arms, user_exits, cores,
	     vms: (.vms[:8] | map({vm, state, reason, detail, exit_code,
	                           vcpus: (.vcpus[:8])}))}' report.json >&2
	fail "does not hold: $filter"
}

# In report.json, charged and idle time are what the cores had, within 1 %; what was
# charged to cores is what vCPUs, VMs and tenants had, to the nanosecond.
ledger_balances() {
	holds '(.charged_ns + .idle_ns) / (.wall_ns * (.host.cpus | length)) |
	       . > 0.99 and . < 1.01'
	holds '[.charged_ns, .totals.cpu_ns,
	        ([.cores[].charged_ns] | add),
	        ([.vms[].vcpus[].cpu_ns] | add),
	        ([.vms[].sums.cpu_ns] | add),
	        ([.tenants[].sums.cpu_ns] | add)] | unique | length == 1'
}

# heavier_have_thrice N: the last N vCPUs of the first VM, of three times the weight
# of its first N, had three times their time by report.json. What trace.json knows as
# the longest run, of each of them and of whom boot left alone, does not count: that
# long the host did not let the timer fire.
heavier_have_thrice() {
	jq -ne --argjson n "$1" --slurpfile r report.json --slurpfile t trace.json '
		([$t[0].traceEvents[] |
		  select(.cat == "state" and .name == "running").dur] |
		 max * 1000 * ($n + 1)) as $late |
		[$r[0].vms[0].vcpus[].cpu_ns] | (.[:$n] | add) as $light |
		(.[$n:] | add) as $heavy | {$light, $heavy, $late},
		($heavy + $late > 2.5 * ($light - $late) and
		 $heavy - $late < 3.5 * ($light + $late))' >shares.txt ||
		fail "not by weight:" "$(cat shares.txt)"
}

# little_endian BYTES VALUE: on standard output, as bytes.
little_endian() {
	local bytes=$1 value=$2 i
	for ((i = 0; i < bytes; i++)); do
		# shellcheck disable=SC2059 # the format is the byte
		printf "\\x$(printf %02x $((value >> 8 * i & 255)))"
	done
}

# poke FILE OFFSET BYTES VALUE: one field, little-endian.
poke() {
	little_endian "$3" "$4" |
		dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# peek FILE OFFSET BYTES
peek() {
	od -An -v -tu"$3" -j "$2" -N "$3" "$1" | tr -d ' '
}

# Fields of the ELF header and of a program header.
E_CLASS=4 E_DATA=5 E_TYPE=16 E_MACHINE=18 E_PHOFF=32 E_PHENTSIZE=54 E_PHNUM=56
P_OFFSET=8 P_PADDR=24 P_FILESZ=32 P_MEMSZ=40 P_ALIGN=48
PT_LOAD=1 PT_NOTE=4
export E_CLASS E_DATA E_TYPE E_MACHINE E_PHENTSIZE
export P_OFFSET P_PADDR P_FILESZ P_MEMSZ P_ALIGN PT_LOAD PT_NOTE

# program_header FILE TYPE N: offset of the N-th (from 0) of this type.
program_header() {
	local at count i
	at=$(peek "$1" $E_PHOFF 8)
	count=$(peek "$1" $E_PHNUM 2)
	local left=$3
	for ((i = 0; i < count; i++, at += 56)); do
		[ "$(peek "$1" $at 4)" -eq "$2" ] || continue
		[ $((left--)) -eq 0 ] || continue
		echo $at
		return 0
	done
	fail "$1 has no program header $3 of type $2"
}

# image_with PART FIELD BYTES VALUE: k.elf, the tiny guest with one field
# changed; PART is "header", "load N" or "note N".
image_with() {
	local part number=0 at=0
	read -r part number <<<"$1"
	cp "$TINY" k.elf
	case $part in
	load) at=$(program_header k.elf $PT_LOAD "$number") ;;
	note) at=$(program_header k.elf $PT_NOTE "$number") ;;
	esac
	poke k.elf $((at + $2)) "$3" "$4"
}

# load_field N FIELD: of the tiny guest's N-th loadable segment.
load_field() {
	peek "$TINY" $(($(program_header "$TINY" $PT_LOAD "$1") + $2)) 8
}
