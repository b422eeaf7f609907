/* SPDX-License-Identifier: Apache-2.0 */
/* Hypercall device; see hypercall.h. */
#include "hypercall.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <dis/assert.h>

#define REPORT_ALIGN 4096u
#define HINT_ALIGN 8u
#define EARLY_ALIGN 8u
#define TIMED_HALT_ALIGN 8u

/* The classes are numbered alike, so that the hint's can be taken over. */
_Static_assert(DISVM_CLASS_SYSTEM == (unsigned)DIS_CLASS_SYSTEM, "ABI");
_Static_assert(DISVM_CLASS_REALTIME == (unsigned)DIS_CLASS_REALTIME, "ABI");
_Static_assert(DISVM_CLASS_INTERACTIVE == (unsigned)DIS_CLASS_INTERACTIVE,
	       "ABI");
_Static_assert(DISVM_CLASS_BATCH == (unsigned)DIS_CLASS_BATCH, "ABI");
_Static_assert(DISVM_CLASS_BACKGROUND == (unsigned)DIS_CLASS_BACKGROUND, "ABI");

int hypercall_init(struct hypercall *dev, const struct hypercall_config *config)
{
	dev->config = *config;
	dev->vcpus = calloc(config->vcpus, sizeof(*dev->vcpus));
	return dev->vcpus ? 0 : -ENOMEM;
}

void hypercall_destroy(struct hypercall *dev)
{
	free(dev->vcpus);
	dev->vcpus = NULL;
}

/* Argument @arg of call @name is not the address that it has to be. */
static enum io_action bad_address(struct io_access *a, const char *name,
				  unsigned arg, uint32_t gpa, uint32_t align)
{
	return io_fail(a, DIS_REASON_HYPERCALL,
		       "undefined hypercall: %s, argument %u is 0x%" PRIx32
		       " (%s)",
		       name, arg, gpa,
		       gpa % align ? "misaligned" : "outside guest memory");
}

static enum io_action call_report(struct hypercall *dev, struct io_access *a)
{
	struct hypercall_vcpu *v = &dev->vcpus[a->vcpu];
	uint32_t gpa = v->arg[0];

	if (gpa % REPORT_ALIGN ||
	    !guest_mem_ptr(dev->config.mem, gpa,
			   sizeof(struct disvm_guest_report)))
		return bad_address(a, "report", 0, gpa, REPORT_ALIGN);
	atomic_store_explicit(&v->report, gpa | HYPERCALL_REPORT_SET,
			      memory_order_release);
	v->status = 0;
	return IO_NONE;
}

/* Return: the status of the call. */
static int32_t ask_intent(struct hypercall *dev, unsigned vcpu,
			  const struct disvm_intent_hint *hint)
{
	struct dis_intent wanted;
	char err[128];
	int ret;

	if (hint->version != DISVM_ABI_VERSION)
		return -DISVM_EINVAL;
	wanted = (struct dis_intent){
		.klass = (enum dis_class)hint->klass,
		.declared = true,
		.period_ns = hint->period_ns,
		.deadline_ns = hint->deadline_ns,
		.wcet_ns = hint->wcet_ns,
		.latency_ns = hint->latency_ns,
		.affinity = DIS_CPUMASK_ALL,
	};
	if (dis_intent_validate(&wanted, DIS_CPUMASK_ALL, err, sizeof(err)))
		return -DISVM_EINVAL;
	ret = dev->config.intent(dev->config.ctx, vcpu, &wanted);
	if (ret == 0)
		return 0;
	return ret == -EPERM ? -DISVM_EPERM : -DISVM_EINVAL;
}

static enum io_action call_intent(struct hypercall *dev, struct io_access *a)
{
	struct hypercall_vcpu *v = &dev->vcpus[a->vcpu];
	uint32_t gpa = v->arg[0];
	struct disvm_intent_hint hint;

	if (gpa % HINT_ALIGN ||
	    guest_mem_read(dev->config.mem, gpa, &hint, sizeof(hint)))
		return bad_address(a, "intent", 0, gpa, HINT_ALIGN);
	v->status = ask_intent(dev, a->vcpu, &hint);
	return IO_NONE;
}

