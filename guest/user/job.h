/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The end of a periodic job: was it late, and which job is next?
 *
 * A job's deadline is the next release. Later than that it is late, and each
 * release that has passed by then is skipped: its job never began. So a late job
 * costs two deadlines or more, its own and the next one's.
 *
 * Times are of one clock, in whatever unit.
 */
#ifndef GUEST_JOB_H
#define GUEST_JOB_H

#include <stdint.h>

/**
 * @late:    by how much the job missed its deadline; 0: it kept it.
 * @skipped: releases before @end.
 * @next:    release of the next job.
 */
struct job_end {
	uint64_t late;
	uint64_t skipped;
	uint64_t next;
};

/** Of the job released at @release that ended at @end; @period is not 0. */
static inline struct job_end job_end(uint64_t release, uint64_t period,
				     uint64_t end)
{
	uint64_t deadline = release + period;
	uint64_t late = end > deadline ? end - deadline : 0;
	uint64_t skipped = late / period + (late % period != 0);

	return (struct job_end){late, skipped, deadline + skipped * period};
}

#endif
