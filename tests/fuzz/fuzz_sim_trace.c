/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces that disvm sim reads: the input is the records between the head and the
 * end of a small good trace, or the whole file. What is accepted must make sense.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/sim_demand.h"

static const char head[] =
	"{\"otherData\":{\"schema\":\"disvm.trace/1\"},\"traceEvents\":["
	"{\"ph\":\"M\",\"name\":\"disvm_pool\",\"args\":{\"cores\":2,"
	"\"threads\":false,\"quantum_ns\":0,"
	"\"system\":{\"quantum_ns\":0,\"floor_permille\":0},"
	"\"realtime\":{\"quantum_ns\":0,\"floor_permille\":0},"
	"\"interactive\":{\"quantum_ns\":0,\"floor_permille\":0},"
	"\"batch\":{\"quantum_ns\":0,\"floor_permille\":0},"
	"\"background\":{\"quantum_ns\":0,\"floor_permille\":0}}},"
	"{\"ph\":\"M\",\"name\":\"disvm_vcpu\",\"args\":{\"vm\":0,\"vcpu\":0}},"
	"{\"ph\":\"M\",\"name\":\"disvm_vcpu\",\"args\":{\"vm\":0,\"vcpu\":1}},"
	"{\"ph\":\"M\",\"name\":\"thread_name\",\"tid\":1,\"args\":{\"name\":"
	"\"vm0/vcpu0 x\"}},"
	"{\"ph\":\"M\",\"name\":\"thread_name\",\"tid\":2,\"args\":{\"name\":"
	"\"vm0/vcpu1 x\"}},";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_demand(const struct sim_trace *trace)
{
	struct sim_demand demand;

	check(sim_demand_of(trace, &demand) == 0);
	for (size_t i = 0; i < trace->n_vcpus; i++) {
		const struct sim_signals *sends = &demand.programs[i].sends;

		for (size_t k = 0; k < sends->count; k++) {
			const struct sim_signal *s = &sends->list[k];

			check(s->target < trace->n_vcpus);
			check(s->burst < demand.programs[s->target].count);
			check(!k || s->at_ns >= s[-1].at_ns);
		}
	}
	sim_demand_free(&demand);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sim_trace trace;
	char err[512] = "", *text;
	size_t used = 0;

	if (size < 1)
		return 0;
	text = malloc(sizeof(head) + size + 2);
	check(text);
	if (!(data[0] & 0x80)) {
		memcpy(text, head, sizeof(head) - 1);
		used = sizeof(head) - 1;
	}
	memcpy(text + used, data + 1, size - 1);
	used += size - 1;
	if (!(data[0] & 0x80)) {
		memcpy(text + used, "]}", 2);
		used += 2;
	}
	if (sim_trace_parse(text, used, &trace, err, sizeof(err))) {
		check(err[0]);
	} else {
		check(trace.n_vcpus && trace.n_events);
		check_demand(&trace);
		sim_trace_free(&trace);
	}
	free(text);
	return 0;
}
