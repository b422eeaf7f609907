# SPDX-License-Identifier: Apache-2.0
#
# Shares under KVM, by the report's cpu_ns, and options that cannot be kept. The
# bounds have room for a host that fires timers late; tests/sim has the strict ones.

# bats file_tags=kvm

load helper

# R: DIS-6, CARD-3: ratios within one run; what boot takes is not a hog yet.
@test "test_capped_hog_beside_a_free_one_gets_its_maximum" {
	report --kernel "$TINY" --vcpus 2 --cpus 0 --cmdline work=hog \
		--intent 0=interactive:max=200 --intent 1=batch --time-limit 3s
	holds '.vms[0].vcpus[0].cpu_ns / .wall_ns | . > 0.1 and . < 0.26'
	holds '.vms[0].vcpus[1].cpu_ns / .wall_ns > 0.6'
	holds '.vms[0].vcpus[0] | .throttles >= 10 and .throttled_ns > 0'
}

# R: DIS-6, DIS-14
@test "test_hog_with_a_minimum_gets_it_below_a_more_urgent_one" {
	report --kernel "$TINY" --vcpus 2 --cpus 0 --cmdline work=hog \
		--intent 0=interactive --intent 1=background:min=300 \
		--time-limit 3s
	holds '.vms[0].vcpus[1].cpu_ns / .wall_ns | . > 0.2 and . < 0.5'
}

# R: DIS-6
@test "test_vm_maximum_holds_over_all_its_vcpus" {
	report --kernel "$TINY" --vcpus 4 --cpus 0-1 --cmdline work=hog \
		--vm-max 500 --time-limit 3s
	holds '([.vms[0].vcpus[].cpu_ns] | add) / .wall_ns |
	       . > 0.3 and . < 0.65'
	holds '[.vms[0].vcpus[] | select(.guest.work > 0)] | length == 4'
}

# R: DIS-6, CARD-5
@test "test_minimum_without_room_refused" {
	refused 4 'no core has room for the minimum of vCPU 1 (500 per mille' \
		run --kernel "$TINY" --vcpus 2 --cpus 0 --intent batch:min=500
	refused 4 'no core has room' run --kernel "$TINY" --cpus 0 \
		--vm-min 999
}

# R: DIS-6, DIS-7: each with its reason, none accepted and ignored.
@test "test_limits_that_cannot_be_kept_refused" {
	refused 4 '--mem-bandwidth: not supported' \
		run --kernel "$TINY" --mem-bandwidth 1G
	refused 4 'are more than the limit' \
		run --kernel "$TINY" --mem 64M --mem-limit 32M
	refused 2 "--vm-max: '0' is not a number" \
		run --kernel "$TINY" --vm-max 0
	refused 2 'at most' run --kernel "$TINY" --vm-max 1001
	refused 2 "min 300 is more than max 200" \
		run --kernel "$TINY" --intent batch:min=300,max=200
	refused 2 'weight: ' run --kernel "$TINY" --intent batch:weight=0
	refused 2 'this host has no NUMA node 1000' \
		run --kernel "$TINY" --numa-node 1000
	refused 2 'have no effect with --executor threads' \
		run --kernel "$TINY" --executor threads --intent batch:max=10
	refused 2 'max and cores have no effect with --executor threads' \
		run --kernel "$TINY" --executor threads --cpus 0-1 --intent batch:cores=1
	refused 2 '--vm-max has no effect with --executor threads' \
		run --kernel "$TINY" --executor threads --vm-max 10
}

# R: DIS-6: where the host has the node, and lets processes choose.
@test "test_numa_node_of_the_host_accepted" {
	[ -d /sys/devices/system/node/node0 ] || skip "this host has no node 0"
	report --kernel "$TINY" --numa-node 0 --cmdline work=hog \
		--time-limit 200ms
	holds '.vms[0].vcpus[0].guest.work > 0'
}
