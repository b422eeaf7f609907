# SPDX-License-Identifier: Apache-2.0
#
# disvm run from outside: what it boots, what it writes where, how it ends.

load helper

# A guest that sleeps 1 ms at a time wakes more often than that in 100 ms.
FEW=$((20 / ${DISVM_TEST_FEWER:-1}))

done_vcpus() {
	jq '[.vms[].vcpus[].guest | select(.done)] | length' report.json
}

# bats test_tags=kvm
# R: CARD-1
@test "test_guest_with_256_vcpus_reports_all" {
	report --kernel "$TINY" --vcpus 256 --cmdline "work=idle time=1ms"
	[ "$(done_vcpus)" -eq 256 ] || fail "$(done_vcpus) are done"
	holds '[.vms[0].vcpus[].vcpu] == [range(256)]'
}

# bats test_tags=kvm
# R: CARD-2
@test "test_many_copies_report_all" {
	local copies=$((500 / ${DISVM_TEST_FEWER:-1}))
	report --kernel "$TINY" --copies "$copies" --mem 4M \
		--cmdline "work=idle time=1ms"
	[ "$(done_vcpus)" -eq "$copies" ] || fail "$(done_vcpus) are done"
	holds '[.vms[] | select(.state == "finished").name] ==
	       [range($copies) | "vm\(.)"]' --argjson copies "$copies"
}

# bats test_tags=kvm
@test "test_copies_mark_their_serial_lines" {
	report --kernel "$TINY" --copies 3 --vcpus 2 \
		--cmdline "work=idle time=1ms"
	for i in 0 1 2; do
		[[ $output == *"vm$i: disvm-guest up vcpus=2"* ]] ||
			fail "no line of vm$i: $output"
	done
}

# on_threads ARGUMENTS...: the report of the other executor has the same form, but
# for the policies, of which it has none, and samples, of which a slow host takes
# one.
on_threads() {
	report --kernel "$TINY" --vcpus 3 --executor threads "$@" \
		--cmdline "work=hog work@1=sleep:1ms time=200ms"
	holds '.executor == "threads" and .vms[0].state == "finished"'
	holds '[.vms[0].vcpus[] | select(.guest.done and .guest.work > 0 and
	        .cpu_ns > 0)] | length == 3'
	holds '.vms[0].vcpus[1].guest | .wakes > $few and .lateness_ns.p50 > 0' \
		--argjson few "$FEW"
	jq -S 'del(.policies, .seconds.samples) | [paths(type != "array" and type != "object") |
	        map(if type == "number" then 0 else . end)] | unique' \
		report.json >threads.paths
	report --kernel "$TINY" --vcpus 3 \
		--cmdline "work=hog work@1=sleep:1ms time=200ms"
	holds '.executor == "dis"'
	jq -S 'del(.policies, .seconds.samples) | [paths(type != "array" and type != "object") |
	        map(if type == "number" then 0 else . end)] | unique' \
		report.json | diff - threads.paths
}

# bats test_tags=kvm
@test "test_executor_threads_gives_same_report" {
	on_threads --irqchip user
}

# bats test_tags=kvm
@test "test_executor_threads_with_kernel_irqchip_gives_same_report" {
	on_threads --irqchip kernel
}

# bats test_tags=kvm
@test "test_report_has_schema_and_host" {
	report --kernel "$TINY" --vcpus 2 --cpus 0 \
		--intent 0=interactive:target=2ms \
		--cmdline "work=idle time=1ms"
	holds '.schema == "disvm.report/1" and .host.cpus == [0]'
	holds '.host | (.kernel | length > 0) and (.commit | length > 0) and
	       (.kvm_backend | length > 0)'
	holds '[.vms[0].vcpus[].intent] ==
	       ["interactive:target=2ms", "batch"]'
	holds '[.wall_ns, .idle_ns, .charged_ns, .jain, .timer_arms, .kicks,
	        .user_exits] | all(type == "number")'
	holds '.vms[0].vcpus[0] | [.cpu_ns, .wait_ns, .dispatches, .preemptions,
	        .throttles, .yields, .blocks, .wakes, .migrations,
	        .deadline_misses, .guest.work, .guest.wakes, .guest.misses] |
	       all(type == "number")'
}

# bats test_tags=kvm
@test "test_report_json_is_alone_on_standard_output" {
	run --separate-stderr "$DISVM" run --kernel "$TINY" --report json \
		--cmdline "work=idle time=1ms"
	expect_status 0
	jq -e '.vms[0].state == "finished"' <<<"$output"
	[[ $stderr == *"disvm-guest up"* ]] || fail "no serial output: $stderr"
}

# bats test_tags=kvm
@test "test_report_text_has_row_per_vcpu" {
	run --separate-stderr "$DISVM" run --kernel "$TINY" --vcpus 3 \
		--serial none --cmdline "work=idle time=1ms"
	expect_status 0
	[ "$(grep -cE '^0/[0-2] +batch \(default\) +finished ' \
		<<<"$output")" -eq 3 ] || fail "$output"
	[[ $output == *"vm0 finished: power-off"* ]] || fail "$output"
}

