# SPDX-License-Identifier: Apache-2.0
#
# Policy modules as a user has them: built outside, loaded by disvm run.
# in a nested machine: 60 s

load helper

MODULES=$BUILD/tests/modules

# with MODULE ARGUMENTS...: six hogs of class batch under it for a second.
with() {
	local file=$1
	shift
	report --kernel "$TINY" --cmdline work=hog --vcpus 6 \
		--policy-module "$file" \
		--policy "batch=$(basename "$file" .so)" --time-limit 1s "$@"
}

# lines_about NAME: of standard error.
lines_about() {
	# shellcheck disable=SC2154 # stderr is set by run
	grep -c "policy module '$1'" <<<"$stderr" || true
}

# bats test_tags=kvm
# R: DIS-16
@test "test_example_built_from_installed_headers_shares_by_weight" {
	local mine=${DISVM_TEST_EXAMPLE:-$PWD/mine}
	# A nested machine has no compiler: built before, by the same.
	[ -n "${DISVM_TEST_EXAMPLE:-}" ] || "$ROOT/tests/tools/build-example.sh" "$mine"
	with "$mine/stride.so" --cpus 0 --intent 0-2=batch \
		--intent 3-5=batch:weight=3072 --time-limit 6s --trace trace.json
	holds '.policies.batch == "stride"'
	holds '.policy_modules | length == 1 and
	       (.[0] | .name == "stride" and .version == "1.0" and
	       (.failed | not))'
	heavier_have_thrice 3
	[ "$(lines_about stride)" -eq 0 ] || fail "$stderr"
}

# failures: in trace.json, of each failure of a module: which, why and where.
failures() {
	jq -r '.traceEvents[] | select(.name == "policy module failed").args |
	       "\(.module) \(.reason) \(.intent)"' trace.json
}

# all_take_turns: in trace.json, once the module has failed and all six have started,
# they run in turns. Not by time: what the host takes is charged to whoever ran.
all_take_turns() {
	jq -ce '[.traceEvents[] |
		 select(.cat == "state" and .name == "running")] as $runs |
		([.traceEvents[] | select(.name == "policy module failed").ts] +
		 ($runs | group_by(.tid) | map(map(.ts) | min)) | max) as $from |
		$runs | map(select(.ts > $from)) | group_by(.tid) | map(length) |
		., (length == 6 and max - min <= 2)' trace.json >turns.txt ||
		fail "turns of each:" "$(cat turns.txt)"
}

# bats test_tags=kvm
# R: DIS-16
@test "test_module_that_picks_what_is_not_its_own_guests_go_on" {
	with "$MODULES/foreign.so" --cpus 0 --time-limit 3s --trace trace.json
	holds '.policies.batch == "rr"'
	holds '.policy_modules[0] | .failed and .reason == "policy-foreign"'
	all_take_turns
	[ "$(lines_about foreign)" -eq 1 ] || fail "$stderr"
	[[ $stderr == *"picked a vCPU that is not in its queue (class batch, core "* ]]
	[[ $stderr == *"): batch is back to rr"* ]]
}

# bats test_tags=kvm
@test "test_module_that_sleeps_guests_go_on" {
	with "$MODULES/slow.so" --trace trace.json
	holds '.policies.batch == "rr"'
	holds '.policy_modules[0] | .failed and .reason == "policy-overrun"'
	[ "$(lines_about slow)" -eq 1 ] || fail "$stderr"
	[ "$(failures)" = "slow policy-overrun batch" ] || fail "$(failures)"
}

# bats test_tags=kvm
# R: DIS-16: known after 10 s. On one core, where another waits as well: a queue
# that is left without any is known as empty, at once.
@test "test_module_that_loses_a_vcpu_guests_go_on" {
	with "$MODULES/loses.so" --cpus 0 --time-limit 16s --trace trace.json
	holds '.policies.batch == "rr"'
	holds '.policy_modules[0] | .failed and .reason == "policy-lost"'
	all_take_turns
	[ "$(lines_about loses)" -eq 1 ] || fail "$stderr"
	[[ $stderr == *"lost a vCPU of its queue (class batch, core "* ]]
	[ "$(failures)" = "loses policy-lost batch" ] || fail "$(failures)"
}

# bats test_tags=kvm
@test "test_module_that_keeps_the_rules_stays" {
	with "$MODULES/keeps.so"
	holds '.policies.batch == "keeps"'
	holds '.policy_modules[0].failed | not'
	[ "$(lines_about keeps)" -eq 0 ] || fail "$stderr"
}

# bats test_tags=kvm
@test "test_module_that_never_returns_is_named_and_ends_the_run" {
	run --separate-stderr timeout -s KILL 30 "$DISVM" run \
		--kernel "$TINY" --cmdline work=hog --vcpus 6 \
		--policy-module "$MODULES/stuck.so" --policy batch=stuck \
		--time-limit 1s </dev/null
	expect_status 2
	[[ $stderr == *"policy module 'stuck' does not return on core "* ]] ||
		fail "$stderr"
}

# unloadable TEXT FILE
unloadable() {
	refused 2 "--policy-module: $1" run --kernel "$TINY" --policy-module "$2"
}

@test "test_file_that_is_no_module_is_refused" {
	echo text >text.so
	mkfifo pipe.so
	unloadable "absent.so: No such file or directory" absent.so
	unloadable "the file name is empty" ""
	unloadable ".: not a regular file" .
	unloadable "pipe.so: not a regular file" pipe.so
	unloadable "text.so: " text.so
	unloadable "$MODULES/no_symbol.so: no policy module: the symbol \
'dis_policy_module' is missing" "$MODULES/no_symbol.so"
	unloadable "$MODULES/undefined.so: " "$MODULES/undefined.so"
	unloadable "$MODULES/wrong_abi.so: made for policy ABI " \
		"$MODULES/wrong_abi.so"
	unloadable "$MODULES/no_pick.so: operation init is missing" \
		"$MODULES/no_pick.so"
}

@test "test_module_twice_is_refused" {
	refused 2 "there is a policy 'keeps' already" run --kernel "$TINY" \
		--policy-module "$MODULES/keeps.so" \
		--policy-module "$MODULES/keeps.so"
}

# bats test_tags=kvm
@test "test_policy_of_a_module_may_be_named_before_it_is_loaded" {
	report --kernel "$TINY" --cmdline "work=spin time=50ms" \
		--policy background=keeps --policy-module "$MODULES/keeps.so"
	holds '.policies.background == "keeps"'
}

@test "test_policy_of_no_module_is_refused_with_the_names_there_are" {
	refused 2 "policy of batch: 'stride' is unknown (there is: rr, \
priority, edf, fair, keeps)" run --kernel "$TINY" \
		--policy-module "$MODULES/keeps.so" --policy batch=stride
}

# bats test_tags=kvm
@test "test_module_in_configuration_file_is_loaded" {
	cat >run.json <<-END
		{"kernel": "$TINY", "cmdline": "work=spin time=50ms",
		 "policy": ["batch=keeps"],
		 "policy-module": ["$MODULES/keeps.so"]}
	END
	report --config-file run.json
	holds '.policies.batch == "keeps"'
}

@test "test_module_with_thread_executor_is_refused" {
	refused 2 "--policy-module has no effect with --executor threads" run \
		--kernel "$TINY" --executor threads \
		--policy-module "$MODULES/keeps.so"
}
