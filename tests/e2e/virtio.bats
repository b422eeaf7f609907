# SPDX-License-Identifier: Apache-2.0
#
# Disks and networks of guests, on real KVM: the tiny guest drives a virtio disk.

load helper

# Size of a disk, in sectors of which the guest uses some.
SECTORS=64
USED=8

make_disk() {
	truncate -s $((SECTORS * 512)) disk.img
}

# pass_of SECTOR: what the guest wrote there last. See guest/user/disk.c.
pass_of() {
	[ "$(peek disk.img $(($1 * 512 + 8)) 8)" -eq "$1" ] ||
		fail "sector $1 has not its number"
	[ "$(peek disk.img $(($1 * 512 + 496)) 8)" -eq "$(peek disk.img $(($1 * 512)) 8)" ] ||
		fail "sector $1 is torn"
	peek disk.img $(($1 * 512)) 8
}

# bats test_tags=kvm
# R: CARD-11, EVO-E3
@test "test_disk_has_what_the_guest_wrote" {
	make_disk
	report --kernel "$TINY" --disk disk.img --serial file:serial.txt \
		--cmdline "work=disk:$USED time=1s"
	last=$(grep -o 'pass status [0-9]*' serial.txt | tail -n 1 | grep -o '[0-9]*')
	[ "$last" -ge 1 ] || fail "no pass" "$(cat serial.txt)"
	for ((i = 0; i < USED; i++)); do
		[ "$(pass_of $i)" -ge "$last" ] || fail "sector $i: $(pass_of $i)"
	done
	holds '.vms[0] | .state == "finished" and
		(.devices | length) == 1 and
		(.devices[0] | .name == "disk0" and .errors == 0 and
		 .trouble == null)'
	# The last request may be under way at the end.
	holds '.vms[0] | .vcpus[0].guest.work as $work |
		.devices[0].requests - $work | . == 0 or . == 1'
	holds '.vms[0].vcpus[0].device_ns > 0'
}

# bats test_tags=kvm
# The guest polls for answers. With one vCPU, KVM notifies the disk: only to bring it
# up takes exits. R: CARD-11
@test "test_disk_request_of_lone_vcpu_costs_no_exit" {
	make_disk
	report --kernel "$TINY" --disk disk.img --serial none \
		--cmdline "work=disk:$USED time=1s"
	holds '.vms[0] | .devices[0].requests > 50 and
		.devices[0].notifications == 0 and .vcpus[0].exits.mmio < 30'
}

# bats test_tags=kvm
# With more, the exit of the notification tells whom to charge. R: CARD-11, EVO-E3
@test "test_disk_request_of_many_vcpus_costs_one_exit_and_is_charged" {
	make_disk
	report --kernel "$TINY" --disk disk.img --serial none --vcpus 3 \
		--cmdline "work=idle work@1=disk:$USED time=1s"
	holds '.vms[0] | .devices[0] as $d | $d.requests > 50 and
		$d.notifications - $d.requests <= 1 and
		.vcpus[1].exits.mmio < $d.notifications + 30'
	holds '[.vms[0].vcpus[].device_ns] | .[1] > 0 and .[0] == 0 and .[2] == 0'
}

# bats test_tags=kvm
@test "test_disk_read_only_is_not_written" {
	make_disk
	before=$(files)
	run --separate-stderr "$DISVM" run --kernel "$TINY" \
		--disk disk.img,ro --cmdline "work=disk:$USED time=1s" </dev/null
	expect_status 0
	[[ $output == *"guest vcpu 0 disk write status 1"* ]] || fail "$output"
	[ "$(files)" = "$before" ] || fail "changed: $(files)"
}

# bats test_tags=kvm
@test "test_disk_read_only_is_shared_by_copies" {
	make_disk
	report --kernel "$TINY" --disk disk.img,ro --copies 3 \
		--cmdline "work=disk:$USED time=500ms"
	holds '[.vms[].devices[0].errors] == [1, 1, 1]'
}

# wait_for_line TEXT FILE: until the file has a line with it.
wait_for_line() {
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		grep -q "$1" "$2" 2>/dev/null && return 0
		sleep 0.05
	done
	fail "no '$1' in $2:" "$(cat "$2")"
}

# start ARGUMENTS...: in the background, output to out.txt and err.txt.
start() {
	"$DISVM" run "$@" >out.txt 2>err.txt </dev/null 3>&- &
	pid=$!
}

