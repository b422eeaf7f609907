/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers of a PC in a guest that starts as one: at the reset vector, in real mode, in
 * a ROM. The 8254 and the clock interrupt it through the 8259 pair (R: CARD-8).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "kvm/pool.h"

/*
 * The code is at the start of the ROM, so at f000:0000 of its copy, where a start-up
 * IPI with vector 0xf0 starts the second vCPU.
 */
__asm__(".pushsection .rodata\n"
	".code16\n"
	".macro outp value, port\n"
	"	movb $\\value, %al\n"
	"	outb %al, $\\port\n"
	".endm\n"
	".macro wrmsr32 msr, low\n"
	"	movl $\\msr, %ecx\n"
	"	movl $\\low, %eax\n"
	"	wrmsr\n"
	".endm\n"
	"rom_code:\n"
	/* The second vCPU: when the first one sleeps, a one-shot of 20 ms. */
	"	movw $1000, %cx\n"
	"1:	inb $0x80, %al\n"
	"	loop 1b\n"
	"	outp 0x30, 0x43\n"
	"	outp 0x38, 0x40\n"
	"	outp 0x5d, 0x40\n"
	"1:	cli\n"
	"	hlt\n"
	"	jmp 1b\n"

	/*
	 * Vectors 0x20 and 0x28 for the pair, masked as in %bx; its INTR to the boot
	 * vCPU by LINT0 of its local APIC, here in x2APIC form.
	 */
	"rom_set_up:\n"
	"	cli\n"
	"	xorw %ax, %ax\n"
	"	movw %ax, %ds\n"
	"	movw %ax, %ss\n"
	"	movw $0x7000, %sp\n"
	"	movw $(on_pit - rom_code), 0x20 * 4\n"
	"	movw $0xf000, 0x20 * 4 + 2\n"
	"	movw $(on_clock - rom_code), 0x28 * 4\n"
	"	movw $0xf000, 0x28 * 4 + 2\n"
	"	movw %ax, 0x500\n"
	"	outp 0x11, 0x20\n"
	"	outp 0x20, 0x21\n"
	"	outp 0x04, 0x21\n"
	"	outp 0x01, 0x21\n"
	"	outp 0x11, 0xa0\n"
	"	outp 0x28, 0xa1\n"
	"	outp 0x02, 0xa1\n"
	"	outp 0x01, 0xa1\n"
	"	movb %bl, %al\n"
	"	outb %al, $0x21\n"
	"	movb %bh, %al\n"
	"	outb %al, $0xa1\n"
	"	xorl %edx, %edx\n"
	"	wrmsr32 0x1b, 0xfee00d00\n"
	"	wrmsr32 0x80f, 0x1ff\n"
	"	wrmsr32 0x835, 0x700\n"
	"	jmp *%di\n"

	/*
	 * Interrupts are counted at 0x500; %bl of them end the guest, in the handler:
	 * where exits are slow, the next one is due before its end, and what it
	 * interrupted never goes on. The clock must say each time that it was it;
	 * else the guest ends with 0xee.
	 */
	"on_clock:\n"
	"	outp 0x0c, 0x70\n"
	"	inb $0x71, %al\n"
	"	testb $0x40, %al\n"
	"	movb $0xee, %al\n"
	"	jz 1f\n"
	"	outp 0x20, 0xa0\n"
	"on_pit:\n"
	"	incw 0x500\n"
	"	movb 0x500, %al\n"
	"	cmpb %bl, %al\n"
	"	je 1f\n"
	"	outp 0x20, 0x20\n"
	"	iret\n"
	"1:	outb %al, $0xf4\n"
	"rom_wait:\n"
	"1:	sti\n"
	"	hlt\n"
	"	jmp 1b\n"

	/* The 8254 as a rate generator of 100 Hz. */
	"rom_pit:\n"
	"	movw $0xfffe, %bx\n"
	"	movw $(1f - rom_code), %di\n"
	"	jmp rom_set_up\n"
	"1:	outp 0x34, 0x43\n"
	"	outp 0x9c, 0x40\n"
	"	outp 0x2e, 0x40\n"
	"	movb $10, %bl\n"
	"	jmp rom_wait\n"

	/* Periodic interrupts of the clock, 1024 Hz. */
	"rom_clock:\n"
	"	movw $0xfefb, %bx\n"
	"	movw $(1f - rom_code), %di\n"
	"	jmp rom_set_up\n"
	"1:	outp 0x0b, 0x70\n"
	"	outp 0x42, 0x71\n"
	"	outp 0x0c, 0x70\n"
	"	inb $0x71, %al\n"
	"	movb $20, %bl\n"
	"	jmp rom_wait\n"

	/* The second vCPU will program the 8254. */
	"rom_other:\n"
	"	movw $0xfffe, %bx\n"
	"	movw $(1f - rom_code), %di\n"
	"	jmp rom_set_up\n"
	"1:	movl $1, %edx\n"
	"	wrmsr32 0x830, 0x4500\n"
	"	wrmsr32 0x830, 0x46f0\n"
	"	movb $1, %bl\n"
	"	jmp rom_wait\n"

	/* Programmed as above, but nobody listens. */
	"rom_deaf:\n"
	"	movw $0xffff, %bx\n"
	"	movw $(1f - rom_code), %di\n"
	"	jmp rom_set_up\n"
	"1:	outp 0x34, 0x43\n"
	"	outp 0x9c, 0x40\n"
	"	outp 0x2e, 0x40\n"
	"1:	hlt\n"
	"	jmp 1b\n"
	"rom_end:\n"
	".code64\n"
	".popsection\n");

