# SPDX-License-Identifier: Apache-2.0
#
# What is said of guests that fail, of all of them on SIGUSR1, and of where they
# spend their time.
# in a nested machine: 40 s

# bats file_tags=kvm

load helper

teardown() {
	[ -z "${pid:-}" ] || kill -KILL "$pid" 2>/dev/null || true
}

# says TEXT: on standard error of the last `run`.
says() {
	[[ $stderr == *"$1"* ]] || fail "standard error lacks '$1':" "$stderr"
}

says_not() {
	[[ $stderr != *"$1"* ]] || fail "standard error has '$1':" "$stderr"
}

# fails WORK ARGUMENTS...: the tiny guest, or k.elf if there is one, fails so.
fails() {
	local work=$1 kernel=$TINY
	shift
	[ ! -e k.elf ] || kernel=k.elf
	report_of 1 --kernel "$kernel" --vcpus 2 \
		--cmdline "work=hog work@0=$work" --time-limit 10s "$@"
}

# bats test_tags=host:registers
# R: CARD-7
@test "test_triple_fault_is_shown_with_instruction_and_names" {
	fails fault:triple
	says "disvm run: vm0 failed: vCPU 0: triple fault at rip 0x"
	says "vm0 vCPU 0: ring 0, 64-bit code, paging 4-level"
	[[ $stderr =~ $'\n'"-> "[0-9a-f]{16}"  kernel_syscall+0x"[0-9a-f]+" "+0f0b" "+ud2 ]] ||
		fail "no marked ud2 in kernel_syscall:" "$stderr"
	# Who called it stands on its stack.
	says "  fault_triple_run+0x"
	says "  idt       base 0000000000000000  limit 0000"
}

# bats test_tags=host:registers
# R: CARD-7: the same, for programs.
@test "test_triple_fault_is_in_the_report" {
	fails fault:triple
	holds '.vms[0] as $vm | $vm.diagnosis | .vcpu == 0 and .ring == 0 and
	       .code_bits == 64 and .paging == "4-level" and
	       (.registers.rip as $rip | $vm.detail | endswith("rip " + $rip)) and
	       (.symbol | startswith("kernel_syscall+0x"))'
	holds '[.vms[0].diagnosis.instructions[] | select(.current)] |
	       length == 1 and .[0].text == "ud2" and .[0].bytes == "0f0b"'
	holds '.vms[0].diagnosis.instructions | length > 8'
	holds '[.vms[0].diagnosis.stack.words[].symbol // ""] |
	       any(startswith("fault_triple_run+0x"))'
	holds '.vms[0].diagnosis.page_walks[0] | .end == "mapped" and
	       [.entries[].level] == ["PML4E", "PDPTE", "PDE"]'
}

# bats test_tags=host:registers
# R: CARD-7
@test "test_jump_to_nowhere_is_shown_with_page_walk" {
	fails fault:jump
	says "  rip    ffff800000000000"
	says "-> ffff800000000000  cannot be read"
	says "Page walk, instruction, ffff800000000000: not present"
	says "  PML4E [256] at 0x"
	says "  fault_jump_run+0x"
	holds '.vms[0].diagnosis | .instructions == [] and
	       .page_walks[0].end == "not present" and .page_walks[0].gpa == null'
}

# R: CARD-7
@test "test_undefined_hypercall_is_shown_with_its_caller" {
	fails fault:hypercall
	says "disvm run: vm0 failed: vCPU 0: undefined hypercall: call number 30583"
	says "  hypercall+0x"
	holds '.vms[0].diagnosis.instructions | any(.text | test("^out"))'
}

# bats test_tags=host:registers
# R: CARD-7: a kernel that has not got far.
@test "test_failure_in_32_bit_code_is_shown_as_such" {
	cp "$TINY" k.elf
	local entry base offset at
	entry=$(peek k.elf 24 8)
	base=$(load_field 0 $P_PADDR)
	offset=$(load_field 0 8)
	at=$((entry - base + offset))
	# ud2 in place of the first instruction
	poke k.elf $at 2 $((0x0b0f))
	fails fault:triple
	says "ring 0, 32-bit code, paging off"
	[[ $stderr =~ $'\n'"-> "[0-9a-f]{16}"  start  "" "+0f0b" "+ud2 ]] ||
		fail "$stderr"
	says_not "Page walk"
}

# bats test_tags=host:registers
# R: CARD-7: firmware, in its ROM: no IDT, then ud2.
@test "test_failure_of_firmware_is_shown_in_16_bit_code" {
	head -c 65536 /dev/zero >f.bin
	# lidt %cs:0xffe8; ud2
	poke f.bin $((0xfff0)) 8 $((0x0b0fffe81e010f2e))
	report_of 1 --firmware f.bin --time-limit 10s
	says "vm0 vCPU 0: ring 0, 16-bit code, paging off"
	[[ $stderr =~ $'\n'"   00000000fffffff0  "" "+2e0f011ee8ff" "+lidt ]] ||
		fail "$stderr"
	[[ $stderr =~ $'\n'"-> 00000000fffffff6  "" "+0f0b" "+ud2 ]] ||
		fail "$stderr"
	holds '.vms[0].diagnosis | .code_bits == 16 and .symbol == null'
}