# bats test_tags=kvm
@test "test_report_replaces_longer_file" {
	head -c 100000 /dev/zero >report.json
	report --kernel "$TINY" --cmdline "work=idle time=1ms"
}

# bats test_tags=kvm
@test "test_serial_file_has_lines_of_guest" {
	report --kernel "$TINY" --serial file:serial.txt \
		--cmdline "work=idle time=1ms"
	grep -q '^disvm-guest up vcpus=1 ' serial.txt
	[ "$(tail -n 1 serial.txt)" = "disvm-report end" ]
	[ -z "$output" ] || fail "standard output: $output"
}

# bats test_tags=kvm
@test "test_serial_input_is_echoed" {
	run --separate-stderr "$DISVM" run --kernel "$TINY" \
		--cmdline work=echo --report report.json \
		< <(printf 'good morning\nexit\n')
	expect_status 0
	[[ $output == *"good morning"*"exit"* ]] || fail "$output"
	holds '.vms[0].state == "finished" and .vms[0].vcpus[0].guest.work == 2'
}

# bats test_tags=kvm
# More than fits into the receiver and the buffer before it at once.
@test "test_serial_input_of_500_bytes_is_echoed_in_full" {
	{
		seq -f 'line %06g of many' 24
		echo exit
	} >in.txt
	run --separate-stderr "$DISVM" run --kernel "$TINY" \
		--cmdline work=echo --report report.json \
		--time-limit 60s <in.txt
	expect_status 0
	grep -A 2000 '^line 000001' <<<"$output" | diff - in.txt
}

# bats test_tags=kvm
@test "test_config_file_sets_what_command_line_does_not" {
	cat >c.json <<-JSON
	{"kernel": "$TINY", "vcpus": 3, "cpus": "0", "copies": "2",
	 "intent": ["batch", "1=interactive:target=2ms"],
	 "cmdline": "work=idle time=1ms"}
	JSON
	report --config-file c.json --copies 1
	holds '[.vms[].vcpus[].intent] ==
	       ["batch", "interactive:target=2ms", "batch"]'
	holds '.host.cpus == [0]'
}

# bats test_tags=kvm
# R: ST-6
@test "test_trace_has_track_per_core_and_vcpu" {
	report --kernel "$TINY" --vcpus 4 --cpus 0-1 --copies 2 \
		--cmdline "work=hog work@0=sleep:1ms time=100ms" \
		--trace trace.json
	jq -e '
		[.traceEvents[] | select(.name == "thread_name").args.name] |
		([.[] | select(startswith("core"))] | sort) ==
			["core 0 (cpu 0)", "core 1 (cpu 1)"] and
		([.[] | capture("^(?<v>vm[0-9]/vcpu[0-9])").v] | sort) ==
			[range(2) as $m | range(4) | "vm\($m)/vcpu\(.)"]
	' trace.json
	# Each of the ten tracks has slices, which do not overlap.
	jq -e '
		[.traceEvents[] | select(.ph == "X")] | group_by(.tid) |
		length == 10 and all(.[];
			sort_by(.ts) as $s | all(range(1; $s | length);
				$s[. - 1].ts + $s[. - 1].dur <=
				$s[.].ts + 0.0015))
	' trace.json
}

# bats test_tags=kvm
# R: ST-8: sleep: Running, Sleeping, Scheduled, Running.
@test "test_trace_of_sleeper_has_sequence_of_sleep" {
	report --kernel "$TINY" --cpus 0 --cmdline "work=sleep:1ms time=100ms" \
		--trace trace.json
	jq -e --argjson few "$FEW" '
		[.traceEvents[] | select(.cat == "state")] | sort_by(.ts) |
		map(.name) as $states |
		[range(1; ($states | length) - 2) |
		 select($states[.] == "sleeping") | $states[. - 1:. + 3]] |
		length > $few and all(.[]; . ==
			["running", "sleeping", "scheduled", "running"])
	' trace.json
}

# bats test_tags=kvm
@test "test_sigint_ends_run_with_report" {
	"$DISVM" run --kernel "$TINY" --vcpus 2 --cmdline work=hog \
		--serial file:serial.txt --report report.json \
		--trace trace.json </dev/null >out.txt 2>err.txt 3>&- &
	local pid=$!
	until grep -qs 'disvm-guest up' serial.txt; do
		kill -0 $pid || fail "ended: $(cat err.txt)"
		sleep 0.02
	done
	kill -INT $pid
	wait $pid
	holds '.vms[0] | .state == "finished" and .reason == "stopped"'
	jq -e '.traceEvents | length > 0' trace.json
	[ "$(ls)" = "$(printf '%s\n' err.txt out.txt report.json serial.txt \
		trace.json)" ] || fail "$(ls)"
}

# bats test_tags=kvm
# A descriptor of the run's own must not take the number of a standard one.
@test "test_run_without_standard_descriptors_reports" {
	timeout 10 "$DISVM" run --kernel "$TINY" --copies 2 \
		--cmdline "work=idle time=20ms" --serial stdio \
		--report report.json --time-limit 5s <&- >&- 2>&- 3>&- ||
		[ $? -eq 3 ] || fail "not 3, or it hangs"
	holds '[.vms[].reason] == ["power-off", "power-off"]'
}