extern const uint8_t rom_code[], rom_end[];
extern const uint8_t rom_pit[], rom_clock[], rom_other[], rom_deaf[];

struct guest {
	struct pool pool;
	struct machine_kind kind;
	struct machine *machine;
};

static void guest_boot(struct guest *g, const uint8_t *entry, unsigned vcpus)
{
	pool_open(&g->pool, POOL_DIS, 1, vcpus);
	pool_kind_open_rom(&g->kind, rom_code, rom_end, entry, vcpus);
	g->machine = pool_boot(&g->pool, &g->kind, 0);
}

static void guest_close(struct guest *g)
{
	pool_reap(&g->pool, g->machine);
	pool_close(&g->pool);
	machine_kind_close(&g->kind);
}

static void guest_ends_with(struct guest *g, const char *detail)
{
	pool_wait_ended(&g->pool, 1);
	assert_string_equal(g->machine->vm.failure.detail, detail);
	guest_close(g);
}

static void test_pit_interrupts_through_8259_pair(void **state)
{
	struct guest g;
	uint64_t start_ns = dis_clock_ns();

	(void)state;
	guest_boot(&g, rom_pit, 1);
	guest_ends_with(&g, "vCPU 0: guest exit code 10");
	/*
	 * The first interrupt is that of the output, which rises as the mode is
	 * set; then nine periods, none of which may be short.
	 */
	assert_true(dis_clock_ns() - start_ns >= 9 * 9999 * DIS_US_NS);
}

static void test_clock_interrupts_through_8259_pair(void **state)
{
	struct guest g;
	uint64_t start_ns = dis_clock_ns();

	(void)state;
	guest_boot(&g, rom_clock, 1);
	guest_ends_with(&g, "vCPU 0: guest exit code 20");
	/* From the first to the last interrupt no period may be short. */
	assert_true(dis_clock_ns() - start_ns >= 19 * DIS_S_NS / 1024);
}

/* The boot vCPU, which sees to it, must be woken to ask for its expiry. */
static void test_pit_programmed_by_another_vcpu_interrupts(void **state)
{
	struct guest g;

	(void)state;
	guest_boot(&g, rom_other, 2);
	guest_ends_with(&g, "vCPU 0: guest exit code 1");
}

static void wait_for_state(const struct guest *g, enum dis_state wanted)
{
	const struct timespec pause = {.tv_nsec = (long)DIS_MS_NS};
	uint64_t now[DIS_STATES], total[DIS_STATES];

	do {
		nanosleep(&pause, NULL);
		dis_domain_count_states(g->pool.dom, now, total);
	} while (now[wanted] != 1 && !pool_info(&g->pool, g->machine).ended);
}

/* One edge stays in the pair; after it the guest sleeps without a timer. */
static void test_pit_that_is_masked_comes_to_rest(void **state)
{
	struct guest g;

	(void)state;
	guest_boot(&g, rom_deaf, 1);
	wait_for_state(&g, DIS_STATE_WAITING);
	assert_false(pool_info(&g.pool, g.machine).ended);
	assert_int_equal(machine_pc_expiry_ns(g.machine), DIS_NEVER_NS);
	assert_true(atomic_load(&g.machine->pc.pit.due_ns) != DIS_NEVER_NS);
	pool_stop(&g.pool, g.machine);
	pool_wait_ended(&g.pool, 1);
	guest_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pit_interrupts_through_8259_pair),
		cmocka_unit_test(test_clock_interrupts_through_8259_pair),
		cmocka_unit_test(test_pit_programmed_by_another_vcpu_interrupts),
		cmocka_unit_test(test_pit_that_is_masked_comes_to_rest),
	};

	return cmocka_run_group_tests_name("pc_timers", tests, NULL, NULL);
}
