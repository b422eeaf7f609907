# SPDX-License-Identifier: Apache-2.0
#
# The tiny guest, unchanged, under QEMU on the host's KVM: boots by each entry,
# on each kind of machine, and prints its report. (R: CARD-9)
#
# tests: at once
# Counts and formats are checked, times are not. QEMU's debug exit makes exit
# status 2 * code + 1 of an exit code.
# in a nested machine: 55 s

# bats file_tags=kvm

load helper

GUEST=${DISVM_GUEST:-$ROOT/build/guest}

# Not the MSR of ARCH_CAPABILITIES: some hosts announce it and refuse it.
HOST_CPU="host,-arch-capabilities"

# qemu CODE MACHINE CPU COMMANDLINE [ARGUMENTS...]: boots $IMAGE; the exit code
# of the guest must be CODE. The serial line is $output.
qemu() {
	local code=$1 machine=$2 cpu=$3 cmdline=$4
	shift 4
	[ -w /dev/kvm ] || fail "/dev/kvm is not there or not writable"
	run --separate-stderr timeout -s KILL 60 qemu-system-x86_64 \
		-accel kvm -M "$machine" -cpu "$cpu" -m 64 -nodefaults \
		-no-reboot -display none -serial stdio \
		-device isa-debug-exit,iobase=0xf4,iosize=1 \
		-kernel "${IMAGE:-$TINY}" -append "$cmdline" "$@"
	expect_status $((2 * code + 1))
}

# has REGEX: one line of the output matches it as a whole.
has() {
	grep -Eqx -- "$1" <<<"$output" || fail "no line '$1' in:" "$output"
}

# reported VCPUS: first and last line and a line for each vCPU are there.
reported() {
	local i
	has "disvm-guest up vcpus=$1 tsc_khz=[1-9][0-9]+"
	has "disvm-report 1 vcpus=$1"
	for ((i = 0; i < $1; i++)); do
		has "vcpu $i [a-z]+[^ ]* work=[0-9]+ wakes=[0-9]+ misses=[0-9]+\
 p50_ns=[0-9]+ p90_ns=[0-9]+ p99_ns=[0-9]+ p999_ns=[0-9]+ max_ns=[0-9]+\
 elapsed_ns=[1-9][0-9]*"
	done
	has "disvm-report end"
	[[ $output != *violated* ]] || fail "$output"
}

# counted VCPU WORKLOAD FIELD: this field of the vCPU's line is not 0.
counted() {
	has "vcpu $1 $2 .*\\b$3=[1-9][0-9]* .*"
}

@test "test_guest_microvm_multiboot_prints_report" {
	qemu 0 microvm $HOST_CPU "work=sleep:1ms time=200ms"
	reported 1
	counted 0 sleep:1ms work
	counted 0 sleep:1ms wakes
	counted 0 sleep:1ms p50_ns
}

@test "test_guest_microvm_pvh_prints_report" {
	IMAGE=$GUEST/tiny-pvh.elf
	qemu 0 microvm $HOST_CPU "work=sleep:1ms time=200ms"
	reported 1
	counted 0 sleep:1ms wakes
}

@test "test_guest_pc_multiboot_only_prints_report" {
	IMAGE=$GUEST/tiny-multiboot.elf
	qemu 0 pc $HOST_CPU "work=hog time=200ms"
	reported 1
	counted 0 hog work
}

@test "test_guest_pc_pvh_default_cpu_prints_report" {
	# No TSC deadline timer here: one-shot counts.
	IMAGE=$GUEST/tiny-pvh.elf
	qemu 0 pc qemu64 "work=sleep:1ms time=200ms"
	reported 1
	counted 0 sleep:1ms wakes
}

@test "test_guest_without_x2apic_says_so" {
	qemu 3 microvm $HOST_CPU,-x2apic ""
	has "guest: this CPU has no x2APIC"
}

@test "test_guest_eight_vcpus_all_report" {
	qemu 0 microvm $HOST_CPU "work=hog work@0=sleep:1ms time=500ms" -smp 8
	reported 8
	counted 0 sleep:1ms wakes
	for i in 1 2 3 4 5 6 7; do
		counted $i hog work
	done
}

@test "test_guest_many_vcpus_come_up" {
	qemu 0 microvm $HOST_CPU "work=idle work@0=hog time=200ms" -smp 128
	reported 128
}

@test "test_guest_cpus_word_limits_vcpus" {
	qemu 0 microvm $HOST_CPU "cpus=2 work=hog time=100ms" -smp 4
	reported 2
}

