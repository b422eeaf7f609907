/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts from a device to a guest, and between vCPUs, on the whole way: the line
 * of the UART, 8259 pair or I/O APIC, local APIC in xAPIC form, KVM, the guest's
 * handler (R: CARD-8, CARD-11). Guests are some bytes of 32-bit code; with KVM's own
 * controllers they see the same.
 */
#include <elf.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "kvm/pool.h"

/* Where the code goes, as in its assembly, and its end of memory for an ELF. */
#define CODE_GPA 0x10000u
#define CODE_AT 0x200u
#define NOTE_AT 0x100u

/*
 * All guests halt until they are interrupted. Received bytes are summed up in
 * %edi; the second one ends the guest with the sum as its exit code. A handler does
 * not return, but goes to where it was: not each KVM interprets IRET.
 */
__asm__(".pushsection .rodata\n"
	".code32\n"
	".set BASE, 0x10000\n"
	".macro gate label\n"
	"	.word (\\label - code + BASE) & 0xffff, 8, 0x8e00\n"
	"	.word (\\label - code + BASE) >> 16\n"
	".endm\n"
	".macro outp port, value\n"
	"	movb $\\value, %al\n"
	"	movw $\\port, %dx\n"
	"	outb %al, %dx\n"
	".endm\n"
	".macro io_apic index, value\n"
	"	movl $\\index, 0xfec00000\n"
	"	movl $\\value, 0xfec00010\n"
	".endm\n"
	"code:\n"
	"gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff\n"
	"gdtr:	.word 23\n"
	"	.long gdt - code + BASE\n"
	"idtr:	.word 0x50 * 8 - 1\n"
	"	.long idt - code + BASE\n"
	"	.balign 8\n"
	"idt:	.fill 0x24, 8, 0\n"
	"	gate on_pair\n" /* 0x24 */
	"	.fill 0x31 - 0x25, 8, 0\n"
	"	gate on_edge\n" /* 0x31 */
	"	gate on_level\n"
	"	.fill 0x41 - 0x33, 8, 0\n"
	"	gate on_ipi\n" /* 0x41 */
	"	.fill 0x50 - 0x42, 8, 0\n"

	/* Tables and stack; the pair is masked; CPUID must promise an APIC. */
	"set_up:\n"
	"	popl %esi\n"
	"	lgdt gdtr - code + BASE\n"
	"	ljmp $8, $(1f - code + BASE)\n"
	"1:	movl $16, %eax\n"
	"	movl %eax, %ds\n"
	"	movl %eax, %es\n"
	"	movl %eax, %ss\n"
	"	movl $0x9000, %esp\n"
	"	lidt idtr - code + BASE\n"
	"	movl $1, %eax\n"
	"	cpuid\n"
	"	btl $9, %edx\n"
	"	jc 1f\n"
	"	movb $99, %al\n"
	"	outb %al, $0xf4\n"
	"1:	xorl %ebx, %ebx\n"
	"	xorl %edi, %edi\n"
	"	xorl %ebp, %ebp\n"
	"	outp 0x21, 0xff\n"
	"	outp 0xa1, 0xff\n"
	"	jmp *%esi\n"

	/* The UART's receive interrupt on: an edge, if a byte is there. */
	"open:\n"
	"	outp 0x3fc, 0x08\n"
	"	outp 0x3f9, 0x01\n"
	"wait_for_it:\n"
	"	sti\n"
	"	hlt\n"
	"	jmp wait_for_it\n"

	/* Takes a byte. */
	"receive:\n"
	"	movw $0x3f8, %dx\n"
	"	xorl %eax, %eax\n"
	"	inb %dx, %al\n"
	"	addl %eax, %edi\n"
	"	incl %ebp\n"
	"	ret\n"
	"end_if_done:\n"
	"	cmpl $2, %ebp\n"
	"	jne 1f\n"
	"	movl %edi, %eax\n"
	"	outb %al, $0xf4\n"
	"1:	leal 12(%esp), %esp\n"
	"	jmp wait_for_it\n"

	/* By the 8259 pair, as the machine was handed over: vectors from 0x20. */
	"pair_entry:\n"
	"	movl $0x9000, %esp\n"
	"	call set_up\n"
	"	outp 0x20, 0x11\n"
	"	outp 0x21, 0x20\n"
	"	outp 0x21, 0x04\n"
	"	outp 0x21, 0x01\n"
	"	outp 0x21, 0xef\n"
	"	outp 0xa1, 0xff\n"
	"	jmp open\n"
	"on_pair:\n"
	"	call receive\n"
	"	outp 0x20, 0x20\n"
	"	jmp end_if_done\n"

	/* By the I/O APIC, edge-triggered, to the local APIC in xAPIC form. */
	"edge_entry:\n"
	"	movl $0x9000, %esp\n"
	"	call set_up\n"
	"	movl $0x1ff, 0xfee000f0\n"
	"	io_apic 0x19, 0\n"
	"	io_apic 0x18, 0x31\n"
	"	jmp open\n"
	"on_edge:\n"
	"	call receive\n"
	"	movl $0, 0xfee000b0\n"
	"	jmp end_if_done\n"

	/*
	 * Level-triggered: the handler takes the byte the second time only; the end
	 * of the first one must bring it there again. 16 per interrupt are added.
	 */
	"level_entry:\n"
	"	movl $0x9000, %esp\n"
	"	call set_up\n"
	"	movl $0x1ff, 0xfee000f0\n"
	"	io_apic 0x19, 0\n"
	"	io_apic 0x18, 0x8032\n"
	"	jmp open\n"
	"on_level:\n"
	"	addl $16, %edi\n"
	"	xorl $1, %ebx\n"
	"	testl $1, %ebx\n"
	"	jnz 1f\n"
	"	call receive\n"
	"1:	movl $0, 0xfee000b0\n"
	"	jmp end_if_done\n"

	/*
	 * Two vCPUs: the first, of xAPIC form, starts the second, which turns to
	 * x2APIC form and sends 0x41; that is answered by 0x50, whose handler
	 * ends the guest.
	 */
	"ipi_entry:\n"
	"	movl $0x9000, %esp\n"
	"	call set_up\n"
	"	movl $0x1ff, 0xfee000f0\n"
	"	movl $(second - code + BASE), %esi\n"
	"	movl $0x8000, %edi\n"
	"	movl $(second_end - second), %ecx\n"
	"	rep movsb\n"
	"	movl $(0x8000 + second_irq - second), 0x50 * 4\n"
	"	movl $0x01000000, 0xfee00310\n"
	"	movl $0x4500, 0xfee00300\n"
	"	movl $0x4608, 0xfee00300\n"
	"	jmp wait_for_it\n"
	"on_ipi:\n"
	"	movl $0, 0xfee000b0\n"
	"	movl $0x4050, 0xfee00300\n"
	"	leal 12(%esp), %esp\n"
	"	jmp wait_for_it\n"

	".code16\n"
	"second:\n"
	"	xorw %ax, %ax\n"
	"	movw %ax, %ss\n"
	"	movw $0x7000, %sp\n"
	"	movl $0x1b, %ecx\n"
	"	movl $0xfee00c00, %eax\n"
	"	xorl %edx, %edx\n"
	"	wrmsr\n"
	"	movl $0x80f, %ecx\n"
	"	movl $0x1ff, %eax\n"
	"	wrmsr\n"
	"	movl $0x830, %ecx\n"
	"	movl $0x4041, %eax\n"
	"	wrmsr\n"
	"1:	sti\n"
	"	hlt\n"
	"	jmp 1b\n"
	"second_irq:\n"
	"	movb $77, %al\n"
	"	outb %al, $0xf4\n"
	"second_end:\n"
	"code_end:\n"
	".code64\n"
	".popsection\n");