@test "test_failed_guest_of_many_vcpus_shows_the_one_that_failed" {
	report_of 1 --kernel "$TINY" --vcpus 4 --time-limit 10s \
		--cmdline "work=hog work@2=fault:triple"
	says "vm0 vCPU 2: ring 0"
	says_not "vCPU 1: "
	holds '.vms[0].diagnosis.vcpu == 2'
}

@test "test_guests_that_end_well_are_not_diagnosed" {
	report --kernel "$TINY" --vcpus 2 --cmdline "work=hog time=20ms"
	says_not "vCPU 0"
	holds '.vms[0] | has("diagnosis") or has("profile") | not'
}

# The report alone on standard output.
@test "test_diagnosis_goes_to_standard_error" {
	run --separate-stderr "$DISVM" run --kernel "$TINY" --report json \
		--cmdline "work=exit:7" </dev/null
	expect_status 1
	jq -e '.vms[0].diagnosis.symbol | startswith("kernel_exit")' \
		<<<"$output" >/dev/null || fail "$output"
	says "vm0 failed: vCPU 0: guest exit code 7"
}

@test "test_failures_of_many_guests_are_shown_up_to_eight" {
	report_of 1 --kernel "$TINY" --copies 12 --cmdline "work=exit:3"
	[ "$(grep -c ' failed: vCPU 0: guest exit code 3' <<<"$stderr")" -eq 8 ] ||
		fail "$stderr"
	[ "$(grep -c '^Instructions, 64-bit:' <<<"$stderr")" -eq 8 ]
	[ "$(grep -c 'more guests have failed' <<<"$stderr")" -eq 1 ]
	holds '[.vms[] | select(.diagnosis.instructions | length > 0)] | length == 12'
}

E_SHOFF=40 E_SHNUM=60

# bats test_tags=host:registers
@test "test_kernel_without_symbols_is_diagnosed_without_names" {
	image_with header $E_SHNUM 2 0
	fails fault:triple
	says "triple fault at rip 0x"
	[[ $stderr =~ $'\n'"-> "[0-9a-f]{16}" "+0f0b" "+ud2 ]] || fail "$stderr"
	says_not "symbol"
	says_not "kernel_syscall"
	holds '.vms[0].diagnosis.symbol == null'
}

# bats test_tags=host:registers
# A table that lies: the run is not disturbed, and says so once.
@test "test_kernel_with_broken_symbol_table_is_diagnosed_without_names" {
	image_with header $E_SHOFF 8 $((1 << 40))
	fails fault:triple
	[[ $stderr =~ "run: k.elf: "[0-9]+" section headers at 0x10000000000 do" ]] ||
		fail "$stderr"
	[ "$(grep -c 'section headers' <<<"$stderr")" -eq 1 ]
	says_not "kernel_syscall"
	holds '.vms[0].diagnosis.instructions | any(.current and .text == "ud2")'
}

# start ARGUMENTS...: disvm run in the background, as $pid, until $GUESTS are up.
start() {
	local i up
	"$DISVM" run --report report.json "$@" </dev/null >out.txt 2>err.txt &
	pid=$!
	for ((i = 0; i < 600; i++)); do
		up=$(grep -c 'disvm-guest up' out.txt || true)
		[ "$up" -lt "${GUESTS:-1}" ] || return 0
		sleep 0.05
	done
	fail "the guests do not come up:" "$(cat err.txt)"
}

# shown: vCPUs on standard error so far.
shown() {
	grep -c '^Scheduler: ' err.txt || true
}

# ask COUNT: sends SIGUSR1, until COUNT more vCPUs are shown.
ask() {
	local i want
	want=$(($(shown) + $1))
	kill -USR1 "$pid"
	for ((i = 0; i < 600; i++)); do
		[ "$(shown)" -lt "$want" ] || break
		sleep 0.05
	done
	[ "$(shown)" -eq "$want" ] ||
		fail "not $want vCPUs:" "$(cat err.txt)"
}

finish() {
	kill -INT "$pid"
	wait "$pid" || fail "exit status $?" "$(cat err.txt)"
}

# R: CARD-7
@test "test_sigusr1_shows_every_vcpu_and_the_guest_goes_on" {
	start --kernel "$TINY" --vcpus 3 \
		--cmdline "work=idle work@0=hog work@1=sleep:100s"
	ask 3
	for i in 0 1 2; do
		[ "$(grep -c "^vm0 vCPU $i: ring " err.txt)" -eq 1 ] ||
			fail "no vCPU $i" "$(cat err.txt)"
	done
	[ "$(grep -c '^Instructions, 64-bit:' err.txt)" -eq 3 ]
	[ "$(grep -c '^Stack at ' err.txt)" -eq 3 ]
	ask 3
	finish
	holds '.vms[0] | .state == "finished" and .reason == "stopped" and
	       (has("diagnosis") | not)'
	holds '.vms[0].vcpus[0].guest.work > 0'
}

