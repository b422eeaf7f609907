# SPDX-License-Identifier: Apache-2.0
#
# The preemption timer, for a minute.

# bats file_tags=kvm

load helper

# What a preemption costs on this backend: from one guest's last instruction to
# the next one's first, in a bare loop. The least of some rounds, as other
# programs can only add to it.
switch_ns() {
	"$DISVM" bench switch --json --rounds 3 2>err.txt |
		jq -e .figures.preempt_bare.min_ns
}

# 16 hogs, 200 us: a lost kick would leave a hog on its core for ever.
# R: CARD-4, BUD-2, DIS-13
@test "test_quantum_of_200us_preempts_for_60_s" {
	local switch TIMEFORMAT='%3U %3S' user system cpu_ns
	switch=$(switch_ns)
	read -r user system < <({ time "$DISVM" run --kernel "$TINY" \
		--vcpus 16 --cmdline work=hog --quantum 200us \
		--time-limit 60s --report report.json --serial none \
		>out.txt 2>err.txt; } 2>&1)
	cpu_ns=$((10#${user/./} + 10#${system/./}))000000

	holds '.vms[0].state == "finished" and .idle_ns < .charged_ns / 50'
	ledger_balances
	# A kick that is lost keeps a core until the main thread looks at it.
	holds '[.cores[].timer_lost] | length > 0 and add == 0'
	holds '[.vms[0].vcpus[] | select(.dispatches > 1000 and
	        .guest.work > 0)] | length == 16'

	# Counted against the time that the cores were ours: while another
	# program has a core, there is nothing to preempt.
	jq --argjson switch "$switch" --argjson cpu_ns "$cpu_ns" \
		'{$switch, $cpu_ns, preemptions} + {part: (.preemptions /
		  ($cpu_ns / (200e3 + $switch)))}' report.json >part.json
	cat part.json
	jq -e '.part > 0.9 and .part < 1.1' part.json
	holds '([.vms[0].vcpus[].throttles] | add) >= 0.99 * .preemptions'
}
