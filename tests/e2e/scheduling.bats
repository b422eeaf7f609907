# SPDX-License-Identifier: Apache-2.0
#
# Who gets the cores, as disvm's report and the guests' own counts tell it. The
# figures are ratios within one run, on a machine that does nothing else.
# in a nested machine: 40 s

# bats file_tags=kvm

load helper

# R: EVO-C1, CARD-2
@test "test_hogs_64_on_2_cores_share_fairly" {
	# In the emulator they take seconds to boot, one after the other.
	local seconds=$((${DISVM_TEST_FEWER:-1} > 1 ? 20 : 5))
	run --separate-stderr "$DISVM" run --kernel "$TINY" --vcpus 64 \
		--cpus 0-1 --cmdline work=hog --time-limit ${seconds}s --report json
	expect_status 0
	printf '%s\n' "$output" >report.json
	holds '.schema == "disvm.report/1" and .host.cpus == [0, 1]'
	holds '.jain >= 0.99'
	ledger_balances
	holds '[.vms[0].vcpus[] | select(.guest.work > 0)] | length == 64'
}

# R: EVO-C1: of VMs that are gone, too.
@test "test_ledger_balances_after_all_have_ended" {
	report --kernel "$TINY" --copies 4 --vcpus 3 --cpus 0-1 \
		--cmdline "work=hog time=200ms work@0=sleep:1ms"
	ledger_balances
	holds '.totals.exited == 12 and ([.vms[].vcpus[].cpu_ns] | min) > 0'
}

# R: BUD-2, BUD-3, BUD-4
@test "test_hog_does_not_starve_equal_sibling" {
	report --kernel "$TINY" --vcpus 2 --cpus 0 --cmdline work=hog \
		--time-limit 1s --trace trace.json
	holds '[.vms[0].vcpus[] | select(.guest.work > 0 and
	        .dispatches >= 20 and .throttles >= 20)] | length == 2'
	# They take turns; at boot, one may be alone.
	holds '.vms[0].vcpus | .[0].dispatches - .[1].dispatches |
	       . > -5 and . < 5'
	# R: ST-6: the metrics agree.
	holds '.states.throttled.total == ([.vms[].vcpus[].throttles] | add)'
	holds '(.states | length) == 7 and .states.finished ==
	       {now: 2, total: 2} and ([.states[].now] | add) == 2'
	ledger_balances
	throttle_sequences
}

# R: ST-8: each slice end is Running, Throttled, Scheduled, Running.
throttle_sequences() {
	jq -e '
		[.traceEvents[] | select(.cat == "state")] | group_by(.tid) |
		length == 2 and all(.[];
			sort_by(.ts) | map(.name) as $states |
			[range(1; ($states | length) - 2) |
			 select($states[.] == "throttled") |
			 $states[. - 1:. + 3]] |
			length >= 20 and all(.[]; . ==
				["running", "throttled", "scheduled", "running"]))
	' trace.json >/dev/null || fail "other sequences"
}

# R: DIS-11
@test "test_fair_shares_by_weight" {
	report --kernel "$TINY" --vcpus 2 --cpus 0 --cmdline work=hog \
		--policy batch=fair --intent 0=batch \
		--intent 1=batch:weight=3072 --time-limit 6s --trace trace.json
	heavier_have_thrice 1
	holds '.cores[0].picks | .["virtual-deadline"] > .turn'
	ledger_balances
}

# R: BUD-4, DIS-14
@test "test_hog_does_not_starve_sibling_of_lower_class" {
	report --kernel "$TINY" --vcpus 2 --cpus 0 --cmdline work=hog \
		--intent 0=batch --intent 1=background --time-limit 1s
	holds '.vms[0].vcpus | .[0].guest.work > .[1].guest.work and
	       .[1].guest.work > 0 and .[1].dispatches >= 5 and
	       .[0].throttles > 0'
}

# R: DIS-5, DIS-14: set on the command line, in force, and told to disvm sim.
@test "test_quantum_and_floor_of_a_class_are_those_given" {
	report --kernel "$TINY" --vcpus 2 --cpus 0 --cmdline work=hog \
		--intent 0=batch --intent 1=background --time-limit 2s \
		--class-quantum batch=7ms --floor background=300 \
		--trace trace.json
	holds '.vms[0].vcpus[1].cpu_ns / .wall_ns | . > 0.2 and . < 0.45'
	jq -e '.traceEvents[] | select(.name == "disvm_pool").args |
	       .batch.quantum_ns == 7000000 and .batch.floor_permille == 50 and
	       .background.quantum_ns == 50000000 and
	       .background.floor_permille == 300' trace.json
}

# R: DIS-13
@test "test_sleeper_of_more_urgent_class_preempts_hogs" {
	report --kernel "$TINY" --vcpus 4 --cpus 0 \
		--cmdline "work=hog work@0=sleep:10ms" \
		--intent 0=interactive:target=1ms --intent 1-3=batch \
		--time-limit 1s
	holds '.vms[0].vcpus[0] | .guest.wakes >= 20 and .wakes >= 20 and
	       .blocks >= 20'
	holds '[.vms[0].vcpus[1:][].preemptions] | add >= 10'
}

# R: CARD-4, PRE-6
@test "test_guest_halted_without_timer_arms_none" {
	report --kernel "$TINY" --cpus 0 --cmdline work=idle --time-limit 3s
	holds '.timer_arms == 0 and .vms[0].vcpus[0].guest.done'
	ledger_balances
}

# cpu_ms ARGUMENTS...: of one run.
cpu_ms() {
	local TIMEFORMAT='%3U %3S' user system
	read -r user system < <({ time "$DISVM" run --kernel "$TINY" \
		--serial none "$@" >out.txt 2>err.txt; } 2>&1) || true
	echo $((10#${user/./} + 10#${system/./}))
}

# bats test_tags=host:time
# R: CARD-4: a second run, shorter by 3 s, tells what boot takes.
@test "test_guest_halted_takes_no_cpu_time" {
	local long short
	short=$(cpu_ms --vcpus 8 --cmdline work=idle --time-limit 500ms)
	long=$(cpu_ms --vcpus 8 --cmdline work=idle --time-limit 3500ms)
	[ $((long - short)) -le 30 ] ||
		fail "3 s of halted vCPUs took $((long - short)) ms"
}

# R: DIS-3: the guest reads as steal time what DIS knows as waiting time.
@test "test_steal_time_is_the_time_waited" {
	report --kernel "$TINY" --vcpus 3 --cpus 0 --cmdline "work=hog time=1s"
	holds 'all(.vms[0].vcpus[];
	       .guest.steal_ns <= .wait_ns and
	       .guest.steal_ns > .wait_ns * 0.8)'
	report --kernel "$TINY" --vcpus 1 --cpus 0 --cmdline "work=hog time=1s"
	holds '.vms[0].vcpus[0] | .guest.steal_ns * 10 < .cpu_ns'
}
