# SPDX-License-Identifier: Apache-2.0
#
# The calls of the hypercall device as a guest makes them: yield, timed halts, and
# hints about its intent. The report and the end of the guest are calls as well; what
# comes of these is in run.bats and failing_guest.bats, there also what comes of
# calls that are undefined.
# in a nested machine: 55 s

# bats file_tags=kvm

load helper

# answered VCPU HINT STATUS: the guest printed this answer, once.
answered() {
	local line="guest vcpu $1 hint $2 status $3"
	[ "$(grep -Fxc -- "$line" <<<"$output")" -eq 1 ] ||
		fail "not once '$line' in:" "$output"
}

# finished: all vCPUs worked to the end, under the intent of the launch.
finished() {
	holds '.vms[0].state == "finished" and
	       all(.vms[0].vcpus[]; .guest.done and .guest.work > 0)'
	# shellcheck disable=SC2016 # jq's variable
	holds '[.vms[0].vcpus[].intent] | unique == [$intent]' \
		--arg intent "$1"
}

# share_equally: two hogs on one core use up their slices in turn. Turns, not
# times: a host that takes the core away for a while hits one of them.
share_equally() {
	holds '[.vms[0].vcpus[].throttles] |
	       min >= 20 and max - min <= 2'
}

# R: DIS-10: each call is a yield, and lets the other one run.
@test "test_yielding_vcpus_take_turns" {
	report --kernel "$TINY" --vcpus 2 --cpus 0 \
		--cmdline "work=yield time=500ms"
	finished batch
	holds 'all(.vms[0].vcpus[]; .yields == .guest.work and
	       .dispatches >= .yields and .preemptions < .yields)'
	holds '[.vms[0].vcpus[].yields] | max * 0.9 < min'
}

# R: DIS-10: who yields to a hog leaves it nearly the whole core.
@test "test_yielding_vcpu_leaves_core_to_hog" {
	report --kernel "$TINY" --vcpus 2 --cpus 0 \
		--cmdline "work=hog work@0=yield time=1s"
	finished batch
	holds '.vms[0].vcpus | .[0].yields > 0 and
	       .[0].cpu_ns * 4 < .[1].cpu_ns'
}

# R: DIS-10: who is next to get a lock, and off its core, is yielded to by those
# that spin behind it: many turns in a slice.
@test "test_ticket_waiters_yield_to_the_next" {
	report --kernel "$TINY" --vcpus 3 --cpus 0 \
		--cmdline "work=ticket time=1s"
	finished batch
	[[ $output != *"mutual exclusion violated"* ]] || fail "$output"
	holds '.vms[0].vcpus | all(.[]; .yields > .throttles) and
	       (map(.guest.work) | min * 2 > max)'
	holds '.cores[0].handoffs > .cores[0].preemptions'
}

# R: DIS-10: who blocks for a mutex waits, says so, and is woken for its turn.
@test "test_parking_vcpus_take_turns" {
	report --kernel "$TINY" --vcpus 2 --cpus 0 --trace trace.json \
		--cmdline "work=park time=500ms"
	finished batch
	holds '.vms[0].vcpus | (.[0].guest.work - .[1].guest.work | fabs) <= 1'
	# A slice that ends between wake and block saves the block.
	holds 'all(.vms[0].vcpus[]; .blocks * 2 > .guest.work and
	       .wakes >= .blocks - 1)'
	grep -q '"mutex"' trace.json
}

# returns_once: each sleep of vCPU 0 was one exit; what MSRs it wrote is the boot's.
# How many sleeps there were is the host's to say.
returns_once() {
	finished batch
	holds '.vms[0].vcpus[0] | .guest.wakes > .exits.msr and
	       .exits.hlt * 2 > .guest.wakes and
	       .exits.hlt < .guest.wakes * 1.1 + 10'
}

@test "test_sleeper_returns_to_the_monitor_once_per_wake" {
	local words
	for words in "work=sleep:1ms" "work=sleep:1ms early=1ms" \
		"work=periodic:2ms,100us"; do
		report --kernel "$TINY" --intent batch \
			--cmdline "$words time=1s"
		returns_once
	done
	report --kernel "$TINY" --intent batch --executor threads \
		--cmdline "work=sleep:1ms time=1s"
	returns_once
}

# KVM halts it then, so the monitor does not offer to set the timer.
@test "test_sleeper_on_kernel_irqchip_sleeps_by_msr" {
	report --kernel "$TINY" --intent batch --executor threads \
		--irqchip kernel --cmdline "work=sleep:1ms time=500ms"
	finished batch
	holds '.vms[0].vcpus[0].exits.hlt == 0'
}

