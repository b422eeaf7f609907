/* SPDX-License-Identifier: Apache-2.0 */
/* Guests for tests; see pool.h. */
#include "kvm/pool.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "kvm/vcpu.h"
#include "lib/build_dir.h"

#define MEM_BYTES (UINT64_C(4) << 20)
#define ERR_BYTES 512
#define ROM_BYTES 0x10000u
#define RESET_VECTOR 0xfff0u

static void on_ended(void *vm, enum dis_state state, enum dis_reason reason)
{
	const struct machine *machine = vm;
	struct pool *pool = machine->owner;

	(void)state;
	(void)reason;
	sem_post(&pool->ended);
}

static const struct dis_run_ops run_ops = {
	.run_begin = kvm_vcpu_run_begin,
	.run = kvm_vcpu_run,
	.run_interrupt = kvm_vcpu_run_interrupt,
	.preempted = kvm_vcpu_preempted,
	.inspect = kvm_vcpu_inspect,
	.ended = on_ended,
};

static unsigned allowed_cpus(cpu_set_t *allowed, unsigned *cpus)
{
	unsigned n = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(*allowed), allowed), 0);
	for (unsigned i = 0; i < CPU_SETSIZE && n < DIS_CORES_MAX; i++)
		if (CPU_ISSET(i, allowed))
			cpus[n++] = i;
	return n;
}

void pool_open(struct pool *pool, enum pool_executor executor, unsigned vms,
	       unsigned vcpus)
{
	pool_open_with(pool, executor, vms, vcpus, NULL);
}

void pool_open_with(struct pool *pool, enum pool_executor executor,
		    unsigned vms, unsigned vcpus, struct dis_modules *modules)
{
	struct dis_domain_config cfg;
	unsigned cpus[DIS_CORES_MAX];
	cpu_set_t allowed;
	unsigned n = allowed_cpus(&allowed, cpus);

	*pool = (struct pool){.cores = executor == POOL_DIS ? n : vcpus};
	assert_int_equal(sem_init(&pool->ended, 0, 0), 0);
	assert_int_equal(dis_executors_create(pool->cores,
					      executor == POOL_DIS ? cpus : NULL,
					      &allowed, &pool->execs),
			 0);
	dis_domain_config_init(&cfg);
	cfg.cores = pool->cores;
	cfg.per_vcpu = executor == POOL_THREADS;
	cfg.vms_max = vms;
	cfg.vcpus_max = vcpus;
	cfg.modules = modules;
	cfg.ops = &run_ops;
	cfg.host_ops = &dis_executor_host_ops;
	cfg.host = pool->execs;
	assert_int_equal(dis_domain_create(&cfg, &pool->dom), 0);
	assert_int_equal(dis_executors_start(pool->execs, pool->dom), 0);
}

void pool_close(struct pool *pool)
{
	dis_executors_stop(pool->execs);
	dis_domain_destroy(pool->dom);
	dis_executors_destroy(pool->execs);
	sem_destroy(&pool->ended);
}

/* Beside the build's other images; the ordinary build's lie in images/. */
static const char *image_path(void)
{
	static char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/tiny.elf", build_dir());
	if (access(path, R_OK))
		snprintf(path, sizeof(path), "%s/../images/tiny.elf",
			 build_dir());
	return path;
}

static void open_kind(struct machine_kind *kind, struct machine_spec *spec)
{
	static struct dis_intent intents[DIS_VCPUS_PER_VM_MAX];
	enum machine_fault fault;
	char err[ERR_BYTES] = "";

	for (unsigned i = 0; i < DIS_VCPUS_PER_VM_MAX; i++)
		intents[i] = dis_intent_default();
	spec->mem_bytes = MEM_BYTES;
	spec->intents = intents;
	if (machine_kind_open(spec, kind, &fault, err, sizeof(err)) ||
	    machine_kind_start(kind, err, sizeof(err)))
		fail_msg("%s", err);
}

void pool_kind_open(struct machine_kind *kind, const char *cmdline,
		    unsigned vcpus, unsigned copies, bool kernel_irqchip)
{
	struct machine_spec spec = {
		.kernel_path = image_path(),
		.cmdline = cmdline,
		.vcpus = vcpus,
		.copies = copies,
		.kernel_irqchip = kernel_irqchip,
	};

	open_kind(kind, &spec);
}

