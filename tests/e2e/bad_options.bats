# SPDX-License-Identifier: Apache-2.0
#
# Wrong usage: one line that names option and value, exit 2, nothing left.

load helper

# usage TEXT ARGUMENTS...: the tiny guest is not booted with these.
usage() {
	local text=$1
	shift
	refused 2 "$text" run --kernel "$TINY" "$@"
}

@test "test_verb_missing_is_refused" {
	refused 2 "a verb is missing"
}

@test "test_verb_unknown_is_refused" {
	refused 2 "unknown verb 'fly'" fly
}

@test "test_run_without_kernel_is_refused" {
	refused 2 "--kernel FILE is missing, or --disk FILE to boot from" run
}

@test "test_option_unknown_is_refused" {
	usage "unknown option '--vcpu'" --vcpu 2
	usage "unknown option '--nonsense=1'" --nonsense=1
	usage "unknown option '-x'" -x
}

@test "test_option_without_argument_is_refused" {
	usage "--vcpus needs an argument" --vcpus
}

@test "test_argument_that_is_no_option_is_refused" {
	usage "unexpected argument 'extra'" extra
}

@test "test_vcpus_out_of_range_is_refused" {
	local n
	for n in 0 257 100000 -1 1.5 two "" 18446744073709551617; do
		usage "--vcpus: '$n' is not a number from 1 to 256" --vcpus "$n"
	done
}

@test "test_copies_out_of_range_is_refused" {
	local n
	for n in 0 100001 -1 x; do
		usage "--copies: '$n'" --copies "$n"
	done
}

@test "test_mem_out_of_range_is_refused" {
	local size
	for size in 0 1 1023K 2048G 17179869184G 33554433; do
		usage "--mem: $size is not" --mem "$size"
	done
	for size in "" x 32X -32M; do
		usage "--mem: '$size' is not a size" --mem "$size"
	done
}

# R: DIS-7
@test "test_intent_of_unknown_class_is_refused" {
	usage "--intent: " --intent urgent
	[[ $stderr == *urgent* ]] || fail "$stderr"
}

# R: DIS-7
@test "test_intent_wcet_beyond_deadline_is_refused" {
	usage "wcet" --intent realtime:period=10ms,deadline=2ms,wcet=3ms
}

# R: DIS-7
@test "test_intent_deadline_beyond_period_is_refused" {
	usage "deadline" --intent realtime:period=10ms,deadline=20ms,wcet=1ms
}

# R: DIS-7
@test "test_intent_without_period_or_wcet_is_refused" {
	usage "period" --intent realtime:wcet=1ms
	usage "wcet" --intent realtime:period=10ms
	usage "wcet" --intent realtime:period=10ms,wcet=0
}

# R: DIS-7
@test "test_intent_with_zero_target_is_refused" {
	usage "target" --intent interactive:target=0
}

@test "test_intent_with_foreign_key_is_refused" {
	usage "period" --intent batch:period=10ms
	usage "colour" --intent batch:colour=red
}

# R: DIS-7
@test "test_intent_core_outside_pool_is_refused" {
	usage "cores" --cpus 0 --intent batch:cores=1
}

@test "test_intent_for_absent_vcpu_is_refused" {
	usage "there is no vCPU 4" --vcpus 4 --intent 4=batch
	usage "--intent: " --intent 0-=batch
}

@test "test_cpus_outside_host_is_refused" {
	usage "--cpus: CPU 1023 is not online" --cpus 1023
	usage "--cpus: '99999999'" --cpus 99999999
}

@test "test_cpus_outside_affinity_is_refused" {
	local allowed cpus
	read -r _ allowed < <(grep Cpus_allowed_list: /proc/self/status)
	IFS=',-' read -ra cpus <<<"$allowed"
	[ "${#cpus[@]}" -gt 1 ] || fail "this test needs two CPUs: $allowed"
	before=$(files)
	run --separate-stderr taskset -c "${cpus[0]}" "$DISVM" run \
		--kernel "$TINY" --cpus "${cpus[0]},${cpus[-1]}"
	expect_status 2
	[[ $stderr == *"--cpus: CPU ${cpus[-1]} is not in the affinity"* ]] ||
		fail "$stderr"
}

@test "test_cpus_that_is_no_list_is_refused" {
	local list
	for list in "" x 1-0 0, 0-; do
		usage "--cpus: '$list'" --cpus "$list"
	done
}