extern const uint8_t code[], code_end[];
extern const uint8_t pair_entry[], edge_entry[], level_entry[], ipi_entry[];

/* An ELF file in memory that starts at @entry by PVH; its path goes to @path. */
static int make_kernel(const uint8_t *entry, char *path, size_t size)
{
	const uint64_t bytes = (uint64_t)(code_end - code);
	uint8_t file[8192] = {0};
	Elf64_Phdr *ph = (Elf64_Phdr *)(file + sizeof(Elf64_Ehdr));
	uint32_t note[6] = {4, 8, 18, 0};
	int fd = memfd_create("kernel", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(CODE_AT + bytes <= sizeof(file));
	*(Elf64_Ehdr *)file = (Elf64_Ehdr){
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	};
	ph[0] = (Elf64_Phdr){.p_type = PT_LOAD,
			     .p_offset = CODE_AT,
			     .p_vaddr = CODE_GPA,
			     .p_paddr = CODE_GPA,
			     .p_filesz = bytes,
			     .p_memsz = bytes};
	ph[1] = (Elf64_Phdr){.p_type = PT_NOTE,
			     .p_offset = NOTE_AT,
			     .p_filesz = sizeof(note),
			     .p_align = 4};
	memcpy(&note[3], "Xen", 4);
	note[4] = CODE_GPA + (uint32_t)(entry - code);
	memcpy(file + NOTE_AT, note, sizeof(note));
	memcpy(file + CODE_AT, code, bytes);
	assert_int_equal(write(fd, file, sizeof(file)), sizeof(file));
	snprintf(path, size, "/proc/self/fd/%d", fd);
	return fd;
}

struct guest {
	struct pool pool;
	struct machine_kind kind;
	struct machine *machine;
	int kernel;
};

static void guest_boot(struct guest *g, const uint8_t *entry, unsigned vcpus,
		       bool kernel_irqchip)
{
	char path[64];

	g->kernel = make_kernel(entry, path, sizeof(path));
	pool_open(&g->pool, kernel_irqchip ? POOL_THREADS : POOL_DIS, 1, vcpus);
	pool_kind_open_kernel(&g->kind, path, vcpus, kernel_irqchip);
	g->machine = pool_boot(&g->pool, &g->kind, 0);
}

static void guest_ends_with(struct guest *g, const char *detail)
{
	pool_wait_ended(&g->pool, 1);
	assert_string_equal(g->machine->vm.failure.detail, detail);
	pool_reap(&g->pool, g->machine);
	pool_close(&g->pool);
	machine_kind_close(&g->kind);
	close(g->kernel);
}

/* Until the guest has taken it: without its FIFO the UART holds one byte. */
static void type(struct guest *g, uint8_t byte)
{
	while (!uart_input(&g->machine->uart, &byte, 1) &&
	       !pool_info(&g->pool, g->machine).ended)
		sched_yield();
}

/* With KVM's own controllers the kernel waits, and nobody says so. */
static void wait_halted(struct guest *g)
{
	const struct timespec pause = {.tv_nsec = (long)DIS_MS_NS};
	uint64_t now[DIS_STATES], total[DIS_STATES];

	if (g->machine->vm.kernel_irqchip)
		return;
	do {
		nanosleep(&pause, NULL);
		dis_domain_count_states(g->pool.dom, now, total);
	} while (now[DIS_STATE_WAITING] != 1 &&
		 !pool_info(&g->pool, g->machine).ended);
}

/* A byte wakes the guest; the second comes when it has taken the first. */
static void bytes_arrive(const uint8_t *entry, bool kernel_irqchip,
			 const char *detail)
{
	struct guest g;

	guest_boot(&g, entry, 1, kernel_irqchip);
	wait_halted(&g);
	type(&g, 0x21);
	type(&g, 0x14);
	guest_ends_with(&g, detail);
}

static void test_uart_interrupts_through_8259_pair(void **state)
{
	(void)state;
	bytes_arrive(pair_entry, false, "vCPU 0: guest exit code 53");
}

static void test_uart_interrupts_through_io_apic(void **state)
{
	(void)state;
	bytes_arrive(edge_entry, false, "vCPU 0: guest exit code 53");
}

static void test_uart_level_interrupts_again_after_eoi(void **state)
{
	(void)state;
	bytes_arrive(level_entry, false, "vCPU 0: guest exit code 117");
}

static void test_uart_interrupts_through_kernel_8259_pair(void **state)
{
	(void)state;
	bytes_arrive(pair_entry, true, "vCPU 0: guest exit code 53");
}

static void test_uart_interrupts_through_kernel_io_apic(void **state)
{
	(void)state;
	bytes_arrive(edge_entry, true, "vCPU 0: guest exit code 53");
	bytes_arrive(level_entry, true, "vCPU 0: guest exit code 117");
}

static void test_ipis_between_xapic_and_x2apic_vcpus(void **state)
{
	struct guest g;

	(void)state;
	guest_boot(&g, ipi_entry, 2, false);
	guest_ends_with(&g, "vCPU 1: guest exit code 77");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uart_interrupts_through_8259_pair),
		cmocka_unit_test(test_uart_interrupts_through_io_apic),
		cmocka_unit_test(test_uart_level_interrupts_again_after_eoi),
		cmocka_unit_test(test_uart_interrupts_through_kernel_8259_pair),
		cmocka_unit_test(test_uart_interrupts_through_kernel_io_apic),
		cmocka_unit_test(test_ipis_between_xapic_and_x2apic_vcpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