static enum io_action call_early(struct hypercall *dev, struct io_access *a)
{
	struct hypercall_vcpu *v = &dev->vcpus[a->vcpu];
	uint32_t gpa = v->arg[1];
	const int64_t *slack =
		guest_mem_ptr(dev->config.mem, gpa, sizeof(*slack));

	if (gpa % EARLY_ALIGN || !slack)
		return bad_address(a, "early", 1, gpa, EARLY_ALIGN);
	v->status = v->arg[0] > DISVM_EARLY_MAX_NS ? -DISVM_EINVAL : 0;
	if (v->status == 0)
		dev->config.early(dev->config.ctx, a->vcpu, v->arg[0], slack);
	return IO_NONE;
}

static enum io_action call_timed_halt(struct hypercall *dev, struct io_access *a)
{
	struct hypercall_vcpu *v = &dev->vcpus[a->vcpu];
	uint32_t gpa = v->arg[1];
	const uint64_t *deadline =
		guest_mem_ptr(dev->config.mem, gpa, sizeof(*deadline));

	if (gpa % TIMED_HALT_ALIGN || !deadline)
		return bad_address(a, "timed halt", 1, gpa, TIMED_HALT_ALIGN);
	v->status = dev->config.timed_halt && v->arg[0] <= 1 ? 0
							     : -DISVM_EINVAL;
	if (v->status == 0)
		dev->config.timed_halt(dev->config.ctx, a->vcpu,
				       v->arg[0] ? deadline : NULL);
	return IO_NONE;
}

static enum io_action call_block(struct hypercall_vcpu *v, struct io_access *a)
{
	static const enum dis_reason reasons[] = {
		[DISVM_BLOCK_IO] = DIS_REASON_IO,
		[DISVM_BLOCK_MUTEX] = DIS_REASON_MUTEX,
		[DISVM_BLOCK_SEMAPHORE] = DIS_REASON_SEMAPHORE,
		[DISVM_BLOCK_EVENT] = DIS_REASON_EVENT,
		[DISVM_BLOCK_IPC] = DIS_REASON_IPC,
	};

	if (v->arg[0] >= sizeof(reasons) / sizeof(reasons[0])) {
		v->status = -DISVM_EINVAL;
		return IO_NONE;
	}
	v->status = 0;
	a->reason = reasons[v->arg[0]];
	return IO_BLOCK;
}

/* Argument 0 is another vCPU, or itself. */
static bool names_vcpu(const struct hypercall *dev, struct hypercall_vcpu *v)
{
	v->status = v->arg[0] < dev->config.vcpus ? 0 : -DISVM_EINVAL;
	return v->status == 0;
}

static enum io_action call_wake(struct hypercall *dev, const struct io_access *a)
{
	struct hypercall_vcpu *v = &dev->vcpus[a->vcpu];

	if (names_vcpu(dev, v))
		dev->config.wake(dev->config.ctx, a->vcpu, v->arg[0]);
	return IO_NONE;
}

static enum io_action call_yield_to(struct hypercall *dev,
				    const struct io_access *a)
{
	struct hypercall_vcpu *v = &dev->vcpus[a->vcpu];

	if (!names_vcpu(dev, v))
		return IO_NONE;
	dev->config.yield(dev->config.ctx, a->vcpu, v->arg[0]);
	return IO_YIELD;
}

/* Copies the block of @vcpu; -ENOENT if there is none. */
static int copy_report(const struct hypercall *dev, unsigned vcpu,
		       struct disvm_guest_report *out)
{
	uint64_t report = atomic_load_explicit(&dev->vcpus[vcpu].report,
					       memory_order_acquire);

	if (!report)
		return -ENOENT;
	/* The range was checked when it was stored. */
	return guest_mem_read(dev->config.mem, report & ~HYPERCALL_REPORT_SET,
			      out, sizeof(*out));
}

static enum io_action call_exit(struct hypercall *dev, struct io_access *a,
				uint32_t code)
{
	struct disvm_guest_report report;

	a->exit_code = code;
	if (code)
		return IO_EXIT;
	for (unsigned i = 0; i < dev->config.vcpus; i++) {
		if (copy_report(dev, i, &report) == 0 &&
		    report.magic == DISVM_REPORT_MAGIC &&
		    report.state == DISVM_REPORT_RUNNING)
			return io_fail(
				a, DIS_REASON_GUEST_EXIT,
				"power-off while vCPU %u still runs its work",
				i);
	}
	return IO_EXIT;
}

