# SPDX-License-Identifier: Apache-2.0
#
# The control socket from outside: a run listens, the other verbs ask (R: DIS-17).

# bats file_tags=kvm

load helper

teardown() {
	[ -z "${pid:-}" ] || kill -9 "$pid" 2>/dev/null || true
	[ ! -s err.txt ] || sed 's/^/err.txt: /' err.txt
}

# start ARGUMENTS...: a run of hogs in the background that listens at ./socket. It has
# begun when it answers.
start() {
	"$DISVM" run --kernel "$TINY" --cmdline work=hog --control socket \
		--report report.json --time-limit 60s "$@" \
		>out.txt 2>err.txt </dev/null &
	pid=$!
	local left=200
	until ask ls >ls.txt 2>/dev/null; do
		[ $((left--)) -gt 0 ] && kill -0 "$pid" ||
			fail "it does not answer: $(cat err.txt)"
		sleep 0.05
	done
}

# ask VERB ARGUMENTS...: of that run.
ask() {
	local verb=$1
	shift
	timeout -s KILL 20 "$DISVM" "$verb" --control socket "$@"
}

# ended STATUS: the run ends so, and its socket is gone.
ended() {
	local status=0
	wait "$pid" || status=$?
	pid=
	[ "$status" -eq "$1" ] || fail "exit status $status: $(cat err.txt)"
	[ ! -e socket ] || fail "the socket is left behind"
}

# told FILTER: it is true of what ls --json says now.
told() {
	ask ls --json >ls.json
	jq -e "$1" ls.json >/dev/null || fail "not so: $1" "$(cat ls.json)"
}

# asked STATUS TEXT VERB ARGUMENTS...: refused so, in one line.
asked() {
	local want=$1 text=$2
	shift 2
	run --separate-stderr ask "$@"
	expect_status "$want"
	[ -z "$output" ] || fail "standard output: $output"
	[ "${#stderr_lines[@]}" -eq 1 ] || fail "not one line: $stderr"
	[[ $stderr == "disvm $1: "*"$text"* ]] || fail "$stderr"
}

@test "test_control_lists_guests_and_stops_one" {
	start --vcpus 2 --copies 2
	[ "$(grep -c '^vm[01]/[01] ' ls.txt)" -eq 4 ] || fail "$(cat ls.txt)"
	told '.schema == "disvm.vms/1" and (.vms | length) == 2'
	ask stop vm0
	[ "$(ask wait vm0)" = "vm0: finished (stopped)" ]
	told '.vms | map(.ended) == [true, false]'
	asked 4 "not possible in its present state" stop vm0
	ask stop vm1
	ended 0
	holds '.vms | map(.state) == ["finished", "finished"]'
}

# R: DIS-10: a joiner is told, and a killed guest has failed.
@test "test_control_kill_fails_the_guest_and_tells_who_waits" {
	start --copies 2
	ask wait vm1 >wait.txt &
	local waiter=$! status=0
	ask kill vm1
	wait "$waiter" || status=$?
	[ "$status" -eq 1 ] || fail "exit status $status: $(cat wait.txt)"
	[ "$(cat wait.txt)" = "vm1: failed (killed)" ] || fail "$(cat wait.txt)"
	ask stop vm0
	ended 1
	grep -q '^disvm run: vm1 failed: killed$' err.txt || fail "$(cat err.txt)"
	holds '.vms[1] | .state == "failed" and .reason == "killed"'
}

# R: DIS-10: the last one's end is told before the process ends.
@test "test_control_waiter_is_told_at_the_end_of_the_run" {
	start --control "$PWD/socket"
	ask wait vm0 >wait.txt &
	local waiter=$! left=200
	# It listens, and has a connection.
	until [ "$(grep -c " $PWD/socket\$" /proc/net/unix)" -eq 2 ]; do
		[ $((left--)) -gt 0 ] || fail "$(cat /proc/net/unix)"
		sleep 0.05
	done
	kill -TERM "$pid"
	wait "$waiter" || fail "exit status $?: $(cat wait.txt)"
	[ "$(cat wait.txt)" = "vm0: finished (stopped)" ] ||
		fail "$(cat wait.txt)"
	ended 0
}

