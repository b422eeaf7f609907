# SPDX-License-Identifier: Apache-2.0
#
# disvm bench: whether it works and refuses, never how fast it is.

load helper

# bench_json ARGUMENTS...: disvm bench switch --quick --json, in bench.json.
bench_json() {
	run --separate-stderr "$DISVM" bench switch --quick --json "$@" </dev/null
	expect_status 0
	[ -n "$output" ] || fail "nothing written"
	printf '%s\n' "$output" >bench.json
}

# true_of_bench FILTER [ARGUMENTS OF JQ...]: FILTER is true of bench.json.
true_of_bench() {
	local filter=$1
	shift
	jq -e "$@" "$filter" bench.json >/dev/null ||
		fail "does not hold: $filter" "$(cat bench.json)"
}

# bats test_tags=kvm
# R: EVO-A2, PRE-4
@test "test_bench_switch_quick_has_schema_and_plausible_figures" {
	bench_json
	true_of_bench '.schema == "disvm.bench.switch/1" and .quick and .rounds == 2'
	true_of_bench 'all(.host | .kernel, .kvm_backend, .cpus, .commit;
		length > 0)'
	true_of_bench '.load.wall_ns > 0'
	true_of_bench '(.figures | keys) == ([
		"exit_bare", "exit_run", "exit_dis", "exit_dis_counters",
		"exit_dis_events", "preempt_bare", "preempt_dis", "work_dis",
		"work_undeclared", "work_threads", "sched_2", "sched_2_counters",
		"sched_2_events", "sched_16", "sched_100", "sched_1000",
		"sched_10000", "sched_2_priority", "sched_10000_priority",
		"sched_2_priority_random", "sched_10000_priority_random",
		"sched_2_edf", "sched_10000_edf", "sched_2_edf_random",
		"sched_10000_edf_random", "sched_2_fair", "sched_10000_fair",
		"sched_2_fair_random", "sched_10000_fair_random",
		"sleep_2", "sleep_16", "sleep_100", "sleep_1000", "sleep_10000"] | sort)'
	true_of_bench 'all(.figures[]; .min_ns > 0 and .min_ns <= .median_ns and
		.median_ns <= .max_ns and .stalls >= 0 and
		(.rounds_ns | length) == 2)'
	true_of_bench 'all(.ratios[]; .min > 0 and .min <= .median and .median <= .max)'
	true_of_bench '.ratios.exit | .of == "exit_dis" and .to == "exit_bare"'
	true_of_bench '[.ratios[] | .of, .to] - (.figures | keys) == []'
}

# bats test_tags=kvm
@test "test_bench_switch_rounds_and_cpu_are_taken" {
	local cpu
	cpu=$(taskset -cp $$ | sed 's/.*[ ,-]//')
	bench_json --rounds 3 --cpu="$cpu"
	true_of_bench '.rounds == 3 and .cpu == $cpu' --argjson cpu "$cpu"
	true_of_bench 'all(.figures[]; (.rounds_ns | length) == 3)'
}

# bats test_tags=kvm
@test "test_bench_switch_table_shows_progress_apart" {
	run --separate-stderr "$DISVM" bench switch --quick --rounds 2 </dev/null
	expect_status 0
	[[ $output == *"exit, DIS to bare loop"* ]] || fail "$output"
	[[ $output != *"left"* ]] || fail "$output"
	[[ $stderr == *"round 2 of 2, about "*" s left" ]] || fail "$stderr"
}

@test "test_bench_help_lists_benches" {
	run --separate-stderr "$DISVM" bench --help
	expect_status 0
	[[ $output == *"  switch "* ]] || fail "$output"
}

@test "test_bench_without_name_is_refused" {
	refused 2 "name of a bench is missing" bench
	refused 2 "name of a bench is missing" bench --json
}

@test "test_bench_unknown_is_refused" {
	refused 2 "unknown bench 'swich'" bench swich
}

@test "test_bench_unknown_option_is_refused" {
	refused 2 "unknown option '--fast'" bench switch --fast
	refused 2 "unknown option '--round'" bench switch --round 2
	refused 2 "unexpected argument 'twice'" bench switch twice
}

@test "test_bench_bad_figure_is_refused" {
	refused 2 "--rounds: '0'" bench switch --rounds 0
	refused 2 "--rounds: '101'" bench switch --rounds=101
	refused 2 "--rounds: ''" bench switch --rounds
	refused 2 "--cpu: 'one'" bench switch --cpu one
	refused 2 "--cpu: CPU 8000 is not online" bench switch --cpu 8000
}

# bats test_tags=kvm
@test "test_bench_cpu_is_for_switch_alone" {
	refused 2 "--cpu: latency uses all CPUs" bench latency --cpu 0
}

# bats test_tags=kvm
@test "test_bench_bad_kernel_is_refused" {
	refused 2 "--kernel: '/nowhere/k.elf': No such file" bench latency \
		--kernel /nowhere/k.elf
	refused 2 "--kernel: ''" bench latency --kernel
	echo nonsense >k.elf
	refused 3 "latency: alone" bench latency --quick --rounds 1 --kernel k.elf
}

# bats test_tags=kvm
@test "test_bench_bad_html_is_refused_before_work" {
	refused 2 "--html: '/nowhere/x.html': No such file" bench latency --quick \
		--html /nowhere/x.html
	refused 2 "--html: ''" bench latency --quick --html
}

# bats test_tags=kvm
@test "test_bench_failure_leaves_no_page" {
	echo nonsense >k.elf
	run "$DISVM" bench latency --quick --kernel k.elf --html page.html
	[ "$status" -eq 3 ] || fail "status $status"
	[ ! -e page.html ] || fail "a page is left"
}