@test "test_guest_periodic_runs_jobs" {
	qemu 0 microvm $HOST_CPU "work=periodic:10ms,1ms time=500ms" -smp 2
	reported 2
	counted 0 periodic:10ms,1ms work
	counted 1 periodic:10ms,1ms work
}

@test "test_guest_pingpong_exchanges_messages" {
	qemu 0 microvm $HOST_CPU "work=pingpong time=300ms" -smp 3
	reported 3
	counted 0 pingpong work
	counted 1 pingpong p50_ns
	# The odd one out computes.
	counted 2 pingpong work
}

@test "test_guest_pingpong_oneshot_timer_ends" {
	qemu 0 pc qemu64 "work=pingpong time=300ms" -smp 2
	reported 2
	counted 0 pingpong work
}

@test "test_guest_spin_excludes_mutually" {
	qemu 0 microvm $HOST_CPU "work=spin time=500ms" -smp 4
	reported 4
	for i in 0 1 2 3; do
		counted $i spin work
	done
}

@test "test_guest_echo_returns_lines" {
	printf 'hello\ntwo words\nexit\nnot seen\n' >lines
	qemu 0 microvm $HOST_CPU "work=echo" <lines
	has "hello"
	has "two words"
	has "exit"
	[[ $output != *"not seen"* ]] || fail "$output"
}

@test "test_guest_work_list_later_word_wins" {
	qemu 0 microvm $HOST_CPU \
		"work@1=spin work=hog work@0,2-3=idle work@3=sleep:5ms time=100ms" \
		-smp 4
	reported 4
	has "vcpu 0 idle .*"
	has "vcpu 1 hog .*"
	has "vcpu 2 idle .*"
	has "vcpu 3 sleep:5ms .*"
}

# device_tree DTS-FRAGMENT: t.dtb with these CPU nodes.
device_tree() {
	dtc -q -O dtb -o t.dtb - <<-END
	/dts-v1/;
	/ {
		chosen { bootargs = "time=300ms"; };
		cpus { $1 };
	};
	END
}

@test "test_guest_device_tree_intents_choose_workloads" {
	device_tree 'cpu@0 {
			reg = <0>; disvm,intent = "realtime";
			disvm,period-ns = /bits/ 64 <10000000>;
			disvm,wcet-ns = /bits/ 64 <1000000>;
		};
		cpu@1 {
			reg = <1>; disvm,intent = "interactive";
			disvm,latency-ns = /bits/ 64 <2000000>;
		};
		cpu@2 { reg = <2>; disvm,intent = "background"; };
		cpu@3 { reg = <3>; };'
	qemu 0 microvm $HOST_CPU "time=300ms" -smp 4 -initrd t.dtb
	reported 4
	counted 0 periodic:10ms,600us work
	counted 1 sleep:2ms work
	counted 2 hog work
	counted 3 hog work
}

@test "test_guest_device_tree_names_fewer_cpus_uses_those" {
	device_tree 'cpu@0 { reg = <0>; }; cpu@2 { reg = <2>; };'
	IMAGE=$GUEST/tiny-pvh.elf
	qemu 0 pc $HOST_CPU "time=100ms" -smp 4 -initrd t.dtb
	reported 2
}

@test "test_guest_device_tree_broken_is_refused" {
	device_tree 'cpu@0 { reg = <0>; };'
	poke t.dtb 56 4 4294967295
	qemu 3 microvm $HOST_CPU "time=100ms" -initrd t.dtb
	has "guest: device tree: .*"
}

@test "test_guest_exit_workload_gives_code" {
	qemu 7 microvm $HOST_CPU "work=exit:7"
}

@test "test_guest_ring3_fault_exits_14" {
	qemu 14 microvm $HOST_CPU "work=fault:ud"
	has "guest fault vcpu 0x0 vector 0x6 error 0x0 rip 0x[0-9a-f]+ cr2 .*"
}

@test "test_guest_bad_words_exit_2_and_are_named" {
	local word
	for word in work=bogus work=sleep work=sleep:0ms work=sleep:1ms,2ms \
		work=periodic:1ms work=exit:256 work@=hog work@1=hog \
		work@1-0=hog work@0=nope time=5 time=0ms cpus=0 cpus=257 \
		work=sleep:99999999999999999999s; do
		qemu 2 microvm $HOST_CPU "$word"
		has "guest: [a-zA-Z= ]+: $word"
	done
}
