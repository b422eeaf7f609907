/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the programs of ring 3 share: system calls, time, text.
 *
 * Place in the flow: user_init() describes the machine and plans each vCPU's
 * task, user_main() runs it (task.h), report.c prints.
 *
 * Invariant: stacks are small (struct user_page), so nothing large is local
 * and nothing recurses; the compiler refuses large frames.
 * Locking: vCPU 0 writes everything until SYS_START; afterwards each vCPU its
 * own task and page; what is shared says so.
 */
#ifndef GUEST_USER_H
#define GUEST_USER_H

#include <machine.h>

#define US_NS UINT64_C(1000)
#define MS_NS UINT64_C(1000000)
#define S_NS UINT64_C(1000000000)
#define NEVER UINT64_MAX

static inline uint64_t sys(uint64_t number, uint64_t arg0, uint64_t arg1,
			   uint64_t arg2)
{
	__asm__ volatile("syscall"
			 : "+a"(number), "+D"(arg0), "+S"(arg1), "+d"(arg2)
			 :
			 : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
	return number;
}

static inline void cpuid(uint32_t leaf, uint32_t out[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
			 : "a"(leaf), "c"(0));
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

/** The unit in which all computing is counted: about 1 us on current cores. */
static inline void compute_unit(void)
{
	uint64_t n = 3000;

	__asm__ volatile(".p2align 4\n"
			 "1:\tdec %0\n\t"
			 "jnz 1b"
			 : "+r"(n)::"cc");
}

/* clock.c: durations in ns and in TSC ticks; saturate. */
void clock_init(void);
uint64_t ticks_to_ns(uint64_t ticks);
uint64_t ns_to_ticks(uint64_t ns);
/** Value for the timer MSR so that it fires at or somewhat before @tsc. */
uint64_t timer_value(uint64_t tsc);
uint64_t mul_shift_32(uint64_t a, uint64_t factor);

/* text.c */
size_t text_length(const char *s);
/** Length of @prefix if @s starts with it, else 0. */
size_t text_prefix(const char *s, const char *prefix);
bool text_equal(const char *a, const char *b);
/** Moves @s on; false without a digit or beyond 64 bits. */
bool text_number(const char **s, uint64_t *out);
/** "250us", "1.5ms" and so on, unit ns, us, ms, s required but for "0". */
bool text_duration(const char **s, uint64_t *out_ns);

/* print.c: one buffer, for vCPU 0 alone; flushed as one write. */
void print(const char *s);
void print_n(const char *s, size_t bytes);
void print_number(uint64_t value);
void print_duration(uint64_t ns);
void print_flush(void);
/** What was printed since the last flush, instead of writing it. */
void print_take(char *to, size_t size);
/** One line "guest: WHAT: DETAIL", then the end; any vCPU. */
_Noreturn void die(uint32_t code, const char *what, const char *detail);

/* boot.c, fdt_machine.c, cmdline.c: the three steps of user_init(). */
/** Views of the boot information; all inside of mapped windows. */
struct boot_info {
	const char *cmdline; /**< "" if there is none */
	const uint8_t *dtb;  /**< NULL if there is none */
	uint32_t dtb_bytes;
};
void boot_info_read(uint32_t boot, uint32_t gpa, struct boot_info *info);
/** Fills machine and tasks in; returns /chosen/bootargs or NULL. */
const char *fdt_machine_read(const uint8_t *dtb, uint32_t bytes);
/** CPUs and memory where no device tree tells. */
void legacy_machine_read(void);
void cmdline_read(const char *cmdline);

/* report.c */
void report_print(void);

#endif
