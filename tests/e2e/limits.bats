# SPDX-License-Identifier: Apache-2.0
#
# Refused spawns: exit 4, the message, the event, nothing left.

load helper

# denied REASON: the trace has one event SpawnDenied with this reason, and none
# that something ran.
denied() {
	jq -e --arg reason "$1" '
		[.traceEvents[] | select(.name | test("denied"))] as $denied |
		($denied | length) == 1 and
		$denied[0].args.reason == $reason and
		([.traceEvents[] | select(.name == "running")] | length) == 0
	' trace.json >/dev/null ||
		fail "no SpawnDenied of $1:" "$(cat trace.json)"
}

# refused_spawn REASON TEXT ARGUMENTS...: everything but the trace is left as
# it was; it has the event.
refused_spawn() {
	local reason=$1 text=$2
	shift 2
	refused 4 "$text" run --kernel "$TINY" "$@"
	refused 4 "$text" run --kernel "$TINY" --serial file:serial.txt \
		--report report.json "$@"
	run --separate-stderr "$DISVM" run --kernel "$TINY" \
		--trace trace.json "$@" </dev/null
	expect_status 4
	[ "$(ls)" = trace.json ] || fail "left: $(ls)"
	denied "$reason"
}

# bats test_tags=kvm
# R: MEM-1, MEM-2
@test "test_spawn_beyond_slab_of_vms_is_refused" {
	refused_spawn slab-exhausted \
		"vm1: out of memory: slab exhausted (1/1 VMs)" \
		--slab-vms 1 --copies 2
}

# bats test_tags=kvm
# R: MEM-1, MEM-2, CARD-5
@test "test_spawn_beyond_slab_of_vcpus_is_refused" {
	refused_spawn slab-exhausted "out of memory: slab exhausted" \
		--slab-vcpus 7 --vcpus 4 --copies 2
	[[ $stderr == *"4/7 vCPUs"* ]] || fail "$stderr"
}

# bats test_tags=kvm
# R: MEM-3
@test "test_spawn_beyond_memory_limit_is_refused" {
	refused_spawn mem-exhausted "vm1: out of memory: " \
		--slab-mem 63M --mem 32M --copies 2
}

# bats test_tags=kvm
# R: MEM-2
@test "test_first_spawn_beyond_memory_limit_is_refused" {
	refused_spawn mem-exhausted "vm0: out of memory: " \
		--slab-mem 31M --mem 32M
}

# bats test_tags=kvm
# R: MEM-1, MEM-3
@test "test_spawns_that_just_fit_run" {
	report --kernel "$TINY" --cmdline "work=idle time=1ms" --mem 32M \
		--vcpus 4 --copies 2 --slab-vms 2 --slab-vcpus 8 --slab-mem 64M
	holds '[.vms[].state] == ["finished", "finished"]'
}

# bats test_tags=kvm
# R: MEM-4
@test "test_host_without_descriptors_is_named_and_nothing_left" {
	before=$(files)
	run --separate-stderr bash -c '
		ulimit -n 20
		exec "$DISVM" run --kernel "$TINY" --copies 100 \
			--cmdline "work=idle time=1ms"'
	expect_status 3
	[ "${#stderr_lines[@]}" -eq 1 ] || fail "not one line: $stderr"
	[[ $stderr == *": Too many open files" ]] || fail "$stderr"
	[ "$(files)" = "$before" ] || fail "left: $(files)"
}

# What lies at /dev/kvm in a namespace of its own: nothing, or another device.
without_kvm() {
	unshare -rm bash -c "$1"'
		exec "$DISVM" run --kernel "$TINY" --time-limit 1s'
}

@test "test_host_with_other_device_for_kvm_is_named" {
	: >null
	# Also where there is no /dev/kvm to put it on.
	run --separate-stderr without_kvm 'mount --bind /dev/null null &&
		mount -t tmpfs none /dev && : >/dev/kvm &&
		mount --bind null /dev/kvm || exit'
	expect_status 3
	[[ $stderr == "disvm run: /dev/kvm: API version is "* ]] ||
		fail "$stderr"
}

@test "test_host_without_kvm_is_named" {
	run --separate-stderr without_kvm 'mount -t tmpfs none /dev'
	expect_status 3
	[ "$stderr" = "disvm run: /dev/kvm: No such file or directory" ] ||
		fail "$stderr"
}
