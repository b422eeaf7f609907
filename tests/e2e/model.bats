# SPDX-License-Identifier: Apache-2.0
#
# The model of mailbox, kicks and idle (sched/mailbox.pml), searched by spin.
# timeout: 600
# tests: at once
#
# A world is a choice of what there is and what may happen in it. In each no state
# may break an assertion, nothing may block but a guest and an idle core; then each
# BUG_... of the model must be found in some world, or the model proves nothing.

bats_require_minimum_version 1.5.0

MODEL=$(cd "$BATS_TEST_DIRNAME/../../sched" && pwd)

# One core, signals as late as can be, ends of slices, wakes from all sides.
ONE_CORE=(-DCORES=1 -DIPIS=1 -DWAKES=2 -DTICKS=1)
ONE_CORE_ENDS=(-DCORES=1 -DIPIS=0 -DWAKES=1 -DENDS=1 -DTICKS=1)
ONE_CORE_MAIL=(-DCORES=1 -DIPIS=0 -DWAKES=3 -DTICKS=0)
# Two cores, all of that but at once.
LATE_SIGNALS=(-DIPIS=1 -DWAKES=0 -DTICKS=0)
SLICES=(-DIPIS=0 -DWAKES=0 -DTICKS=2)
# Two cores, prompt signals.
WAKES=(-DPROMPT -DIPIS=0 -DWAKES=1 -DTICKS=0)
PINNED=("${WAKES[@]}" -DPINNED=1)
ENDS=(-DPROMPT -DIPIS=0 -DWAKES=0 -DENDS=1 -DTICKS=0)
MOVES=(-DPROMPT -DIPIS=1 -DWAKES=0 -DMOVES=1 -DTICKS=0)
THREE=(-DPROMPT -DIPIS=1 -DWAKES=0 -DNV=3 -DTICKS=0)
THREE_QUIET=(-DPROMPT -DIPIS=0 -DWAKES=0 -DNV=3 -DTICKS=0)

setup() {
	mkdir "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work" || return 1
}

# search CHECK WORLD...: what the search says, in pan.txt. CHECK: SAFETY, or NP for
# cycles. Not optimised: the compiler would take longer than that saves.
search() {
	local check=$1 option=()
	shift
	[ "$check" = SAFETY ] || option=(-l)
	spin "$@" -a "$MODEL/mailbox.pml"
	gcc "-D$check" -DCOLLAPSE -DNOFAIR -DMEMLIM=2048 -o pan pan.c
	timeout 240 ./pan "${option[@]}" -m20000 >pan.txt 2>&1
}

# The world was searched to its end, and nothing was found. Else: how it came.
clean() {
	grep -q 'errors: 0' pan.txt &&
		! grep -qE 'not completed|too small' pan.txt && return
	cat pan.txt
	spin "$@" -t -p "$MODEL/mailbox.pml" | tail -n 150
	return 1
}

holds() {
	search SAFETY "$@"
	clean "$@"
}

# No run goes on for ever: there is no cycle at all.
ends() {
	search NP "$@"
	clean "$@"
}

# finds BUG WORLD...: it breaks an assertion or blocks.
finds() {
	local bug=$1
	shift
	search SAFETY "$@" "-DBUG_$bug"
	grep -E '^pan:1: (assertion violated|invalid end state)' pan.txt
}

