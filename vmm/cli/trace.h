/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Trace of a run as Chrome trace events (JSON), for ui.perfetto.dev.
 *
 * Place in the flow: run.c drains the executors' event rings and hands the
 * events over; one track per host core (which vCPU ran, and why it stopped) and
 * one per vCPU (its states; with Running the decision and its reason) come out.
 *
 * Events of one core arrive in order, those of different cores up to
 * @drain_ns apart; a heap of fixed size puts them in order. Memory: that heap,
 * one buffer, and 64 bytes per vCPU and per core seen.
 *
 * Invariant: at every moment the file on disk is complete, valid JSON: each
 * write ends with the closing brackets, and the next one begins over them. A
 * full disk or a killed process costs the newest events only, and is said.
 *
 * Locking: none; one thread at a time, never an executor.
 */
#ifndef DISVM_TRACE_H
#define DISVM_TRACE_H

#include <dis/domain.h>

struct dis_modules;
struct trace;

/**
 * @modules:  to name those that fail; NULL if there are none.
 * @cpus:     host CPU of core i, for the names of the tracks; @n_cores of them.
 * @start_ns: time 0 of the trace.
 * @drain_ns: how much later than an event of one core an older event of another
 *            core may still be handed over: twice the interval of draining.
 */
struct trace_config {
	struct dis_modules *modules;
	const unsigned *cpus;
	unsigned n_cores;
	uint64_t start_ns;
	uint64_t drain_ns;
};

/**
 * trace_open - create @path (a regular file is emptied) and write the names of
 *              the core tracks.
 * @out: release with trace_close().
 * @err: one line that names the file.
 *
 * Return: 0; -EINVAL if @path is a pipe or directory, -ENOMEM, or -errno of
 * open and write.
 */
int trace_open(const char *path, const struct trace_config *config,
	       struct trace **out, char *err, size_t err_size);

/**
 * Records that perfetto skips and `disvm sim` needs: what the pool's rules are,
 * and what was promised to each vCPU, and then to its VM.
 */
void trace_describe_pool(struct trace *t, const struct dis_domain_config *cfg);
void trace_describe_vcpu(struct trace *t, unsigned vm_seq, unsigned vcpu_seq,
			 const struct dis_intent *intent);
void trace_describe_shares(struct trace *t, unsigned vm_seq,
			   unsigned min_permille, unsigned max_permille);

/**
 * trace_events - take @n events.
 *
 * Return: 0, or the first error as -errno; after one, nothing more is written
 * and every call returns it again.
 */
int trace_events(struct trace *t, const struct dis_event *events, size_t n);

/**
 * trace_close - end open slices at @end_ns, finish the file, release @t.
 * @err: one line that names the file and how many events are missing.
 *
 * Return: 0, or the first error of this trace.
 */
int trace_close(struct trace *t, uint64_t end_ns, char *err, size_t err_size);

#endif
