/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of workloads.
 */
#include <task.h>

const struct workload workloads[] = {
	{"hog", ARGS_NONE, hog_run, false},
	{"sleep", ARGS_DURATION, sleep_run, true},
	{"turn", ARGS_DURATIONS, turn_run, true},
	{"periodic", ARGS_DURATIONS, periodic_run, true},
	{"pingpong", ARGS_NONE, pingpong_run, false},
	{"park", ARGS_NONE, park_run, false},
	{"spin", ARGS_NONE, spin_run, false},
	{"ticket", ARGS_NONE, ticket_run, false},
	{"echo", ARGS_NONE, echo_run, false},
	{"idle", ARGS_NONE, idle_run, false},
	{"yield", ARGS_NONE, yield_run, false},
	{"hint", ARGS_HINT, hint_run, false},
	{"disk", ARGS_NUMBER, disk_run, false},
	{"exit", ARGS_NUMBER, exit_run, false},
	{"fault:triple", ARGS_NONE, fault_triple_run, false},
	{"fault:jump", ARGS_NONE, fault_jump_run, false},
	{"fault:ud", ARGS_NONE, fault_ud_run, false},
	{"fault:hypercall", ARGS_NONE, fault_hypercall_run, false},
	{"fault:hypercall-arg", ARGS_NONE, fault_hypercall_arg_run, false},
	{"fault:hint", ARGS_NONE, fault_hint_run, false},
	{"fault:disk", ARGS_NONE, fault_disk_run, false},
	{"fault:poweroff", ARGS_NONE, fault_poweroff_run, false},
	{NULL, ARGS_NONE, NULL, false},
};
