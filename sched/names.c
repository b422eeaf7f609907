/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of classes, states, reasons and moves, messages of errors: one table each.
 * They are part of reports and traces, so an existing name never changes.
 */
#include <limits.h>
#include <string.h>

#include <dis/error.h>
#include <dis/types.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const class_names[] = {
	[DIS_CLASS_SYSTEM] = "system",
	[DIS_CLASS_REALTIME] = "realtime",
	[DIS_CLASS_INTERACTIVE] = "interactive",
	[DIS_CLASS_BATCH] = "batch",
	[DIS_CLASS_BACKGROUND] = "background",
};
_Static_assert(COUNT(class_names) == DIS_CLASSES, "every class has a name");

static const char *const state_names[] = {
	[DIS_STATE_SCHEDULED] = "scheduled", [DIS_STATE_RUNNING] = "running",
	[DIS_STATE_SLEEPING] = "sleeping",   [DIS_STATE_WAITING] = "waiting",
	[DIS_STATE_THROTTLED] = "throttled", [DIS_STATE_FINISHED] = "finished",
	[DIS_STATE_FAILED] = "failed",
};
_Static_assert(COUNT(state_names) == DIS_STATES, "every state has a name");

static const char *const reason_names[] = {
	[DIS_REASON_NONE] = "none",
	[DIS_REASON_SPAWN] = "spawn",
	[DIS_REASON_YIELD] = "yield",
	[DIS_REASON_PREEMPT] = "preempt",
	[DIS_REASON_TIMER] = "timer",
	[DIS_REASON_INTERRUPT] = "interrupt",
	[DIS_REASON_JOINED] = "joined",
	[DIS_REASON_REQUEUE] = "requeue",
	[DIS_REASON_INTENT] = "intent",
	[DIS_REASON_DISPATCH] = "dispatch",
	[DIS_REASON_FLOOR] = "floor",
	[DIS_REASON_SHARE_MIN] = "share-min",
	[DIS_REASON_SLICE_END] = "slice-end",
	[DIS_REASON_SHARE_MAX] = "share-max",
	[DIS_REASON_SHARE_MAX_VM] = "share-max-vm",
	[DIS_REASON_HALT] = "halt",
	[DIS_REASON_IO] = "io",
	[DIS_REASON_MUTEX] = "mutex",
	[DIS_REASON_SEMAPHORE] = "semaphore",
	[DIS_REASON_EVENT] = "event",
	[DIS_REASON_CHILD_EXIT] = "child-exit",
	[DIS_REASON_IPC] = "ipc",
	[DIS_REASON_POWER_OFF] = "power-off",
	[DIS_REASON_STOPPED] = "stopped",
	[DIS_REASON_RESET] = "reset",
	[DIS_REASON_KILLED] = "killed",
	[DIS_REASON_GUEST_EXIT] = "guest-exit",
	[DIS_REASON_TRIPLE_FAULT] = "triple-fault",
	[DIS_REASON_BAD_EXIT] = "bad-exit",
	[DIS_REASON_KVM_ERROR] = "kvm-error",
	[DIS_REASON_HYPERCALL] = "hypercall",
	[DIS_REASON_SLAB_EXHAUSTED] = "slab-exhausted",
	[DIS_REASON_MEM_EXHAUSTED] = "mem-exhausted",
	[DIS_REASON_SHARE_EXHAUSTED] = "share-exhausted",
	[DIS_REASON_POLICY_FOREIGN] = "policy-foreign",
	[DIS_REASON_POLICY_EMPTY] = "policy-empty",
	[DIS_REASON_POLICY_LOST] = "policy-lost",
	[DIS_REASON_POLICY_OVERRUN] = "policy-overrun",
	[DIS_REASON_POLICY_REENTRY] = "policy-reentry",
};
_Static_assert(COUNT(reason_names) == DIS_REASONS, "every reason has a name");

