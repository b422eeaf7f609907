# SPDX-License-Identifier: Apache-2.0
#
# The preemption timer, for a minute.

# bats file_tags=kvm, host:time

load helper

# What a preemption costs on this backend: from one guest's last instruction to
# the next one's first, in a bare loop. The least of some rounds, as other
# programs can only add to it.
switch_ns() {
	"$DISVM" bench switch --json --rounds 3 2>err.txt |
		jq -e .figures.preempt_bare.min_ns
}

# taken.txt: how often the host took a core from it for another program, but for the
# last seconds.
run_a_minute() {
	"$DISVM" run --vcpus 16 --kernel "$TINY" --cmdline work=hog \
		--quantum 200us --time-limit 60s --report report.json \
		--serial none >out.txt 2>err.txt &
	sleep 55
	awk '$1 == "nonvoluntary_ctxt_switches:" { n += $2 } END { print n }' \
		"/proc/$!/task/"*/status >taken.txt
	wait
}

# 16 hogs, 200 us: a lost kick would leave a hog on its core for ever.
# R: CARD-4, BUD-2, DIS-13
@test "test_quantum_of_200us_preempts_for_60_s" {
	local switch TIMEFORMAT='%3U %3S' user system cpu_ns
	switch=$(switch_ns)
	read -r user system < <({ time run_a_minute; } 2>&1)
	cpu_ns=$((10#${user/./} + 10#${system/./}))000000

	holds '.vms[0].state == "finished" and .idle_ns < .charged_ns / 50'
	ledger_balances
	# A kick that is lost keeps a core until the main thread looks at it.
	holds '[.cores[].timer_lost] | length > 0 and add == 0'
	holds '[.vms[0].vcpus[] | select(.dispatches > 1000 and
	        .guest.work > 0)] | length == 16'

	# Counted against the time that the cores were ours: while another
	# program has a core, there is nothing to preempt. A quantum that is over
	# when it gives the core back cost none of that time.
	jq --argjson switch "$switch" --argjson cpu_ns "$cpu_ns" \
		--argjson taken "$(<taken.txt)" \
		'($cpu_ns / (200e3 + $switch)) as $whole |
		 {$switch, $cpu_ns, $taken, preemptions,
		  least: (0.9 * $whole), most: (1.1 * $whole + $taken)}' \
		report.json >part.json
	cat part.json
	jq -e '.preemptions > .least and .preemptions < .most' part.json
	holds '([.vms[0].vcpus[].throttles] | add) >= 0.99 * .preemptions'
}