static enum io_action undefined(struct io_access *a)
{
	return io_fail(a, DIS_REASON_HYPERCALL,
		       "undefined hypercall: %u-bit %s offset %" PRIu64,
		       a->width * 8u, a->write ? "write to" : "read of",
		       a->offset);
}

static enum io_action call(struct hypercall *dev, struct io_access *a)
{
	struct hypercall_vcpu *v = &dev->vcpus[a->vcpu];
	uint32_t number = (uint32_t)io_get(a);

	switch (number) {
	case DISVM_CALL_YIELD:
		v->status = 0;
		return IO_YIELD;
	case DISVM_CALL_REPORT:
		return call_report(dev, a);
	case DISVM_CALL_INTENT:
		return call_intent(dev, a);
	case DISVM_CALL_BLOCK:
		return call_block(v, a);
	case DISVM_CALL_WAKE:
		return call_wake(dev, a);
	case DISVM_CALL_YIELD_TO:
		return call_yield_to(dev, a);
	case DISVM_CALL_EARLY:
		return call_early(dev, a);
	case DISVM_CALL_TIMED_HALT:
		return call_timed_halt(dev, a);
	case DISVM_CALL_EXIT:
		v->status = 0;
		return call_exit(dev, a, v->arg[0]);
	default:
		return io_fail(a, DIS_REASON_HYPERCALL,
			       "undefined hypercall: call number %" PRIu32,
			       number);
	}
}

static enum io_action hypercall_write(struct hypercall *dev, struct io_access *a)
{
	struct hypercall_vcpu *v = &dev->vcpus[a->vcpu];

	switch (a->offset) {
	case DISVM_HC_CALL:
		return call(dev, a);
	case DISVM_HC_ARG0:
		v->arg[0] = (uint32_t)io_get(a);
		return IO_NONE;
	case DISVM_HC_ARG1:
		v->arg[1] = (uint32_t)io_get(a);
		return IO_NONE;
	default:
		return undefined(a);
	}
}

static uint32_t identification(const struct hypercall *dev)
{
	uint32_t features = dev->config.timed_halt ? DISVM_HC_CAN_TIMED_HALT
						   : 0;

	return DISVM_HC_ID_MAGIC | features | DISVM_ABI_VERSION;
}

static enum io_action hypercall_read(struct hypercall *dev, struct io_access *a)
{
	const struct hypercall_vcpu *v = &dev->vcpus[a->vcpu];

	switch (a->offset) {
	case DISVM_HC_CALL:
		io_put(a, (uint32_t)v->status);
		return IO_NONE;
	case DISVM_HC_ARG0:
		io_put(a, v->arg[0]);
		return IO_NONE;
	case DISVM_HC_ARG1:
		io_put(a, v->arg[1]);
		return IO_NONE;
	case DISVM_HC_ID:
		io_put(a, identification(dev));
		return IO_NONE;
	default:
		return undefined(a);
	}
}

static enum io_action hypercall_io(void *opaque, struct io_access *a)
{
	struct hypercall *dev = opaque;

	DIS_ASSERT(a->vcpu < dev->config.vcpus);
	if (a->width != 4)
		return undefined(a);
	return a->write ? hypercall_write(dev, a) : hypercall_read(dev, a);
}

const struct io_dev_ops hypercall_ops = {.io = hypercall_io};

static bool workload_is_printable(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\0')
			return true;
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	}
	return false;
}

int hypercall_read_report(const struct hypercall *dev, unsigned vcpu,
			  struct disvm_guest_report *out)
{
	int ret;

	DIS_ASSERT(vcpu < dev->config.vcpus);
	ret = copy_report(dev, vcpu, out);
	if (ret == -ENOENT)
		return ret;
	if (ret || out->magic != DISVM_REPORT_MAGIC ||
	    out->version != DISVM_ABI_VERSION || out->vcpu != vcpu ||
	    (out->state != DISVM_REPORT_RUNNING &&
	     out->state != DISVM_REPORT_DONE) ||
	    !workload_is_printable(out->workload, sizeof(out->workload)))
		return -EINVAL;
	return 0;
}
