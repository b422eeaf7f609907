#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
#
# count.sh NAME COMMAND... - run a monitor with the guest of exits/init, count the
# exits of its one vCPU. Runs in the nested machine.
#
# Counted are KVM's own tracepoints: kvm_exit, each time the processor left the
# guest, and kvm_userspace_exit, each return of KVM_RUN, between the guest's two
# writes to a port (exits/guest.c), of which the trace shows kvm_pio. On standard
# output, for each piece of work
#   exits NAME WORK ticks N requests N kernel N user N
# and how often each reason was seen.
name=$1
shift
tracing=/sys/kernel/tracing
out=/tmp/out
limit_s=280

die() {
	echo "failed $name: $*"
	tr -cd '\n\t -~' <$out | sed 's/^/# /'
	exit 1
}

[ -e $tracing/trace ] || mount -t tracefs tracefs $tracing
cd /exits || exit 1
echo 0 >$tracing/tracing_on
echo 32768 >$tracing/buffer_size_kb
echo global >$tracing/trace_clock
echo >$tracing/trace
for event in kvm_exit kvm_userspace_exit kvm_pio; do
	echo 1 >$tracing/events/kvm/$event/enable
done
# Another one than that of a monitor which may still be about.
rm -f /tmp/disk
dd if=/dev/zero of=/tmp/disk bs=1M count=8 2>/dev/null

echo 1 >$tracing/tracing_on
"$@" >$out 2>/tmp/err </dev/null &
pid=$!
left_s=$limit_s
while [ $left_s -gt 0 ] && kill -0 $pid 2>/dev/null && ! grep -q '^guest: done' $out; do
	sleep 1
	left_s=$((left_s - 1))
done
echo 0 >$tracing/tracing_on
# It ends by itself, if its guest can power off.
sleep 2
kill -KILL $pid 2>/dev/null
wait $pid
cat /tmp/err >>$out
grep -q '^guest: done' $out || die "the guest did not come to its end"
cat $tracing/per_cpu/cpu*/stats | awk '/overrun/ && $NF > 0 { n++ } END { exit n > 0 }' ||
	die "the trace has holes"

tr -d '\r' <$out | sed -n 's/^guest: \([a-z]* ticks .*\)/\1/p' >/tmp/works
# Both writes are an exit of each kind: the first one's are before the piece of
# work, the last one's exit from the guest is seen before it is known.
awk -v name="$name" '
	FNR == NR { work[++works] = $0; next }
	{ event = $0; sub(/.*: kvm_/, "kvm_", event); sub(/:.*/, "", event) }
	event == "kvm_pio" && / at 0x2f0 / {
		if (/ val 0x1( |$)/) { begun = 1; kernel = user = 0; split("", seen) }
		if (/ val 0x2( |$)/) finish()
		next
	}
	event == "kvm_userspace_exit" && begun { begun = 0; on = 1; next }
	!on { next }
	event == "kvm_exit" { kernel++; reason = $0; sub(/.* reason /, "", reason); last = word(reason); seen[last]++ }
	event == "kvm_userspace_exit" { user++; reason = $0; sub(/.* reason /, "", reason); seen[word(reason)]++ }
	function word(text) { sub(/ .*/, "", text); return text }
	function finish(  r) {
		on = 0
		seen[last]--
		print "exits", name, work[++n], "kernel", kernel - 1, "user", user
		for (r in seen) if (seen[r] > 0) print "#   ", r, seen[r]
	}
	END { if (n != works || works != 9) { print "failed " name ": " n " of " works " pieces of work"; exit 1 } }
' /tmp/works $tracing/trace
