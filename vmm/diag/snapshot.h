/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The state of one vCPU at one moment, as figures.
 *
 * Place in the flow: kvm/inspect.c fills in the registers and calls
 * snapshot_look(), on the thread that owns the vCPU: when it fails, or when
 * somebody asks. Whatever is made of it (text, JSON, disassembly, names) is made
 * later, elsewhere.
 *
 * Invariant: of fixed size, without pointers, so that it can be taken on the
 * dispatch path.
 * Locking: whoever fills it hands it over; constant then.
 */
#ifndef DISVM_DIAG_SNAPSHOT_H
#define DISVM_DIAG_SNAPSHOT_H

#include <dis/stats.h>

#include "diag/walk.h"

/** Code is kept from so much before the instruction to so much after its start. */
#define SNAPSHOT_CODE_BYTES 64u
#define SNAPSHOT_STACK_BYTES 256u

/** General registers in the order of their numbers in instructions. */
enum snapshot_gpr {
	SNAPSHOT_RAX,
	SNAPSHOT_RCX,
	SNAPSHOT_RDX,
	SNAPSHOT_RBX,
	SNAPSHOT_RSP,
	SNAPSHOT_RBP,
	SNAPSHOT_RSI,
	SNAPSHOT_RDI,
	SNAPSHOT_R8,
	SNAPSHOT_R15 = SNAPSHOT_R8 + 7,
	SNAPSHOT_GPRS,
};

enum snapshot_segment_name {
	SNAPSHOT_CS,
	SNAPSHOT_DS,
	SNAPSHOT_ES,
	SNAPSHOT_FS,
	SNAPSHOT_GS,
	SNAPSHOT_SS,
	SNAPSHOT_LDT,
	SNAPSHOT_TR,
	SNAPSHOT_SEGMENTS,
};

/** A segment register with its hidden part (SDM vol. 3A, 3.4.5). */
struct snapshot_segment {
	uint64_t base;
	uint32_t limit;
	uint16_t selector;
	uint8_t type;
	uint8_t dpl;
	bool present;
	bool system; /**< S is clear */
	bool db;     /**< D/B: 32-bit */
	bool l;      /**< 64-bit code */
};

struct snapshot_table {
	uint64_t base;
	uint16_t limit;
};

/** What is on its way to the guest, or was when it failed. */
struct snapshot_events {
	bool exception;
	bool has_error_code;
	uint8_t vector; /**< of the exception */
	uint32_t error_code;
	bool nmi;
	bool shadow; /**< the instruction before was STI or MOV SS */
};

/**
 * What the monitor and the scheduler have it do.
 * @halted:  after HLT; @waits_for_sipi: after INIT.
 * @blocked: by a call of its own, for this; NONE: it is not.
 * @timer_ns: its next timer, CLOCK_MONOTONIC; DIS_NEVER_NS: none.
 * @pending: highest vector that its local APIC has to deliver, or -1;
 * @in_service: highest of which it awaits the end, or -1.
 * @stats:   what the scheduler has counted.
 */
struct snapshot_activity {
	enum dis_state state;
	enum dis_reason reason;
	bool halted;
	bool waits_for_sipi;
	enum dis_reason blocked;
	uint64_t timer_ns;
	int pending;
	int in_service;
	struct dis_vcpu_stats stats;
};

/** What the page walks are for. */
enum snapshot_walk {
	SNAPSHOT_WALK_CODE,  /**< the instruction */
	SNAPSHOT_WALK_FAULT, /**< CR2: the last page fault */
	SNAPSHOT_WALK_STACK,
	SNAPSHOT_WALKS,
};

/**
 * @when_ns: CLOCK_MONOTONIC.
 * @failed:  the registers could not be read: -errno; nothing else is valid.
 * @code:    SNAPSHOT_CODE_BYTES before the instruction and as many from it on;
 *           of these @code_before (the last ones) and @code_after are there.
 * @stack:   from the top of the stack on; @stack_bytes are there.
 */
struct cpu_snapshot {
	unsigned vcpu;
	int failed;
	uint64_t when_ns;
	uint64_t gpr[SNAPSHOT_GPRS];
	uint64_t rip;
	uint64_t rflags;
	uint64_t cr2;
	uint64_t cr8;
	uint64_t apic_base;
	struct paging_regs paging;
	struct snapshot_segment segment[SNAPSHOT_SEGMENTS];
	struct snapshot_table gdt;
	struct snapshot_table idt;
	struct snapshot_events events;
	struct snapshot_activity activity;
	struct walk walk[SNAPSHOT_WALKS];
	unsigned code_before;
	unsigned code_after;
	unsigned stack_bytes;
	uint8_t code[2 * SNAPSHOT_CODE_BYTES];
	uint8_t stack[SNAPSHOT_STACK_BYTES];
};

/** "rax" and the like; "cs" and the like. */
const char *snapshot_gpr_name(unsigned gpr);
const char *snapshot_segment_name(unsigned segment);

/** "instruction", "page fault (cr2)", "stack". */
const char *snapshot_walk_name(unsigned walk);

/**
 * Where code runs.
 * @linear: of the instruction; @bits: how it is decoded, 16, 32 or 64.
 * @ring:   privilege level.
 */
struct snapshot_place {
	uint64_t linear;
	unsigned bits;
	unsigned ring;
};

/** From the registers alone. */
struct snapshot_place snapshot_place(const struct paging_regs *paging,
				     const struct snapshot_segment *cs,
				     uint64_t rip, uint64_t rflags);

/** The same of @s, and its parts. */
struct snapshot_place snapshot_place_of(const struct cpu_snapshot *s);
unsigned snapshot_bits(const struct cpu_snapshot *s);
uint64_t snapshot_ip(const struct cpu_snapshot *s);

/** Bytes of a word on the stack: 2, 4 or 8. */
unsigned snapshot_stack_word(const struct cpu_snapshot *s);

/** Linear address of the top of the stack. */
uint64_t snapshot_sp(const struct cpu_snapshot *s);

/**
 * snapshot_look - walk the addresses, copy code and stack.
 * @s:   has its registers; the rest of it is filled in.
 * @mem: the guest's, which may be running.
 */
void snapshot_look(struct cpu_snapshot *s, const struct walk_memory *mem);

#endif
