# SPDX-License-Identifier: Apache-2.0
#
# What is taken from the process before its guests start, and that every kind of run
# does without it.
# in a nested machine: 60 s

# bats file_tags=kvm

load helper

ALL='["mount","network","ipc","uts","cgroup","capabilities","seccomp"]'

teardown() {
	[ -z "${pid:-}" ] || kill -KILL "$pid" 2>/dev/null || true
}

# confined STATUS ARGUMENTS...: a run that is wholly confined, and says so.
confined() {
	local want=$1
	shift
	report_of "$want" --confine full "$@"
	is_confined
}

is_confined() {
	holds '.confined - ["user"] == $all' --argjson all "$ALL"
	[[ $stderr != *"is not allowed"* ]] || fail "$stderr"
}

# start ARGUMENTS...: as $pid, its guest is up.
start() {
	local i
	"$DISVM" run --confine full --kernel "$TINY" --report report.json "$@" \
		>out.txt 2>err.txt </dev/null 3>&- &
	pid=$!
	for ((i = 0; i < 600; i++)); do
		! grep -q 'disvm-guest up' out.txt || return 0
		sleep 0.05
	done
	fail "the guest does not come up:" "$(cat err.txt)"
}

finish() {
	kill -"$1" "$pid"
	wait "$pid" || fail "exit status $?" "$(cat err.txt)"
	pid=
	stderr=$(cat err.txt)
	is_confined
}