# R: CARD-3, DIS-10
@test "test_hint_to_lower_class_is_accepted" {
	report --kernel "$TINY" --vcpus 2 --cpus 0 --intent batch \
		--cmdline "work=hog work@0=hint:background time=1s"
	answered 0 background 0
	finished batch
	holds '.vms[0].vcpus | .[0].guest.work * 4 < .[1].guest.work'
}

# R: CARD-3: what the class was granted with may be given up as well.
@test "test_hint_to_looser_parameters_is_accepted" {
	report --kernel "$TINY" --intent interactive:target=1ms \
		--cmdline "work=hint:interactive,latency=2ms time=50ms"
	answered 0 interactive 0
	finished interactive:target=1ms
}

# R: CARD-3, DIS-10
@test "test_hint_beyond_grant_is_refused_and_changes_nothing" {
	report --kernel "$TINY" --vcpus 2 --cpus 0 --intent batch \
		--cmdline "work=hog work@0=hint:interactive,latency=1ms time=1s"
	answered 0 interactive -1
	finished batch
	share_equally
}

# R: CARD-3
@test "test_hint_to_tighter_parameters_is_refused" {
	local hint=realtime,period=10ms,deadline=10ms,wcet=2ms
	report --kernel "$TINY" --intent realtime:period=10ms,wcet=1ms \
		--cmdline "work=hint:$hint time=50ms"
	answered 0 realtime -1
	finished realtime:period=10ms,deadline=10ms,wcet=1ms
}

# R: CARD-3, DIS-7
@test "test_hint_with_invalid_contents_is_einval" {
	local hint
	for hint in background,latency=1ms batch,period=1ms interactive \
		realtime,period=1ms,deadline=1ms,wcet=2ms; do
		report --kernel "$TINY" --cmdline "work=hint:$hint time=20ms"
		answered 0 "${hint%%,*}" -22
		finished batch
	done
}

# R: CARD-3, DIS-10: the calls do not depend on who schedules.
@test "test_yield_and_hint_on_threads_are_answered" {
	report --kernel "$TINY" --vcpus 3 --executor threads --intent batch \
		--cmdline "work=yield work@1=hint:background \
			work@2=hint:system time=200ms"
	answered 1 background 0
	answered 2 system -1
	finished batch
	holds '.vms[0].vcpus[0] | .yields == .guest.work'
}

@test "test_hint_in_bad_words_is_named" {
	local word
	for word in hint hint: hint:bogus "hint:batch," hint:batch,latency \
		hint:batch,latency=1 hint:batch,target=1ms hint:batchwise \
		yield:1; do
		report_of 1 --kernel "$TINY" --cmdline "work=$word"
		[[ $output == *"guest: unknown workload: work=$word"* ]] ||
			fail "$output"
		holds '.vms[0].exit_code == 2'
	done
}

# without_device WORK: the guest under QEMU, which has no hypercall device.
without_device() {
	run --separate-stderr timeout -s KILL 60 qemu-system-x86_64 \
		-accel kvm -M microvm -cpu host,-arch-capabilities -m 64 \
		-nodefaults -no-reboot -display none -serial stdio \
		-device isa-debug-exit,iobase=0xf4,iosize=1 \
		-kernel "$TINY" -append "work=$1 time=100ms"
}

@test "test_yield_without_device_pauses" {
	without_device yield
	expect_status 1 # exit code 0
	grep -Eq '^vcpu 0 yield work=[1-9]' <<<"$output" || fail "$output"
}

@test "test_sleep_without_device_sleeps_by_msr" {
	without_device sleep:1ms
	expect_status 1 # exit code 0
	grep -Eq '^vcpu 0 sleep:1ms work=[1-9]' <<<"$output" || fail "$output"
}

@test "test_hint_without_device_says_so" {
	without_device hint:background
	expect_status 7 # exit code 3
	[[ $output == *"guest: no hypercall device: hint:background"* ]] ||
		fail "$output"
}

# A sleeper beside a hog, on one core. early ARGUMENT: with that word or none.
early() {
	report --kernel "$TINY" --vcpus 2 --cpus 0 --time-limit 20s \
		--intent 0=interactive:target=1ms --intent 1=background \
		--cmdline "work=hog work@0=sleep:1ms time=1s $1"
	holds '.vms[0].vcpus | all(.[]; .guest.done) and .[0].wakes > 0'
	# Whose waits they were, and on which core, is told alike.
	holds '.cores[0].ahead_ns == ([.vms[0].vcpus[].ahead_ns] | add)'
}

# Who agrees is entered so early that it is ready in time.
@test "test_agreeing_guest_is_entered_early" {
	early early=1ms
	holds '.vms[0].vcpus | .[0].early_wakes > 0 and .[0].ahead_ns > 0 and
	       .[0].early_wakes <= .[0].wakes and .[1].early_wakes == 0'
}

@test "test_guest_that_did_not_agree_is_not_entered_early" {
	early ""
	holds '[.vms[0].vcpus[].early_wakes] | add == 0'
}