void pool_kind_open_kernel(struct machine_kind *kind, const char *path,
			   unsigned vcpus, bool kernel_irqchip)
{
	struct machine_spec spec = {
		.kernel_path = path,
		.vcpus = vcpus,
		.copies = 1,
		.kernel_irqchip = kernel_irqchip,
	};

	open_kind(kind, &spec);
}

void pool_kind_open_rom(struct machine_kind *kind, const uint8_t *code,
			const uint8_t *end, const uint8_t *entry,
			unsigned vcpus)
{
	static uint8_t rom[ROM_BYTES];
	static char path[64];
	uint16_t at = (uint16_t)(entry - code);
	const uint8_t jump[] = {0xea, (uint8_t)at, (uint8_t)(at >> 8), 0x00,
				0xf0};
	int fd = memfd_create("rom", MFD_CLOEXEC);
	struct machine_spec spec = {
		.firmware_path = path,
		.vcpus = vcpus,
		.copies = 1,
	};

	assert_true(fd >= 0);
	memset(rom, 0, sizeof(rom));
	memcpy(rom, code, (size_t)(end - code));
	memcpy(rom + RESET_VECTOR, jump, sizeof(jump));
	assert_int_equal(write(fd, rom, sizeof(rom)), sizeof(rom));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	open_kind(kind, &spec);
	close(fd);
}

struct machine *pool_create(struct pool *pool, const struct machine_kind *kind,
			    unsigned seq)
{
	const struct dis_vm_spec spec = {
		.name = "guest",
		.vcpus = kind->spec.vcpus,
		.mem_bytes = kind->spec.mem_bytes,
		.intents = kind->spec.intents,
	};
	enum machine_fault fault;
	struct machine *machine = NULL;
	char err[ERR_BYTES] = "";
	dis_id id;

	if (dis_vm_spawn(pool->dom, &spec, dis_clock_ns(), &id, err,
			 sizeof(err)) ||
	    machine_create(kind, seq, pool->dom, id, pool, &machine, &fault,
			   err, sizeof(err)))
		fail_msg("guest %u: %s", seq, err);
	return machine;
}

void pool_discard(struct pool *pool, struct machine *machine)
{
	assert_int_equal(dis_vm_reap_finish(pool->dom, machine->id), 0);
	machine_destroy(machine);
}

struct machine *pool_boot(struct pool *pool, const struct machine_kind *kind,
			  unsigned seq)
{
	struct machine *machine = pool_create(pool, kind, seq);

	assert_int_equal(dis_vm_start(pool->dom, machine->id), 0);
	return machine;
}

void pool_wait_ended(struct pool *pool, unsigned count)
{
	while (count) {
		if (!sem_wait(&pool->ended))
			count--;
		else
			assert_int_equal(errno, EINTR);
	}
}

void pool_stop(struct pool *pool, const struct machine *machine)
{
	assert_int_equal(dis_vm_end(pool->dom, machine->id, DIS_STATE_FINISHED,
				    DIS_REASON_STOPPED),
			 0);
}

struct dis_vm_info pool_info(const struct pool *pool,
			     const struct machine *machine)
{
	struct dis_vm_info info;

	assert_int_equal(dis_vm_get_info(pool->dom, machine->id, &info), 0);
	return info;
}

void pool_reap(struct pool *pool, struct machine *machine)
{
	int ret;

	assert_int_equal(dis_vm_reap_begin(pool->dom, machine->id), 0);
	while ((ret = dis_vm_reap_finish(pool->dom, machine->id)) == -EAGAIN)
		sched_yield();
	assert_int_equal(ret, 0);
	machine_destroy(machine);
}

uint64_t pool_work(const struct machine *machine, unsigned vcpu)
{
	struct disvm_guest_report report;

	if (hypercall_read_report(&machine->hypercall, vcpu, &report))
		return 0;
	return report.work;
}

void pool_wait_work(const struct machine *machine, unsigned vcpu, uint64_t more)
{
	const struct timespec pause = {.tv_nsec = (long)DIS_MS_NS};
	uint64_t enough = pool_work(machine, vcpu) + more;

	while (pool_work(machine, vcpu) < enough)
		nanosleep(&pause, NULL);
}

unsigned pool_count_done(const struct machine *machine)
{
	struct disvm_guest_report report;
	unsigned done = 0;

	for (unsigned i = 0; i < machine->kind->spec.vcpus; i++)
		if (!hypercall_read_report(&machine->hypercall, i, &report) &&
		    report.state == DISVM_REPORT_DONE)
			done++;
	return done;
}