# bats test_tags=kvm
# What a flush acknowledged survives. R: CARD-11
@test "test_disk_keeps_what_was_flushed_after_kill" {
	make_disk
	start --kernel "$TINY" --disk disk.img --cmdline "work=disk:$USED"
	wait_for_line "flushed, pass status 3" out.txt
	kill -KILL "$pid"
	wait "$pid" || true
	last=$(grep -o 'pass status [0-9]*' out.txt | tail -n 1 | grep -o '[0-9]*')
	for ((i = 0; i < USED; i++)); do
		[ "$(pass_of $i)" -ge "$last" ] ||
			fail "sector $i: $(pass_of $i), flushed $last"
	done
	# And nobody has it locked.
	report --kernel "$TINY" --disk disk.img --serial none \
		--cmdline "work=disk:$USED time=100ms"
}

# bats test_tags=kvm
@test "test_disk_truncated_under_the_guest_is_an_error_of_the_guest" {
	make_disk
	start --kernel "$TINY" --disk disk.img --report report.json \
		--cmdline "work=disk:$USED time=10s"
	wait_for_line "flushed, pass status 2" out.txt
	truncate -s 0 disk.img
	wait_for_line "disk [a-z]* status 1\$" out.txt
	wait "$pid" || fail "exit status $?" "$(cat err.txt)"
	holds '.vms[0].devices[0] | .errors == 1 and .trouble == null'
}

# bats test_tags=kvm
# A file with holes on a file system that is too small for it.
@test "test_disk_on_full_file_system_is_an_error_of_the_guest" {
	mkdir small
	run --separate-stderr unshare -rm bash -c '
		mount -t tmpfs -o size=16k none small &&
		truncate -s 128K small/disk.img &&
		exec "$DISVM" run --kernel "$TINY" --disk small/disk.img \
			--cmdline "work=disk:128 time=1s"' </dev/null
	expect_status 0
	[[ $output == *"guest vcpu 0 disk write status 1"* ]] || fail "$output"
}

# bats test_tags=kvm
# Its other devices, and other guests, do not notice.
@test "test_disk_misused_stops_alone_and_is_told_once" {
	make_disk
	cp disk.img other.img
	run --separate-stderr "$DISVM" run --kernel "$TINY" --disk disk.img \
		--disk other.img --report report.json \
		--cmdline "work=fault:disk time=500ms" </dev/null
	expect_status 0
	[[ $output == *"guest vcpu 0 the disk has stopped"* ]] || fail "$output"
	[ "$(grep -c 'vm0: disk0: queue 0: a chain longer than the queue: the device has stopped' <<<"$stderr")" -eq 1 ] ||
		fail "$stderr"
	holds '.vms[0] | .state == "finished" and
		[.devices[].trouble] == ["disk0: queue 0: a chain longer than the queue", null]'
}

# bats test_tags=kvm
# Bytes in the guest's own time, with a burst of 100 ms and two requests. R: DIS-6
@test "test_disk_bandwidth_is_not_exceeded" {
	make_disk
	report --kernel "$TINY" --disk disk.img --serial none \
		--io-bandwidth 64K --cmdline "work=disk:$USED time=2s"
	holds '.vms[0] | .vcpus[0].guest.elapsed_ns as $ns |
		(.devices[0] | .read_bytes + .write_bytes) as $bytes |
		$bytes > 0 and
		$bytes <= 65536 * ($ns / 1e9 + 0.1) + 1024'
}

# bats test_tags=kvm
@test "test_disk_with_thread_per_vcpu_works" {
	make_disk
	report --kernel "$TINY" --disk disk.img --serial none \
		--executor threads --irqchip kernel \
		--cmdline "work=disk:$USED time=500ms"
	holds '.vms[0].devices[0] | .requests > 0 and .errors == 0'
}

@test "test_disk_that_cannot_be_is_refused" {
	refused 2 "none.img: No such file" run --kernel "$TINY" --disk none.img
	mkdir dir
	refused 2 "dir: Is a directory" run --kernel "$TINY" --disk dir
	refused 2 "dir: neither a file nor a block device" \
		run --kernel "$TINY" --disk dir,ro
	: >empty.img
	refused 2 "empty.img: is empty" run --kernel "$TINY" --disk empty.img
	head -c 1000 /dev/zero >odd.img
	refused 2 "odd.img: its 1000 bytes are not whole sectors of 512" \
		run --kernel "$TINY" --disk odd.img
	make_disk
	refused 2 "disk.img: is in use already" \
		run --kernel "$TINY" --disk disk.img --disk disk.img
	refused 2 "--disk disk.img: 2 copies would write it" \
		run --kernel "$TINY" --disk disk.img --copies 2
	refused 2 "9 devices, at most 8 are possible" run --kernel "$TINY" \
		$(printf -- '--disk disk.img,ro %.0s' 1 2 3 4 5 6 7 8) --entropy on
}

