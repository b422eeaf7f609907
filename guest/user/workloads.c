/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of workloads.
 */
#include <task.h>

const struct workload workloads[] = {
	{"hog", ARGS_NONE, hog_run},
	{"sleep", ARGS_DURATION, sleep_run},
	{"turn", ARGS_DURATIONS, turn_run},
	{"periodic", ARGS_DURATIONS, periodic_run},
	{"pingpong", ARGS_NONE, pingpong_run},
	{"park", ARGS_NONE, park_run},
	{"spin", ARGS_NONE, spin_run},
	{"ticket", ARGS_NONE, ticket_run},
	{"echo", ARGS_NONE, echo_run},
	{"idle", ARGS_NONE, idle_run},
	{"yield", ARGS_NONE, yield_run},
	{"hint", ARGS_HINT, hint_run},
	{"disk", ARGS_NUMBER, disk_run},
	{"exit", ARGS_NUMBER, exit_run},
	{"fault:triple", ARGS_NONE, fault_triple_run},
	{"fault:jump", ARGS_NONE, fault_jump_run},
	{"fault:ud", ARGS_NONE, fault_ud_run},
	{"fault:hypercall", ARGS_NONE, fault_hypercall_run},
	{"fault:hypercall-arg", ARGS_NONE, fault_hypercall_arg_run},
	{"fault:hint", ARGS_NONE, fault_hint_run},
	{"fault:disk", ARGS_NONE, fault_disk_run},
	{"fault:poweroff", ARGS_NONE, fault_poweroff_run},
	{NULL, ARGS_NONE, NULL},
};
