/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shelf of shells: what is made when, what is kept, what is closed; and guests
 * that follow each other in one shell. What scrubbing does is in test_scrub.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "kvm/pool.h"
#include "shell.h"

#define SLOTS 3u
#define MEM_BYTES UINT64_C(0x20000)
#define MARK_GPA 0x1000u
#define TSS_GPA 0xfffbd000u

/* What load() is to do, and how often it was asked. */
static struct {
	unsigned calls;
	unsigned fails_from; /* the call from which on it fails; 0: none */
} loads;

struct bed {
	struct kvm kvm;
	struct arena arena;
	struct shells *shells;
};

static int load_mark(const void *ctx, const struct shell *shell, char *err,
		     size_t err_size)
{
	const struct bed *bed = ctx;

	(void)err;
	(void)err_size;
	if (++loads.calls == loads.fails_from)
		return -EINVAL;
	arena_slot(&bed->arena, shell->slot)[MARK_GPA] = 0x5a;
	return 0;
}

static unsigned open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void bed_open(struct bed *bed, unsigned keep)
{
	const struct shells_config cfg = {.kvm = &bed->kvm,
					  .arena = &bed->arena,
					  .vcpus = 1,
					  .keep = keep,
					  .load = load_mark,
					  .ctx = bed};
	char err[256] = "";

	memset(&loads, 0, sizeof(loads));
	*bed = (struct bed){.kvm.fd = -1};
	if (kvm_open(false, &bed->kvm, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(arena_create(SLOTS, MEM_BYTES, &bed->arena), 0);
	if (shells_create(&cfg, &bed->shells, err, sizeof(err)))
		fail_msg("%s", err);
}

static void bed_close(struct bed *bed)
{
	shells_destroy(bed->shells);
	arena_destroy(&bed->arena);
	kvm_close(&bed->kvm);
}

static struct shell *take(struct bed *bed)
{
	struct shell *shell;
	char err[256] = "";

	if (shells_take(bed->shells, &shell, err, sizeof(err)))
		fail_msg("%s", err);
	return shell;
}

static void expect_zero(const struct bed *bed, const struct shell *shell)
{
	const uint8_t *mem = arena_slot(&bed->arena, shell->slot);

	for (size_t i = 0; i < MEM_BYTES; i++)
		assert_int_equal(mem[i], 0);
}

static void test_shell_not_kept_is_closed_and_its_memory_zero(void **state)
{
	unsigned before;
	struct shell *shell;
	struct bed bed;

	(void)state;
	bed_open(&bed, 0);
	before = open_files();
	shell = take(&bed);
	assert_int_equal(shell->state, SHELL_WHOLE);
	assert_int_equal(open_files(), before + 2);
	memset(arena_slot(&bed.arena, shell->slot), 0x5a, MEM_BYTES);
	shells_give(bed.shells, shell);
	assert_int_equal(shell->state, SHELL_EMPTY);
	assert_int_equal(open_files(), before);
	expect_zero(&bed, shell);
	assert_int_equal(loads.calls, 0);
	bed_close(&bed);
}

/* R: MEM-4 */
static void test_shells_destroyed_leave_no_files(void **state)
{
	unsigned before = open_files();
	struct shell *shell;
	struct bed bed;
	char err[256];

	(void)state;
	bed_open(&bed, 2);
	assert_int_equal(shells_make_vms(bed.shells, 1, err, sizeof(err)), 0);
	shell = take(&bed);
	shells_give(bed.shells, shell);
	bed_close(&bed);
	assert_int_equal(open_files(), before);
}

static void test_shells_kept_are_loaded_ahead_and_again_when_given(void **state)
{
	struct shell *shell;
	unsigned before;
	uint8_t *mem;
	struct bed bed;

	(void)state;
	bed_open(&bed, 1);
	assert_int_equal(loads.calls, 1);
	before = open_files();
	shell = take(&bed);
	mem = arena_slot(&bed.arena, shell->slot);
	assert_int_equal(shell->state, SHELL_LOADED);
	assert_int_equal(mem[MARK_GPA], 0x5a);
	assert_int_equal(open_files(), before);
	memset(mem, 0x77, MEM_BYTES);
	shells_give(bed.shells, shell);
	assert_int_equal(loads.calls, 2);
	assert_int_equal(shell->state, SHELL_LOADED);
	assert_int_equal(mem[MARK_GPA], 0x5a);
	mem[MARK_GPA] = 0;
	expect_zero(&bed, shell);
	assert_int_equal(open_files(), before);
	assert_ptr_equal(take(&bed), shell);
	shells_give(bed.shells, shell);
	bed_close(&bed);
}

static void test_shells_beyond_keep_are_closed(void **state)
{
	struct shell *shell[SLOTS];
	unsigned before;
	struct bed bed;

	(void)state;
	bed_open(&bed, 1);
	before = open_files();
	for (unsigned i = 0; i < SLOTS; i++)
		shell[i] = take(&bed);
	assert_int_equal(open_files(), before + 4);
	for (unsigned i = 0; i < SLOTS; i++)
		shells_give(bed.shells, shell[i]);
	assert_int_equal(shell[0]->state, SHELL_LOADED);
	assert_int_equal(shell[1]->state, SHELL_EMPTY);
	assert_int_equal(shell[2]->state, SHELL_EMPTY);
	assert_int_equal(open_files(), before);
	bed_close(&bed);
}

static void test_shells_with_vms_ahead_need_vcpus_alone(void **state)
{
	struct shell *shell[SLOTS];
	unsigned before;
	char err[256];
	struct bed bed;

	(void)state;
	bed_open(&bed, 0);
	before = open_files();
	/* One more than there are slots. */
	assert_int_equal(
		shells_make_vms(bed.shells, SLOTS + 1, err, sizeof(err)), 0);
	assert_int_equal(open_files(), before + SLOTS);
	for (unsigned i = 0; i < SLOTS; i++)
		shell[i] = take(&bed);
	assert_int_equal(open_files(), before + 2 * SLOTS);
	for (unsigned i = 0; i < SLOTS; i++)
		shells_give(bed.shells, shell[i]);
	bed_close(&bed);
}

/* Its guest has brought KVM to refuse the vCPU: any file serves for that. */
static void test_shell_that_does_not_come_clean_is_closed(void **state)
{
	struct shell *shell;
	unsigned before;
	struct bed bed;
	int other;

	(void)state;
	bed_open(&bed, 1);
	before = open_files();
	shell = take(&bed);
	other = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(dup2(other, shell->vcpus[0].fd), shell->vcpus[0].fd);
	close(other);
	shells_give(bed.shells, shell);
	assert_int_equal(shell->state, SHELL_EMPTY);
	expect_zero(&bed, shell);
	assert_int_equal(open_files(), before - 2);
	/* And the next one is made anew. */
	shell = take(&bed);
	assert_int_equal(shell->state, SHELL_WHOLE);
	shells_give(bed.shells, shell);
	assert_int_equal(shell->state, SHELL_LOADED);
	bed_close(&bed);
}

static void test_shell_that_cannot_be_loaded_is_closed(void **state)
{
	struct shell *shell;
	struct bed bed;

	(void)state;
	bed_open(&bed, 1);
	shell = take(&bed);
	loads.fails_from = loads.calls + 1;
	shells_give(bed.shells, shell);
	assert_int_equal(shell->state, SHELL_EMPTY);
	expect_zero(&bed, shell);
	bed_close(&bed);
}

static void test_shells_without_files_fail_and_leave_nothing(void **state)
{
	struct rlimit limit, few;
	struct shell *shell;
	char err[256] = "";
	unsigned before;
	struct bed bed;
	int ret, next;

	(void)state;
	bed_open(&bed, 0);
	before = open_files();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	/* One number is left, for the VM. */
	next = dup(STDERR_FILENO);
	close(next);
	few.rlim_cur = (rlim_t)next + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	ret = shells_take(bed.shells, &shell, err, sizeof(err));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(ret, -EMFILE);
	assert_string_equal(err, "vCPU 0: KVM_CREATE_VCPU: Too many open files");
	assert_int_equal(open_files(), before);
	shells_give(bed.shells, take(&bed));
	bed_close(&bed);
}

/* As Intel's virtualisation has where it cannot do without. */
static void test_vm_with_memory_of_kvm_in_it_is_told(void **state)
{
	struct kvm_userspace_memory_region region = {
		.slot = 7, .guest_phys_addr = TSS_GPA, .memory_size = 0x3000};
	struct guest_mem mem;
	struct shell *shell;
	struct bed bed;

	(void)state;
	bed_open(&bed, 0);
	shell = take(&bed);
	mem = (struct guest_mem){arena_slot(&bed.arena, shell->slot), MEM_BYTES};
	assert_int_equal(kvm_vm_has_hidden_memory(shell->vm_fd, &mem), 0);
	region.userspace_addr = (uint64_t)(uintptr_t)mem.base;
	assert_int_equal(kvm_ioctl(shell->vm_fd, KVM_SET_USER_MEMORY_REGION,
				   &region),
			 0);
	assert_int_equal(kvm_vm_has_hidden_memory(shell->vm_fd, &mem), 1);
	shells_give(bed.shells, shell);
	bed_close(&bed);
}

static void kind_open(struct machine_kind *kind, const char *cmdline,
		      unsigned copies, unsigned keep)
{
	struct machine_spec spec;
	enum machine_fault fault;
	char err[512] = "";

	pool_kind_open(kind, cmdline, 2, copies, false);
	spec = kind->spec;
	machine_kind_close(kind);
	spec.keep = keep;
	if (machine_kind_open(&spec, kind, &fault, err, sizeof(err)) ||
	    machine_kind_start(kind, err, sizeof(err)))
		fail_msg("%s", err);
}

/* Uses all that leaves something behind: timers, IPIs, steal time, the report. */
static void test_machines_in_one_shell_run_one_after_the_other(void **state)
{
	struct shell *shell = NULL;
	struct machine_kind kind;
	unsigned files = 0;
	struct pool pool;

	(void)state;
	pool_open(&pool, POOL_DIS, 1, 2);
	kind_open(&kind, "work=sleep:1ms time=20ms", 1, 1);
	for (unsigned i = 0; i < 20; i++) {
		struct machine *machine = pool_boot(&pool, &kind, i);

		if (!shell) {
			shell = machine->shell;
			files = open_files();
		}
		assert_ptr_equal(machine->shell, shell);
		pool_wait_ended(&pool, 1);
		assert_int_equal(pool_info(&pool, machine).state,
				 DIS_STATE_FINISHED);
		assert_int_equal(pool_count_done(machine), 2);
		pool_reap(&pool, machine);
		assert_int_equal(shell->state, SHELL_LOADED);
		assert_int_equal(open_files(), files);
	}
	machine_kind_close(&kind);
	pool_close(&pool);
}

/* One that is killed at work: timers armed, vCPUs anywhere. */
static void
test_machine_after_a_killed_one_is_as_one_in_a_new_shell(void **state)
{
	struct machine *killed, *again, *new;
	struct machine_kind kind;
	struct pool pool;

	(void)state;
	pool_open(&pool, POOL_DIS, 2, 4);
	/* It does not end by itself, however slow the host is. */
	kind_open(&kind, "work=sleep:1ms", 2, 2);
	for (unsigned i = 0; i < 10; i++) {
		struct shell *shell;

		killed = pool_boot(&pool, &kind, 0);
		shell = killed->shell;
		pool_wait_work(killed, 0, 2);
		pool_stop(&pool, killed);
		pool_wait_ended(&pool, 1);
		pool_reap(&pool, killed);
		/* The last one that came is the first to go. */
		again = pool_create(&pool, &kind, 0);
		assert_ptr_equal(again->shell, shell);
		new = pool_create(&pool, &kind, 1);
		assert_ptr_not_equal(new->shell, shell);
		assert_memory_equal(again->vm.mem.base, new->vm.mem.base,
				    again->vm.mem.size_bytes);
		for (unsigned k = 0; k < 2; k++) {
			assert_int_equal(
				lapic_timer_expiry_ns(&again->vcpus[k].lapic),
				DIS_NEVER_NS);
			assert_null(again->vcpus[k].steal.page);
			assert_null(again->vcpus[k].lapic.pv_eoi);
			assert_int_equal(again->vcpus[k].early_ns, 0);
			assert_null(again->vcpus[k].halt_deadline);
		}
		pool_discard(&pool, new);
		pool_discard(&pool, again);
	}
	machine_kind_close(&kind);
	pool_close(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_shell_not_kept_is_closed_and_its_memory_zero),
		cmocka_unit_test(test_shells_destroyed_leave_no_files),
		cmocka_unit_test(
			test_shells_kept_are_loaded_ahead_and_again_when_given),
		cmocka_unit_test(test_shells_beyond_keep_are_closed),
		cmocka_unit_test(test_shells_with_vms_ahead_need_vcpus_alone),
		cmocka_unit_test(test_shell_that_does_not_come_clean_is_closed),
		cmocka_unit_test(test_shell_that_cannot_be_loaded_is_closed),
		cmocka_unit_test(
			test_shells_without_files_fail_and_leave_nothing),
		cmocka_unit_test(test_vm_with_memory_of_kvm_in_it_is_told),
		cmocka_unit_test(
			test_machines_in_one_shell_run_one_after_the_other),
		cmocka_unit_test(
			test_machine_after_a_killed_one_is_as_one_in_a_new_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