# R: DIS-17
@test "test_confined_process_has_empty_tree_no_rights_few_calls" {
	local thread n=0
	truncate -s 32K disk.img
	start --vcpus 2 --entropy on --disk disk.img --cmdline "work=hog"
	for thread in /proc/"$pid"/task/*; do
		n=$((n + 1))
		grep -qE '^Seccomp:\s2$' "$thread/status" || fail "$(cat "$thread/status")"
		grep -qE '^NoNewPrivs:\s1$' "$thread/status" || fail "$(cat "$thread/status")"
		[ "$(grep -cE '^Cap(Inh|Prm|Eff):\s0{16}$' "$thread/status")" -eq 3 ] ||
			fail "$(cat "$thread/status")"
	done
	# The main one, an executor at least, and those that serve the disk.
	[ "$n" -ge 6 ] || fail "$n threads"
	[ -z "$(ls -A /proc/"$pid"/root/)" ] || fail "$(ls -A /proc/"$pid"/root/)"
	[ -z "$(ls -A /proc/"$pid"/cwd/)" ] || fail "$(ls -A /proc/"$pid"/cwd/)"
	[ "$(tail -n +3 /proc/"$pid"/net/dev | grep -vc '^ *lo:')" -eq 0 ] ||
		fail "$(cat /proc/"$pid"/net/dev)"
	for name in mnt net ipc uts cgroup; do
		[ "$(readlink /proc/"$pid"/ns/$name)" != "$(readlink /proc/self/ns/$name)" ] ||
			fail "its $name namespace is ours"
	done
	finish TERM
}

# Nothing in it by which the host's files could be reached.
# R: DIS-17
@test "test_confined_process_has_no_directory_open" {
	local link
	start --cmdline "work=hog" --trace trace.json --console file:console.txt
	for link in /proc/"$pid"/fd/*; do
		[ ! -d "$link" ] || fail "$link: $(readlink "$link")"
	done
	finish INT
}

# R: DIS-17
@test "test_confined_run_has_all_its_outputs" {
	confined 0 --kernel "$TINY" --vcpus 2 --cmdline "work=hog time=300ms" \
		--trace trace.json --serial file:serial.txt --console file:console.txt \
		--entropy on --profile on --counters on
	grep -q "disvm-guest up" serial.txt || fail "$(cat serial.txt)"
	jq -e '.traceEvents | length > 10' trace.json >/dev/null || fail "no trace"
	holds '.vms[0].profile.instructions | length > 0'
	holds '.host_load.active_cpus > 0 and .host.kvm_backend != "unknown"'
}

# R: DIS-17
@test "test_confined_run_of_every_executor_and_many_copies" {
	confined 0 --kernel "$TINY" --vcpus 2 --executor threads \
		--cmdline "work=sleep:1ms time=300ms"
	confined 0 --kernel "$TINY" --vcpus 2 --executor threads --irqchip kernel \
		--cmdline "work=sleep:1ms time=300ms"
	confined 0 --kernel "$TINY" --vcpus 2 --copies 50 \
		--cmdline "work=hog time=20ms"
	# A table of that many is sorted.
	run --separate-stderr "$DISVM" run --confine full --kernel "$TINY" --vcpus 2 \
		--copies 50 --cmdline "work=hog time=20ms" </dev/null
	expect_status 0
	[[ $output == *$'\nconfined: '*"mount, network, "*"seccomp"$'\n'* ]] || fail "$output"
}

# R: DIS-17
@test "test_confined_run_with_disk_firmware_and_module" {
	truncate -s 32K disk.img
	confined 0 --kernel "$TINY" --disk disk.img --cmdline "work=disk:8 time=300ms"
	holds '.vms[0].devices[0] | .requests > 0 and .errors == 0'
	confined 0 --disk "$IMAGES/hello.img" --time-limit 60s
	[[ $output == *"Hello"* || $output == *"hello"* ]] || fail "$output"
	confined 0 --kernel "$TINY" --policy-module "$BUILD/tests/modules/keeps.so" \
		--policy batch=keeps --cmdline "work=hog time=300ms"
}

# R: DIS-17
@test "test_confined_run_with_tap" {
	run --separate-stderr unshare -rn bash -c '
		ip tuntap add t0 mode tap && ip link set t0 up || exit 9
		exec "$DISVM" run --confine full --kernel "$TINY" --net tap=t0 \
			--report report.json --cmdline "work=sleep:1ms time=300ms"' </dev/null
	expect_status 0
	is_confined
	holds '.vms[0].devices[0].name == "net0"'
}

# The names are read when they are needed.
# R: DIS-17
@test "test_confined_guest_that_fails_is_shown_with_names" {
	confined 1 --kernel "$TINY" --vcpus 2 --time-limit 10s \
		--cmdline "work=hog work@0=fault:hypercall"
	[[ $stderr == *"vm0 failed: vCPU 0: undefined hypercall"* ]] || fail "$stderr"
	[[ $stderr == *"  hypercall+0x"* ]] || fail "$stderr"
}

# R: DIS-17
@test "test_confined_run_answers_signals" {
	local i
	start --vcpus 2 --cmdline "work=hog" --profile on
	kill -USR1 "$pid"
	for ((i = 0; i < 600; i++)); do
		[ "$(grep -c '^Scheduler: ' err.txt)" -lt 2 ] || break
		sleep 0.05
	done
	[ "$(grep -c '^Scheduler: ' err.txt)" -eq 2 ] || fail "$(cat err.txt)"
	# Stopped and continued: a wait that was interrupted is taken up again.
	kill -STOP "$pid"
	kill -CONT "$pid"
	finish TERM
	holds '.vms[0].reason == "stopped"'
}

# R: DIS-17
@test "test_confined_run_on_a_terminal_reads_and_shows_progress" {
	(sleep 1; echo input) | script -qec "'$DISVM' run --confine full \
		--kernel '$TINY' --cmdline work=hog --report report.json --time-limit 2s" \
		typescript >/dev/null
	stderr=$(cat typescript)
	is_confined
	[[ $stderr == *" of 2 s, 1 of 1 guests"* ]] || fail "$stderr"
}

# R: DIS-17
@test "test_confine_off_leaves_the_process_as_it_is" {
	report --confine off --kernel "$TINY" --cmdline "work=hog time=20ms"
	holds '.confined == []'
	run --separate-stderr "$DISVM" run --confine off --kernel "$TINY" \
		--cmdline "work=hog time=20ms" </dev/null
	expect_status 0
	[[ $output == *$'\nnot confined\n'* ]] || fail "$output"
}

# R: DIS-17
@test "test_confine_bad_value_is_refused" {
	refused 2 "--confine: 'most' is unknown (there is: auto, full, off)" \
		run --kernel "$TINY" --confine most
	echo '{"confine": "most"}' >run.json
	refused 2 "run.json: confine: 'most' is unknown" \
		run --kernel "$TINY" --config-file run.json
}

# A host that permits no namespaces: root there may not even map itself.
without_rights() {
	setpriv --bounding-set=-all --inh-caps=-all -- "$@"
}

# R: DIS-17
@test "test_confine_full_where_not_permitted_is_refused" {
	local full=$DISVM
	export full
	# Not sh: busybox's takes its own setpriv, whatever there is besides.
	printf '#!/bin/bash\nexec setpriv --bounding-set=-all --inh-caps=-all -- "$full" "$@"\n' >../disvm
	chmod +x ../disvm
	echo old >report.json
	DISVM=$PWD/../disvm refused 3 \
		"--confine full: user namespace: Operation not permitted" \
		run --confine full --kernel "$TINY" --report report.json \
		--serial file:serial.txt --trace trace.json
}

# R: DIS-17
@test "test_confine_auto_where_not_permitted_does_the_rest" {
	run --separate-stderr without_rights "$DISVM" run --kernel "$TINY" \
		--report report.json --cmdline "work=hog time=20ms" </dev/null
	expect_status 0
	holds '.confined == ["capabilities", "seccomp"]'
}

# Who has no rights at all, but for /dev/kvm, is confined by a user namespace.
# R: DIS-17
@test "test_confine_without_rights_uses_a_user_namespace" {
	run --separate-stderr setpriv --bounding-set=-all,+setfcap --inh-caps=-all -- \
		"$DISVM" run --confine full --kernel "$TINY" --report report.json \
		--trace trace.json --cmdline "work=hog time=20ms" </dev/null
	expect_status 0
	is_confined
	holds '.confined[0] == "user"'
	jq -e . trace.json >/dev/null || fail "no trace"
}

# R: DIS-17
@test "test_confined_run_that_cannot_write_its_report_leaves_it_empty" {
	run --separate-stderr bash -c '
		"$DISVM" run --confine full --kernel "$TINY" --report json \
			--serial file:serial.txt --cmdline "work=hog time=20ms" \
			</dev/null >/dev/full'
	expect_status 3
	[ -e serial.txt ] && [ ! -s serial.txt ] || fail "$(files)"
}