# bats test_tags=kvm
@test "test_run_without_standard_output_says_so" {
	timeout 10 "$DISVM" run --kernel "$TINY" --cmdline work=hog \
		--time-limit 200ms </dev/null 2>err.txt >&- 3>&- && fail "done"
	[ "$(tail -n 1 err.txt)" = \
		"disvm run: --report: standard output: Bad file descriptor" ] ||
		fail "$(cat err.txt)"
}

# without_poll WORK ARGUMENTS...: disvm as $pid, whose main thread's poll()
# fails: it asks for more descriptors than the limit allows.
without_poll() {
	local work=$1
	shift
	"$DISVM" run --kernel "$TINY" --vcpus 2 --cmdline "$work" \
		--serial file:serial.txt --report report.json "$@" \
		</dev/null >out.txt 2>err.txt 3>&- &
	pid=$!
	until grep -qs 'disvm-guest up' serial.txt; do
		kill -0 $pid || fail "ended: $(cat err.txt)"
		sleep 0.02
	done
	prlimit --pid $pid --nofile=1:1
}

# bats test_tags=kvm
@test "test_run_without_poll_sees_guest_end" {
	without_poll "work=hog time=2s"
	wait $pid
	holds '.vms[0] | .state == "finished" and .reason == "power-off"'
	[ "$(tail -n 1 serial.txt)" = "disvm-report end" ]
}

# bats test_tags=kvm
@test "test_run_without_poll_keeps_time_limit" {
	without_poll work=hog --time-limit 2s
	wait $pid
	holds '.vms[0] | .state == "finished" and .reason == "stopped"'
}

# bats test_tags=kvm
@test "test_run_without_poll_takes_signal" {
	without_poll work=hog
	kill -INT $pid
	wait $pid
	holds '.vms[0] | .state == "finished" and .reason == "stopped"'
}

# slept: how many times the main thread went to sleep.
slept() {
	awk '$1 == "voluntary_ctxt_switches:" { print $2 }' "/proc/$pid/task/$pid/status"
}

# Each slice that ends is a signal to an executor.
# bats test_tags=kvm
@test "test_main_thread_sleeps_on_while_slices_end" {
	local before more
	"$DISVM" run --kernel "$TINY" --vcpus 5 --cpus 0 \
		--cmdline "work=hog work@0=sleep:1ms" --intent 0=interactive:target=1ms \
		--serial file:serial.txt --report report.json </dev/null 2>err.txt 3>&- &
	pid=$!
	until grep -qs 'disvm-guest up' serial.txt; do
		kill -0 $pid || fail "ended: $(cat err.txt)"
		sleep 0.02
	done
	before=$(slept)
	sleep 2
	more=$(($(slept) - before))
	kill -INT $pid
	wait $pid
	holds '[.cores[].timer_expiries] | add > 100 and add > 4 * $more' --argjson more "$more"
}

# bats test_tags=kvm
# R: CARD-9
@test "test_multiboot_image_boots" {
	report --kernel "$MULTIBOOT" --vcpus 2 --cmdline "work=hog time=20ms"
	[ "$(done_vcpus)" -eq 2 ] || fail "$(done_vcpus) are done"
}

# bats test_tags=kvm
# R: CARD-9
@test "test_initrd_does_not_disturb_guest" {
	head -c 100000 /dev/urandom >i.img
	report --kernel "$TINY" --initrd i.img --cmdline "work=idle time=1ms"
	[ "$(done_vcpus)" -eq 1 ]
}

# bats test_tags=kvm
# R: CARD-9, CARD-6
@test "test_guest_chooses_work_by_intents_in_device_tree" {
	report --kernel "$TINY" --vcpus 4 --cmdline "time=50ms" \
		--intent 0=realtime:period=10ms,deadline=10ms,wcet=1ms \
		--intent 1=interactive:target=1ms --intent 2=batch \
		--intent 3=background
	holds '[.vms[0].vcpus[].guest.workload] ==
	       ["periodic:10ms,600us", "sleep:1ms", "hog", "hog"]'
}

# bats test_tags=kvm
@test "test_workloads_with_ipis_and_lock_make_progress" {
	report --kernel "$TINY" --vcpus 5 \
		--cmdline "work@0-1=pingpong work@2-4=spin time=1s"
	holds '[.vms[0].vcpus[] | select(.guest.done and .guest.work > 0)] |
	       length == 5'
	[[ $output != *violated* ]] || fail "$output"
}

@test "test_help_names_every_option_of_the_contract" {
	run --separate-stderr "$DISVM" run --help
	expect_status 0
	for option in kernel initrd cmdline vcpus mem copies intent cpus \
		quantum policy policy-module slab-vms slab-vcpus executor irqchip \
		time-limit serial config-file report trace; do
		[[ $output == *"  --$option "* ]] || fail "no --$option"
	done
}