# R: CARD-7: it is shown where it halted, and does not wake for it.
@test "test_sigusr1_shows_sleeping_vcpu_that_sleeps_on" {
	start --kernel "$TINY" --vcpus 2 --cmdline "work=hog work@1=sleep:1000s"
	for ((i = 0; i < 100; i++)); do
		ask 2
		! grep -q '^  sleeping (halt), halted, timer in 9' err.txt || break
	done
	[ "$(grep -c '^-> .*  wait+0x' err.txt)" -ge 1 ] ||
		fail "not halted:" "$(cat err.txt)"
	ask 2
	finish
	holds '.vms[0].vcpus[1] | .state == "finished" and .guest.wakes == 0'
}

# R: CARD-7
@test "test_sigusr1_shows_all_guests" {
	GUESTS=5 start --kernel "$TINY" --copies 5 --vcpus 2 \
		--cmdline "work=idle work@0=hog"
	ask 10
	finish
	[ "$(grep -oE '^vm[0-9]+ vCPU [0-9]+' err.txt | sort -u | wc -l)" -eq 10 ]
}

# R: CARD-7
@test "test_sigusr1_with_threads_and_irqchip_of_kvm_shows_every_vcpu" {
	start --kernel "$TINY" --vcpus 3 --executor threads --irqchip kernel \
		--cmdline "work=idle work@0=hog work@1=sleep:100s"
	ask 3
	finish
}

# samples: of the profiles on standard error, one per line.
samples() {
	sed -nE 's/^vm0: ([0-9]+) samples of guest code.*/\1/p' err.txt
}

# R: CARD-7: of a running guest, with what came in since the last time.
@test "test_sigusr1_shows_the_profile_so_far" {
	start --kernel "$TINY" --profile on --cmdline "work=hog"
	for ((i = 0; i < 100; i++)); do
		ask 1
		[[ $(samples | tail -n 1) -le 10 ]] || break
	done
	grep -qE ' hog_run\+0x' err.txt || fail "no hog_run:" "$(cat err.txt)"
	samples >asked.txt
	sort -n -c asked.txt
	finish
	holds '.vms[0].profile.samples >= $asked' \
		--argjson asked "$(tail -n 1 asked.txt)"
}

# R: CARD-7: the hottest loop, by name and disassembled. At which of its two
# instructions an interrupt comes in is the processor's choice.
@test "test_profile_shows_the_hot_loop" {
	run --separate-stderr "$DISVM" run --kernel "$TINY" --profile on \
		--cmdline "work=hog time=1s" </dev/null
	expect_status 0
	[[ $output =~ "vm0: "[0-9]+" samples of guest code" ]] || fail "$output"
	[[ $output =~ [0-9]+\ +[0-9.]+\ +3\ +[0-9a-f]{16}\ +hog_run\+0x[0-9a-f]+\ +(decq\ +%rdx|jne) ]] ||
		fail "no hog_run:" "$output"
}

# R: CARD-7, EVO-A2
@test "test_profile_in_the_report_adds_up" {
	report --kernel "$TINY" --profile on --vcpus 3 \
		--cmdline "work=hog work@0=spin time=1s"
	holds '.vms[0].profile | .samples > 0 and .period_ns == 1000000 and
	       ([.instructions[].samples] | add) + .dropped <= .samples'
	holds '.vms[0].profile.instructions | length > 0 and
	       ([.[].samples] | . == (sort | reverse)) and
	       (.[0].symbol | test("^(hog_run|compute)")) and .[0].user'
	holds '.vms[0] | .profile.samples <=
	       ([.vcpus[].exits.signal] | add)'
}

# R: EVO-A2: who is not profiled is not interrupted, who is comes back for each
# sample.
@test "test_profile_off_costs_no_exit" {
	local signals
	report --kernel "$TINY" --profile off --cmdline "work=hog" --time-limit 1s
	holds '.timer_arms == 0 and (.vms[0] | has("profile") | not)'
	signals=$(jq '.vms[0].vcpus[0].exits.signal' report.json)
	report --kernel "$TINY" --profile on --cmdline "work=hog" --time-limit 1s
	holds '.timer_arms > 0 and .vms[0].profile.samples > 0 and
	       .vms[0].vcpus[0].exits.signal > $signals' --argjson signals "$signals"
}

@test "test_profile_with_threads_shows_the_hot_loop" {
	report --kernel "$TINY" --profile on --executor threads --vcpus 2 \
		--cmdline "work=hog time=1s"
	holds '.vms[0].profile.instructions[0].symbol | startswith("hog_run")'
}