# R: CARD-3, DIS-10, DIS-6: intent, priority, cores, shares, while they run.
@test "test_control_set_changes_what_guests_are_granted" {
	start --vcpus 2 --cpus 0-1 --intent batch
	ask set vm0/1 intent=background:weight=7 priority=9 cores=1
	told '.vms[0].vcpus | .[0].intent == "batch" and
	      .[1].intent == "background:weight=7,priority=9,cores=1"'
	ask set vm0 min=100 max=600
	told '.vms[0] | .min_permille == 100 and .max_permille == 600'
	ask set pool quantum=2ms slices=fixed counters=on
	ask stats >stats.json
	jq -e .counters stats.json || fail "$(jq .counters stats.json)"
	asked 2 "intent: " set vm0/0 intent=fast
	asked 2 "'x' is not KEY=VALUE" set vm0/0 x
	asked 2 "cores" set vm0/0 cores=9
	asked 2 "there is no VM 'vm9'" set vm9/0 priority=1
	asked 2 "vm0 has no vCPU '2'" set vm0/2 priority=1
	asked 2 "there is no VM '..'" set ../pool priority=1
	asked 2 "no name of a VM" set 'vm0/1?' priority=1
	ask set vm0 min=0 max=0
	asked 4 "room" set vm0/0 intent=batch:min=990
	told '.vms[0].vcpus[0].intent == "batch"'
	ask stop vm0
	ended 0
	holds '.vms[0].vcpus[1].intent |
	       . == "background:weight=7,priority=9,cores=1"'
}

# R: DIS-6: what they do to devices, tests/unit/test_machine_io.c shows.
@test "test_control_limits_of_devices_are_changed_or_refused" {
	truncate -s 1M disk.img
	start --disk disk.img
	ask set vm0 io-bandwidth=2M io-priority=1
	asked 2 "io-priority: '8' is not a number from 0 to 7" \
		set vm0 io-priority=8
	asked 4 "not supported: the guests have no network" set vm0 net-priority=1
	ask stop vm0
	ended 0
}

# R: DIS-10, DIS-6: the guest that was capped while it ran has less from then on.
@test "test_control_maximum_set_live_is_kept" {
	start --vcpus 1 --copies 2 --cpus 0
	ask set vm0 max=100
	ask stats >before.json
	sleep 2
	ask stats >after.json
	jq -n --slurpfile a before.json --slurpfile b after.json '
		[$b[0].vms, $a[0].vms] | map(map(.vcpus[0].cpu_ns)) |
		[.[0][0] - .[1][0], .[0][1] - .[1][1]]' >got.json
	jq -e '.[0] < .[1] / 3' got.json || fail "$(cat got.json)"
	kill -TERM "$pid"
	ended 0
}

# R: DIS-11, DIS-16: policies swapped while guests run.
@test "test_control_policy_changes_the_order_live" {
	start --vcpus 2 --cpus 0 --intent batch
	ask policy batch=fair background=priority
	ask stats >stats.json
	jq -e '.policies | .batch == "fair" and .background == "priority"' \
		stats.json || fail "$(jq .policies stats.json)"
	asked 2 "'lottery' is not a policy for batch" policy batch=lottery
	asked 2 "there is no class 'bulk'" policy bulk=rr
	kill -TERM "$pid"
	ended 0
	holds '.policies.batch == "fair"'
}

# R: DIS-16, DIS-17: nothing of the request is done.
@test "test_control_policy_of_a_failed_module_is_refused" {
	start --vcpus 2 --cpus 0 --intent background \
		--policy-module "$BUILD/tests/modules/foreign.so" \
		--policy background=foreign
	local left=200
	until grep -q "policy module 'foreign'" err.txt; do
		[ $((left--)) -gt 0 ] || fail "it does not fail: $(cat err.txt)"
		sleep 0.05
	done
	asked 4 "the module of 'foreign' has failed" \
		policy interactive=fair background=foreign
	ask stats >stats.json
	jq -e '.policies.interactive == "rr"' stats.json ||
		fail "$(jq .policies stats.json)"
	kill -TERM "$pid"
	ended 0
}

# R: PRE-2: two hogs of one core; paused, who has it keeps it.
@test "test_control_pause_keeps_the_core_and_resume_gives_it_on" {
	start --vcpus 2 --cpus 0 --intent batch
	ask pause
	ask stats >before.json
	sleep 0.5
	ask stats >after.json
	jq -ne --slurpfile a before.json --slurpfile b after.json \
		'[$a[0], $b[0]] | map(.preemptions) | .[0] == .[1]' ||
		fail "$(jq .preemptions before.json after.json)"
	ask resume
	ask trigger
	sleep 0.5
	ask stats >last.json
	jq -ne --slurpfile a after.json --slurpfile b last.json \
		'$b[0].preemptions > $a[0].preemptions + 5' ||
		fail "$(jq .preemptions after.json last.json)"
	kill -TERM "$pid"
	ended 0
}