static const char *const choice_names[] = {
	[DIS_CHOICE_NONE] = "none",
	[DIS_CHOICE_FLOOR] = "floor",
	[DIS_CHOICE_BOOST] = "boost",
	[DIS_CHOICE_URGENT] = "urgent",
	[DIS_CHOICE_ALONE] = "alone",
	[DIS_CHOICE_CLASS] = "class",
	[DIS_CHOICE_TURN] = "turn",
	[DIS_CHOICE_PRIORITY] = "priority",
	[DIS_CHOICE_AGED] = "aged",
	[DIS_CHOICE_DEADLINE] = "deadline",
	[DIS_CHOICE_VIRTUAL_DEADLINE] = "virtual-deadline",
	[DIS_CHOICE_SHARE] = "share",
	[DIS_CHOICE_HANDOFF] = "handoff",
	[DIS_CHOICE_GANG] = "gang",
};
_Static_assert(COUNT(choice_names) == DIS_CHOICES, "every choice has a name");

static const char *const move_names[] = {
	[DIS_MOVE_WAKE_IDLE] = "wake-idle", [DIS_MOVE_WAKE] = "wake",
	[DIS_MOVE_STEAL] = "steal",         [DIS_MOVE_PUSH] = "push",
	[DIS_MOVE_BALANCE] = "balance",     [DIS_MOVE_AFFINITY] = "affinity",
};
_Static_assert(COUNT(move_names) == DIS_MOVES, "every move has a name");

/* R: DIS-5 */
static const unsigned class_priorities[] = {
	[DIS_CLASS_SYSTEM] = 0,       [DIS_CLASS_REALTIME] = 10,
	[DIS_CLASS_INTERACTIVE] = 50, [DIS_CLASS_BATCH] = 100,
	[DIS_CLASS_BACKGROUND] = 200,
};
_Static_assert(COUNT(class_priorities) == DIS_CLASSES,
	       "every class has a priority");

static const struct {
	int code;
	const char *message;
} errors[] = {
	{DIS_ENOTFOUND, "no such VM or vCPU"},
	{DIS_EEXISTS, "exists already"},
	{DIS_ESTATE, "not possible in its present state"},
	{DIS_EINTENT, "invalid intent"},
	{DIS_EDEADLINE, "deadline missed"},
	{DIS_ENOCPU, "no allowed CPU in the pool"},
	{DIS_EQUEUEFULL, "queue is full"},
	{DIS_ERESOURCE, "out of memory: limit reached"},
	{DIS_EPERMISSION, "permission denied"},
	{DIS_ENOTSUPPORTED, "not supported"},
};

static const char *name_of(const char *const *names, size_t count, size_t i)
{
	return i < count && names[i] ? names[i] : "?";
}

const char *dis_class_name(enum dis_class klass)
{
	return name_of(class_names, COUNT(class_names), (size_t)klass);
}

const char *dis_state_name(enum dis_state state)
{
	return name_of(state_names, COUNT(state_names), (size_t)state);
}

const char *dis_reason_name(enum dis_reason reason)
{
	return name_of(reason_names, COUNT(reason_names), (size_t)reason);
}

const char *dis_choice_name(enum dis_choice choice)
{
	return name_of(choice_names, COUNT(choice_names), (size_t)choice);
}

const char *dis_move_name(enum dis_move move)
{
	return name_of(move_names, COUNT(move_names), (size_t)move);
}

unsigned dis_class_priority(enum dis_class klass)
{
	/* What has no class is less urgent than all that have one. */
	return (size_t)klass < COUNT(class_priorities) ? class_priorities[klass]
						       : 255;
}

const char *dis_strerror(int err)
{
	const char *message;

	if (err < 0 && err != INT_MIN)
		err = -err;
	for (size_t i = 0; i < COUNT(errors); i++)
		if (err == errors[i].code)
			return errors[i].message;
	/* Not strerror(): that is not thread safe. */
	message = strerrordesc_np(err);
	return message ? message : "unknown error";
}