# R: EVO-B2
@test "test_model_one_core_loses_no_wake_and_no_kick" { holds "${ONE_CORE[@]}"; }
# R: EVO-B2
@test "test_model_one_core_ends_vcpus_without_its_timer" { holds "${ONE_CORE_ENDS[@]}"; }
# R: EVO-B2
@test "test_model_one_core_full_mailbox_loses_nothing" { holds "${ONE_CORE_MAIL[@]}"; }
# R: EVO-B1, EVO-B2
@test "test_model_two_cores_late_signals_lose_no_wake" { holds "${LATE_SIGNALS[@]}"; }
# R: EVO-B1, DIS-13
@test "test_model_two_cores_slice_ends_dispatch_once" { holds "${SLICES[@]}"; }
# R: EVO-B1, EVO-B2
@test "test_model_two_cores_outside_wake_is_not_lost" { holds "${WAKES[@]}"; }
# R: EVO-B2
@test "test_model_two_cores_pinned_vcpu_is_woken" { holds "${PINNED[@]}"; }
# R: EVO-B1, EVO-B4
@test "test_model_two_cores_end_finds_a_moving_vcpu" { holds "${ENDS[@]}"; }
# R: EVO-B1
@test "test_model_two_cores_hand_over_to_a_busy_core_dispatches_once" { holds "${MOVES[@]}"; }
# R: EVO-B1, DIS-13
@test "test_model_three_vcpus_leave_no_core_idle" { holds "${THREE[@]}"; }

# R: EVO-B2
@test "test_model_idle_core_sees_to_sleepers_of_others" { holds -DNAP; }

# R: EVO-B1, EVO-B2
@test "test_model_one_core_comes_to_rest" { ends -DCORES=1 -DIPIS=1 -DWAKES=1 -DTICKS=1; }
# R: EVO-B1, EVO-B2
@test "test_model_two_cores_come_to_rest" { ends "${LATE_SIGNALS[@]}"; }
# R: EVO-B1
@test "test_model_handed_over_vcpu_comes_to_rest" { ends "${MOVES[@]}"; }
# R: EVO-B1
@test "test_model_three_vcpus_come_to_rest" { ends "${THREE_QUIET[@]}"; }

@test "test_model_run_begin_after_the_last_look_is_found" { finds RUN_BEGIN_LATE "${ONE_CORE[@]}"; }
@test "test_model_signalled_cleared_after_the_step_is_found" { finds SIGNALLED_CLEARED_LATE "${ONE_CORE[@]}"; }
@test "test_model_signalled_ignored_is_found" { finds SIGNALLED_IGNORED "${ONE_CORE[@]}"; }
@test "test_model_mail_looked_at_before_attention_is_found" { finds LOOK_BEFORE_ATTENTION "${ONE_CORE[@]}"; }
@test "test_model_kicked_mark_that_stays_is_found" { finds KICKED_STAYS "${ONE_CORE[@]}"; }
@test "test_model_attention_without_swap_is_found" { finds NO_SWAP "${ONE_CORE[@]}"; }
@test "test_model_doorbell_seen_too_late_is_found" { finds DOORBELL_SEEN_LATE "${ONE_CORE[@]}"; }
@test "test_model_next_read_after_the_bits_is_found" { finds NEXT_AFTER_BITS "${ONE_CORE_MAIL[@]}"; }
@test "test_model_kick_for_the_first_bits_only_is_found" { finds BITS_OF_FIRST "${ONE_CORE_ENDS[@]}"; }
@test "test_model_foreign_mail_not_passed_on_is_found" { finds NOT_PASSED_ON "${WAKES[@]}"; }
@test "test_model_owner_written_before_arrive_is_found" { finds OWNER_BEFORE_ARRIVE "${ENDS[@]}"; }
@test "test_model_work_asked_for_before_idle_bit_is_found" { finds ASK_BEFORE_IDLE "${WAKES[@]}"; }
@test "test_model_request_taken_after_the_offers_is_found" { finds ASKED_AFTER_OFFERS "${WAKES[@]}"; }

@test "test_model_sleeper_told_after_the_look_is_found" { finds NAP_READ_FIRST -DNAP; }

@test "test_model_each_bug_of_it_is_tried" {
	diff <(grep -ohE 'BUG_[A-Z_]+[A-Z]' "$MODEL"/*.pml | sort -u) \
		<(grep -oE '[{] finds [A-Z_]+' "$BATS_TEST_FILENAME" |
			sed 's/^. finds /BUG_/' | sort -u)
}