# R: DIS-15: the report so far, and that of the end are of one form.
@test "test_control_stats_is_the_report_so_far" {
	start --vcpus 2 --cpus 0
	ask stats >first.json
	ask stats >second.json
	kill -TERM "$pid"
	ended 0
	jq -S 'keys' first.json >keys.first
	jq -S 'keys' report.json >keys.last
	cmp keys.first keys.last || fail "$(diff keys.first keys.last)"
	jq -ne --slurpfile a first.json --slurpfile b second.json \
		--slurpfile c report.json \
		'[$a[0], $b[0], $c[0]] | map(.charged_ns) |
		 .[0] <= .[1] and .[1] <= .[2]'
	jq -e '.tenants | length == 1' second.json
	holds '[.charged_ns, ([.vms[].vcpus[].cpu_ns] | add)] | unique |
	       length == 1'
}

# R: BUD-3, ST-6
@test "test_control_metrics_count_throttles_and_states" {
	start --vcpus 2 --cpus 0
	ask stats --metrics >metrics.txt
	grep -q '^task_budget_throttle_total{vm="vm0",vcpu="1"} [0-9]' metrics.txt
	[ "$(grep -c '^tasks_state_total{state="' metrics.txt)" -eq 7 ]
	kill -TERM "$pid"
	ended 0
}

# With threads there is nothing to schedule, but guests to list and to end.
@test "test_control_of_threads_lists_and_stops_only" {
	start --executor threads --vcpus 2
	asked 4 "not supported" set vm0/0 priority=1
	asked 4 "not supported" policy batch=fair
	ask stats >stats.json
	jq -e '.executor == "threads"' stats.json
	ask stop vm0
	ended 0
}

@test "test_control_socket_that_cannot_be_is_refused" {
	refused 2 '--control: no/socket: No such file or directory' \
		run --kernel "$TINY" --control no/socket
	refused 2 "--control: the file name is empty" \
		run --kernel "$TINY" --control ''
	local long
	long=$(printf 'x%.0s' {1..120})
	refused 2 "File name too long" run --kernel "$TINY" --control "$long"
	refused 2 "--report and --control are the same file" \
		run --kernel "$TINY" --report x.json --control x.json
	echo mine >file
	refused 2 "file: Address already in use" \
		run --kernel "$TINY" --control file
	start
	run --separate-stderr "$DISVM" run --kernel "$TINY" --control socket
	expect_status 2
	[[ $stderr == *"--control: socket: Address already in use" ]] ||
		fail "$stderr"
	ask ls >ls.txt
	kill -TERM "$pid"
	ended 0
}

# However a run ends, its socket goes; test_ctl_server.c has what is left by others.
@test "test_control_socket_of_a_killed_run_is_removed" {
	start
	kill -9 "$pid"
	wait "$pid" || true
	local left=200
	while [ -e socket ]; do
		[ $((left--)) -gt 0 ] || fail "the socket is left behind"
		sleep 0.05
	done
	asked 2 "socket: No such file or directory" ls
	start
	ask stop vm0
	ended 0
}

@test "test_control_verbs_refuse_bad_words" {
	refused 2 "--control SOCKET is missing" ls
	refused 2 "unknown option" ls --control s --colour
	refused 2 "--control needs an argument" ls --control
	refused 2 "unknown option '--con'" ls --con s
	refused 2 "unknown option '--metr'" stats --control s --metr
	refused 2 "--control: the file name is empty" ls --control ''
	refused 2 "unknown option '--json'" stop --control s --json vm0
	refused 2 "unexpected argument 'x'" ls --control s x
	refused 2 "what to do is missing: VM" kill --control s
	refused 2 "what to do is missing" set --control s vm0
	refused 2 "'a b' is no name of a VM" wait --control s 'a b'
	refused 2 "'batch' is not KEY=VALUE" policy --control s batch
	refused 2 "'batch=rr' cannot be taken" policy --control s batch=fair batch=rr
	refused 2 "s: No such file or directory" ls --control s
}
