# SPDX-License-Identifier: Apache-2.0
#
# disvm sim: a trace of real guests is replayed; bad traces are refused.
# in a nested machine: 30 s

load helper

record() {
	"$DISVM" run --kernel "$TINY" --vcpus 6 --serial none --time-limit 2s \
		--intent 0=realtime:period=10ms,deadline=10ms,wcet=1ms \
		--intent 1=interactive:target=1ms --intent 2-4=batch \
		--intent 5=background --trace trace.json --report report.json \
		"$@" </dev/null 2>/dev/null
}

# bats test_tags=kvm
# With the recorded policies each vCPU gets its share again, within 60 permille of
# a core. On one core: which of three hogs has one of two cores alone is chance.
# While another program holds the core, its time is charged to whoever was running,
# past the slice that it was given, as the trace tells: that much a vCPU may have had
# more than in the replay, and less by its part of what all had so.
@test "test_sim_recorded_policy_gives_recorded_shares" {
	record --cpus "$(taskset -cp $$ | grep -oE '[0-9]+$')"
	"$DISVM" sim --trace trace.json --report json >sim.json
	jq -e '.schema == "disvm.sim/1" and (.vcpus | length) == 6' sim.json
	jq -ne --slurpfile s sim.json --slurpfile t trace.json '
		[$t[0].traceEvents[] |
		 select(.cat == "state" and .name == "running")] |
		(group_by(.tid) |
		 map(map(select(.args.choice != "alone") |
		         .dur - .args.slice_us | select(. > 1000)) |
		     (add // 0) * 1e6 / $s[0].wall_ns)) as $over |
		[range(6) as $i | $s[0].vcpus[$i] |
		 .recorded.share_permille as $recorded |
		 .replayed.share_permille as $replayed |
		 {$recorded, $replayed,
		  least: ($replayed * (1 - ($over | add) / 1000) - 60),
		  most: ($replayed + $over[$i] + 60)}] |
		., all(.recorded >= .least and .recorded <= .most)' \
		>shares.txt || fail "shares differ:" "$(cat shares.txt)"
}

# bats test_tags=kvm
# The trace's own figures are those of the report: within 20 ms of 2 s.
@test "test_sim_recorded_figures_are_those_of_the_report" {
	record
	"$DISVM" sim --trace trace.json --report json >sim.json
	run -0 jq -n --slurpfile s sim.json --slurpfile r report.json \
		'[range(6) as $i | ($s[0].vcpus[$i].recorded.cpu_ns -
		($r[0].vms[0].vcpus[$i] | .cpu_ns - (.ahead_ns // 0))) | fabs] |
		max'
	[ "${output%.*}" -le 20000000 ] || fail "CPU time differs by $output ns"
}

# bats test_tags=kvm
@test "test_sim_replay_is_repeatable" {
	record
	"$DISVM" sim --trace trace.json --policy batch=fair --cpus 1 >once
	"$DISVM" sim --trace trace.json --policy batch=fair --cpus 1 >again
	cmp once again
}

# bats test_tags=kvm
# R: DIS-6
@test "test_sim_shares_of_vms_are_replayed" {
	"$DISVM" run --kernel "$TINY" --vcpus 2 --serial none --cpus 0-1 \
		--cmdline work=hog --vm-max 300 --vm-min 100 --time-limit 2s \
		--trace trace.json --report report.json </dev/null
	"$DISVM" sim --trace trace.json --report json >sim.json
	jq -e '[.vcpus[].replayed.share_permille] | add |
		. > 200 and . <= 300' sim.json
	"$DISVM" run --kernel "$TINY" --vcpus 2 --serial none --cpus 0-1 \
		--vm-min 1000 --time-limit 300ms --trace trace.json \
		--report report.json </dev/null
	refused 2 "vm0: out of CPU time" sim --trace trace.json --cpus 1
}

# Two vCPUs of bursts of 11 ms on one core, quantum 10 ms; $1: fixed_slices.
bursts() {
	jq -n --argjson fixed "$1" '
		{policy: "", quantum_ns: 10000000, floor_permille: 0} as $class |
		{otherData: {schema: "disvm.trace/1"}, traceEvents: ([
		{ph: "M", name: "disvm_pool", args: ({cores: 1, quantum_ns: 0,
		 fixed_slices: $fixed} + (["system", "realtime", "interactive",
		 "batch", "background"] | map({(.): $class}) | add))},
		(range(2) | {ph: "M", name: "disvm_vcpu", args: {vm: 0, vcpu: .,
		 intent: "batch"}}, {ph: "M", name: "thread_name", tid: (. + 1),
		 args: {name: "vm0/vcpu\(.) batch"}})] +
		[range(2) as $v | range(100) as $i | ($i * 12000) as $ts |
		{ph: "X", cat: "state", tid: ($v + 1), ts: $ts, dur: 0,
		 args: {intent: "batch"}} |
		(.name = "scheduled" | .args.reason = (if $i == 0 then "spawn"
		 else "timer" end)),
		(.name = "running" | .dur = 11000 | .args.reason = "dispatch"),
		(.name = "sleeping" | .ts += 11000 | .dur = 1000 |
		 .args.reason = "halt" | .args.wake_us = $ts + 12000)])}'
}

# R: PRE-7: a burst takes one slice, or two where they are fixed.
@test "test_sim_fixed_slices_are_replayed" {
	bursts true >fixed.json
	bursts false >adaptive.json
	run -0 jq -s 'map([.vcpus[].replayed.dispatches] | add) |
		.[0] > 1.6 * .[1]' \
		<("$DISVM" sim --trace fixed.json --report json) \
		<("$DISVM" sim --trace adaptive.json --report json)
	[ "$output" = true ]
}

# bats test_tags=kvm
@test "test_sim_bad_traces_are_refused" {
	record
	head -c 5000 trace.json >short.json
	echo '{"traceEvents": []}' >other.json
	jq '.traceEvents |= map(select(.name != "disvm_pool"))' \
		trace.json >poolless.json
	jq '.traceEvents |= map(select(.name != "running"))' \
		trace.json >lossy.json
	refused 2 "short.json: line " sim --trace short.json
	refused 2 "other.json: otherData.schema" sim --trace other.json
	refused 2 "no disvm_pool record" sim --trace poolless.json
	refused 2 "events are missing" sim --trace lossy.json
	refused 2 "none.json: No such file" sim --trace none.json
}

# bats test_tags=kvm
@test "test_sim_trace_of_threads_is_refused" {
	"$DISVM" run --kernel "$TINY" --vcpus 2 --serial none \
		--executor threads --time-limit 200ms --trace threads.json \
		--report report.json </dev/null 2>/dev/null
	refused 2 "--executor threads" sim --trace threads.json
}

@test "test_sim_wrong_usage_is_refused" {
	refused 2 "--trace FILE is missing" sim
	refused 2 "'batch=best'" sim --trace x --policy batch=best
	refused 2 "from 1 to 64" sim --trace x --cpus 65
	refused 2 "--quantum: '1ns'" sim --trace x --quantum 1ns
	refused 2 "not text or json" sim --trace x --report xml
	refused 2 "unknown option '--tra'" sim --tra x
	refused 2 "unexpected argument 'x'" sim x
}
