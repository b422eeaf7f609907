/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the host does beside the domain (R: DIS-8).
 *
 * Place in the flow: sampled by the VMM, handed over with
 * dis_domain_set_host_load(), read by placement: a core whose CPU others use is
 * a worse place.
 */
#ifndef DIS_LOAD_H
#define DIS_LOAD_H

#include <dis/types.h>

/** This host does not tell, or not yet. */
#define DIS_LOAD_ABSENT UINT32_MAX

/**
 * All shares in per mille, over the time since the last sample.
 *
 * @busy:    of each core's CPU, whoever used it.
 * @foreign: of each core's CPU, used by others than the domain's executors, or
 *           taken by the machine below.
 * @active_cpus: CPUs that are online.
 * @queue_length: threads of the host that run or want to.
 * @memory_stall, @io_stall: time in which some thread waited for memory or I/O
 *           (pressure stall information, over 10 s).
 * @memory_used: of all memory, not available for new use.
 * @io_wait: of the time of all CPUs, idle with I/O outstanding.
 */
struct dis_host_load {
	uint32_t busy[DIS_CORES_MAX];
	uint32_t foreign[DIS_CORES_MAX];
	uint32_t active_cpus;
	uint32_t queue_length;
	uint32_t memory_stall;
	uint32_t memory_used;
	uint32_t io_stall;
	uint32_t io_wait;
};

#endif