@test "test_quantum_out_of_range_is_refused" {
	usage "--quantum: 99us is shorter than 100us" --quantum 99us
	usage "--quantum: 11s is longer than 10s" --quantum 11s
	usage "--quantum: '5' is not a duration" --quantum 5
}

@test "test_rules_of_a_class_that_cannot_be_are_refused" {
	usage "--class-quantum: realtime has none" --class-quantum realtime=1ms
	usage "--floor: '501' is not a number" --floor batch=501
}

@test "test_time_limit_out_of_range_is_refused" {
	usage "--time-limit: 0 is shorter" --time-limit 0
	usage "--time-limit: '-1s'" --time-limit -1s
}

@test "test_policy_unknown_is_refused" {
	usage "policy of batch: 'lottery' is unknown" --policy batch=lottery
	usage "--policy: 'urgent' is unknown" --policy urgent=rr
	usage "--policy: 'rr' is not CLASS=NAME" --policy rr
}

@test "test_slab_of_zero_is_refused" {
	usage "--slab-vms: '0'" --slab-vms 0
	usage "--slab-vcpus: '0'" --slab-vcpus 0
	usage "--slab-mem: 0 is not" --slab-mem 0
}

@test "test_executor_unknown_is_refused" {
	usage "--executor: 'fibres' is unknown" --executor fibres
}

@test "test_irqchip_kernel_with_dis_is_refused" {
	usage "--irqchip kernel needs --executor threads" --irqchip kernel
}

@test "test_irqchip_unknown_is_refused" {
	usage "--irqchip: 'split' is unknown" --irqchip split
}

@test "test_quantum_with_threads_is_refused" {
	usage "--quantum has no effect" --executor threads --quantum 1ms
}

@test "test_profile_unknown_is_refused" {
	usage "--profile: 'yes' is unknown (there is: off, on)" --profile yes
}

@test "test_serial_unknown_is_refused" {
	usage "--serial: 'tty' is not" --serial tty
	usage "--serial: the file name is empty" --serial file:
}

# bats test_tags=kvm
@test "test_serial_unwritable_is_refused" {
	usage "--serial: none/s.txt: No such file" --serial file:none/s.txt
	mkdir d
	usage "--serial: d: Is a directory" --serial file:d
}

@test "test_report_of_unknown_form_is_refused" {
	usage "--report: 'yaml' is not" --report yaml
}

# bats test_tags=kvm
# Before the guests run: their work would be lost.
@test "test_report_unwritable_is_refused" {
	usage "--report: none/r.json: No such file" --report none/r.json
	mkdir d.json
	usage "--report: d.json: Is a directory" --report d.json
}

# bats test_tags=kvm
@test "test_trace_unwritable_is_refused" {
	usage "--trace: " --trace none/t.json
	[[ $stderr == *none/t.json* ]] || fail "$stderr"
	mkdir d
	usage "--trace: " --trace d
}

@test "test_outputs_in_one_file_are_refused" {
	usage "--trace and --report are the same" --trace x.json --report x.json
}

# bats test_tags=kvm
# Of several outputs, those that could be made are not left behind.
@test "test_output_unwritable_leaves_no_other_output" {
	usage "--report: " --serial file:s.txt --trace t.json \
		--report none/r.json
	usage "--trace: " --serial file:s.txt --trace none/t.json \
		--report r.json
	usage "--serial: " --serial file:none/s.txt --trace t.json \
		--report r.json
}

# config TEXT JSON: a configuration file with this is refused.
config() {
	printf '%s' "$2" >c.json
	usage "c.json" --config-file c.json
	[[ $stderr == *"$1"* ]] || fail "the line lacks '$1': $stderr"
}

@test "test_config_file_missing_is_refused" {
	usage "none.json: No such file" --config-file none.json
}

@test "test_config_file_that_is_no_json_is_refused" {
	config "c.json:1:" '{"vcpus": 2'
	config "c.json:1:" ''
	config "must be an object" '[]'
	config "c.json:1:" '{"vcpus": 1, "vcpus": 2}'
}

@test "test_config_file_with_unknown_key_is_refused" {
	config "unknown key 'vcpu'" '{"vcpu": 2}'
	config "command line only" '{"config-file": "d.json"}'
}

@test "test_config_file_with_bad_value_is_refused" {
	config "vcpus: '0' is not a number from 1 to 256" '{"vcpus": 0}'
	config "vcpus: must be a string or a whole number" '{"vcpus": 1.5}'
	config "vcpus: takes one value" '{"vcpus": [1]}'
	config "intent[1]: " '{"intent": ["batch", "urgent"]}'
}