@test "test_disk_that_cannot_be_written_is_refused" {
	make_disk
	mkdir seen
	run --separate-stderr unshare -rm bash -c '
		mount --bind . seen && mount -o remount,bind,ro seen &&
		exec "$DISVM" run --kernel "$TINY" --disk seen/disk.img'
	expect_status 2
	[ "$stderr" = "disvm run: seen/disk.img: Read-only file system" ] ||
		fail "$stderr"
}

# bats test_tags=kvm
@test "test_disk_of_another_process_is_refused" {
	make_disk
	# Its progress is not to be taken for what a refusal leaves.
	"$DISVM" run --kernel "$TINY" --disk disk.img --cmdline "work=idle" \
		>"$BATS_TEST_TMPDIR/out.txt" 2>&1 </dev/null 3>&- &
	pid=$!
	# Both would write, one would read what changes.
	for ((tries = 0; tries < 200; tries++)); do
		fuser disk.img >/dev/null 2>&1 && break
		sleep 0.05
	done
	refused 2 "disk.img: is in use already" run --kernel "$TINY" --disk disk.img
	refused 2 "disk.img: is in use already" \
		run --kernel "$TINY" --disk disk.img,ro
	kill "$pid"
	wait "$pid"
}

@test "test_net_that_cannot_be_is_refused" {
	refused 2 "tap none0: there is no such interface" \
		run --kernel "$TINY" --net tap=none0
	refused 2 "tap lo: is not a tap interface of one queue" \
		run --kernel "$TINY" --net tap=lo
	refused 2 "'eth0' is not tap=NAME or mac=ADDRESS" \
		run --kernel "$TINY" --net eth0
	refused 2 "--net: tap=NAME is missing" \
		run --kernel "$TINY" --net mac=52:54:00:12:34:56
	refused 2 "is not the address of a station" \
		run --kernel "$TINY" --net tap=t0,mac=53:54:00:12:34:56
	refused 2 "is not the address of a station" \
		run --kernel "$TINY" --net tap=t0,mac=52:54:00:12:34
	refused 2 "a tap is for one guest, not for 2 copies" \
		run --kernel "$TINY" --net tap=t0 --copies 2
}

# bats test_tags=kvm
# In a network namespace of its own. What a guest with a driver makes of a tap that goes
# away, tests/nested/linux/check.sh sees.
@test "test_net_tap_of_another_process_is_refused" {
	run --separate-stderr unshare -rn bash -c '
		ip tuntap add t0 mode tap && ip link set t0 up || exit 9
		"$DISVM" run --kernel "$TINY" --net tap=t0 --report report.json \
			--cmdline "work=sleep:1ms time=2s" >out.txt 2>&1 &
		pid=$!
		until grep -q "disvm-guest up" out.txt; do sleep 0.05; done
		"$DISVM" run --kernel "$TINY" --net tap=t0 --time-limit 1s 2>&1
		echo "second: $?"
		wait $pid' </dev/null
	expect_status 0
	[[ $output == *"tap t0: is in use already"*"second: 2" ]] || fail "$output"
	holds '.vms[0] | .state == "finished" and .devices[0].name == "net0"'
}

@test "test_net_host_without_tun_is_named" {
	run --separate-stderr unshare -rm bash -c '
		mount --bind /dev/null /dev/net/tun
		exec "$DISVM" run --kernel "$TINY" --net tap=lo' </dev/null
	expect_status 3
	[[ $stderr == "disvm run: tap lo: "* ]] || fail "$stderr"
}

# R: DIS-6
@test "test_limits_of_devices_that_are_not_there_are_refused" {
	refused 4 '--io-priority: not supported: the guests have no disk' \
		run --kernel "$TINY" --io-priority 3
	refused 4 '--io-bandwidth: not supported: the guests have no disk and no network' \
		run --kernel "$TINY" --io-bandwidth 10M
	refused 4 '--net-priority: not supported: the guests have no network' \
		run --kernel "$TINY" --net-priority 3
}
