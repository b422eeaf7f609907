/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Local APIC in user space, in xAPIC and in x2APIC form (R: CARD-9, CARD-11).
 *
 * Place in the flow: one per vCPU. MSR exits come in at lapic_msr_read() and
 * lapic_msr_write(), accesses to the page of xAPIC form, if lapic_decodes() them,
 * at lapic_mmio_read() and lapic_mmio_write(); before each entry the executor calls
 * lapic_sync(), takes INIT, SIPI and NMI, and injects what lapic_accept() returns,
 * or with lapic_extint() what the 8259 pair supplies. Messages of others come from
 * lapic_send(): IPIs, and those of the I/O APIC. To the scheduler
 * go lapic_has_wake() (is a halted vCPU awake?) and lapic_timer_expiry_ns()
 * (until when may it sleep?). No KVM in here: a pure state machine, its time is
 * an argument.
 *
 * After the Intel SDM, volume 3A, chapter "Advanced Programmable Interrupt
 * Controller". Sections are quoted with the chapter's number 10 (revisions up
 * to 077); later revisions moved the chapter and kept the sections within it.
 *
 * Invariant: bus->cpus[i]->id == i, so a physical destination is an index. No
 * IRR or ISR bit below 16 is ever set. Nothing here allocates, sleeps or locks.
 *
 * Concurrency, three kinds of function:
 *  - any thread, at any time: lapic_post(), lapic_post_nmi(), lapic_post_init(),
 *    lapic_post_sipi(), lapic_post_extint(), lapic_send(). They touch the target's
 *    posted_* words only (atomic, release), which its owner takes over in
 *    lapic_sync() (acquire).
 *  - the owner, that is the one executor thread that at present runs or holds
 *    the vCPU: everything else. A new owner must be handed the vCPU with
 *    acquire/release ordering (the mailbox of the executor does).
 *  - once, before any vCPU runs: lapic_init().
 * @enabled, @tpr and @logical are written by the owner and read by senders (atomic).
 *
 * Not modelled: SMI (there is no SMM), LINT1 as an input (a PC's NMI has no source
 * here), the priority arbitration of the old APIC bus.
 */
#ifndef DISVM_LAPIC_H
#define DISVM_LAPIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <dis/types.h>

/** The APIC timer's input clock at divide 1: one tick a nanosecond. */
#define LAPIC_TIMER_KHZ 1000000u

#define LAPIC_MSR_BASE 0x1bu
/** Of the former: there is a local APIC (SDM 10.4.3). */
#define LAPIC_BASE_EN (UINT64_C(1) << 11)
#define LAPIC_MSR_TSC_DEADLINE 0x6e0u
#define LAPIC_MSR_X2APIC_FIRST 0x800u
#define LAPIC_MSR_X2APIC_LAST 0x8ffu

/** Of registers, in xAPIC form. */
#define LAPIC_PAGE_BYTES 4096u
/** Width of physical addresses (SDM vol. 3A, 4.1.4). */
#define LAPIC_PHYS_BITS_MIN 32u
#define LAPIC_PHYS_BITS_MAX 52u
/** Most local APICs of a machine. */
#define LAPIC_MAX 256u

/**
 * One instant on two clocks.
 *
 * @guest_tsc must not be read later than @now_ns, else a TSC deadline is taken
 * for nearer than it is.
 */
struct lapic_time {
	uint64_t now_ns;    /**< CLOCK_MONOTONIC */
	uint64_t guest_tsc; /**< what the guest would read by RDTSC */
};

struct lapic;

/** A set of local APICs by ID. */
struct lapic_set {
	uint64_t bits[LAPIC_MAX / 64];
};

/** Delivery modes (SDM 10.6.1, 10.5.1; data sheet of the 82093AA). */
enum lapic_delivery {
	LAPIC_FIXED = 0,
	LAPIC_LOWEST = 1,
	LAPIC_SMI = 2,
	LAPIC_NMI = 4,
	LAPIC_INIT = 5,
	LAPIC_SIPI = 6,
	LAPIC_EXTINT = 7,
};

#define LAPIC_NOBODY UINT32_MAX

/**
 * A message to local APICs.
 *
 * @level:   level-triggered (fixed and lowest priority only).
 * @logical: @dest is matched with logical IDs, else with APIC IDs.
 * @wide:    @dest has 32 bits and all of them set is everybody, as in messages of
 *           an x2APIC; else it has 8, and 0xff is everybody.
 * @skip:    ID of the one that is not meant in any case, or LAPIC_NOBODY.
 */
struct lapic_message {
	enum lapic_delivery mode;
	uint8_t vector;
	bool level;
	bool logical;
	bool wide;
	uint32_t dest;
	uint32_t skip;
};

/**
 * What the local APICs of one VM share. Constant once vCPUs run.
 *
 * @cpus:    @ncpus entries, NULL at first, each filled by lapic_init() before
 *           any vCPU runs; index = APIC ID.
 * @tsc_khz: frequency of the guest's TSC, not 0.
 * @phys_bits: MAXPHYADDR, as the guest's CPUID says.
 * @wake:    vCPU @cpu has something new in its posted words. Called by the
 *           thread of vCPU @sender after the post; must not block. Not
 *           called if an earlier post of the same kind is still to be taken
 *           (its sender woke the target), nor for the sender itself, which
 *           syncs before it enters the guest again.
 * @eoi:     optional; the owner of vCPU @cpu ended a level-triggered interrupt
 *           (SDM 10.8.5: the EOI message to the I/O APICs).
 * @enabled: optional; the guest enabled the APIC of the calling vCPU by its SVR:
 *           it accepts what it may have refused before.
 */
struct lapic_bus {
	struct lapic **cpus;
	unsigned ncpus;
	uint32_t tsc_khz;
	unsigned phys_bits;
	void (*wake)(void *ctx, unsigned cpu, unsigned sender);
	void (*eoi)(void *ctx, unsigned cpu, uint8_t vector);
	void (*enabled)(void *ctx);
	void *ctx;
};

/** SDM 8.4.3: between INIT and SIPI a processor executes nothing. */
enum lapic_activity {
	LAPIC_ACTIVE,
	LAPIC_WAIT_SIPI,
};

#define LAPIC_VECTOR_WORDS 4
/**
 * A processor that looks at once has one NMI in service and latches another (SDM
 * 6.7.1); ours may look later, and has to find both.
 */
#define LAPIC_NMIS_MAX 2u
#define LAPIC_LVTS 7

struct lapic {
	/* Constant after lapic_init(). */
	const struct lapic_bus *bus;
	uint32_t id;

	/* Written by the owner, read by any thread. */
	_Atomic uint8_t enabled; /**< LAPIC_ENABLED_* */
	_Atomic uint8_t tpr;
	_Atomic uint32_t logical; /**< LAPIC_LOGICAL_*: ID and how it is read */

	/* Written by any thread, taken by the owner. */
	_Atomic uint64_t posted[LAPIC_VECTOR_WORDS];
	_Atomic uint64_t posted_level[LAPIC_VECTOR_WORDS];
	_Atomic uint32_t posted_events; /**< LAPIC_EVENT_*, SIPI vector */

	/* The owner's. */
	uint64_t base; /**< IA32_APIC_BASE */
	uint64_t irr[LAPIC_VECTOR_WORDS];
	uint64_t isr[LAPIC_VECTOR_WORDS];
	uint64_t tmr[LAPIC_VECTOR_WORDS];
	uint64_t icr;
	uint32_t ldr; /**< of xAPIC form; bits 31:24 */
	uint32_t dfr; /**< of xAPIC form */
	uint32_t svr;
	uint32_t lvt[LAPIC_LVTS];
	uint32_t esr;        /**< as the guest reads it */
	uint32_t esr_logged; /**< errors since the last write to the ESR */
	bool error_fired;    /**< no further error interrupt until then */
	unsigned lowest_next; /**< where the next lowest-priority search begins */

	uint32_t timer_initial;
	uint32_t timer_divide;   /**< the divide configuration register */
	uint64_t timer_due_ns;   /**< DIS_NEVER_NS: stopped */
	uint64_t timer_deadline; /**< IA32_TSC_DEADLINE; 0: disarmed */

	uint32_t *pv_eoi; /**< word shared with the guest, or NULL */
	bool pv_eoi_offered;

	enum lapic_activity activity;
	bool init_taken; /**< INIT done here, the vCPU's registers still to be */
	bool nmi_masked;
	unsigned nmis; /**< not yet taken, LAPIC_NMIS_MAX at most */
	bool lint0;    /**< level of the pin */
	bool extint; /**< a message said that the 8259 pair has an interrupt */
	int sipi;    /**< vector of the SIPI that ended the wait, or -1 */
};

/**
 * lapic_init - power-on state (SDM 10.4.7.1), xAPIC mode, and entry in the bus.
 * @apic_id: below bus->ncpus and not yet taken; also the index of the vCPU.
 * @bsp:     the bootstrap processor starts active, all others wait for SIPI.
 * @bus:     must live longer than @l.
 */
void lapic_init(struct lapic *l, uint32_t apic_id, bool bsp,
		const struct lapic_bus *bus);

/**
 * lapic_virtual_wire - as firmware leaves the boot processor's: enabled, LINT0 is
 * the 8259 pair's, LINT1 NMI (MultiProcessor Specification 1.4, 3.6.2.2).
 *
 * Context: before any vCPU runs; for guests that are started without firmware.
 */
void lapic_virtual_wire(struct lapic *l);

/**
 * lapic_msr_read - RDMSR of IA32_APIC_BASE, IA32_TSC_DEADLINE, 0x800-0x8ff.
 * @val: written on success only.
 *
 * Interrupts posted and timers due so far are taken over first, so that the
 * guest sees them.
 *
 * Context: owner.
 * Return: 0, or -EINVAL: the guest gets #GP (SDM 10.12.1.2, table 10-6), also
 * for each x2APIC register before x2APIC mode is on, and for any other MSR.
 */
int lapic_msr_read(struct lapic *l, uint32_t msr, uint64_t *val,
		   struct lapic_time now);

/**
 * lapic_msr_write - WRMSR, see lapic_msr_read().
 *
 * May post to other vCPUs and call bus->wake, bus->eoi, bus->enabled.
 *
 * Return: 0, or -EINVAL: the guest gets #GP (read-only register, reserved bit,
 * illegal change of mode) and nothing was changed.
 */
int lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t val,
		    struct lapic_time now);

/**
 * Is @gpa in the page of registers? In xAPIC form only, and where IA32_APIC_BASE
 * says; a page that the guest moves into its RAM is hidden by it.
 *
 * Context: owner.
 */
static inline bool lapic_decodes(const struct lapic *l, uint64_t gpa)
{
	/* EN, not EXTD (SDM table 10-5). */
	return (l->base & 0xc00u) == 0x800u && gpa >> 12 == l->base >> 12;
}

/**
 * lapic_mmio_read, lapic_mmio_write - access to the page (SDM 10.4.1).
 * @offset: in the page; @width: bytes, as the guest chose them.
 *
 * Registers have 32 bits, 16 bytes apart. A read within one gives its bytes;
 * a write is one of all 32 bits. What else there is reads as 0 and is ignored, as
 * reserved bits are. A reserved register is an error that the ESR tells.
 *
 * Otherwise as lapic_msr_read() and lapic_msr_write().
 */
uint64_t lapic_mmio_read(struct lapic *l, uint32_t offset, unsigned width,
			 struct lapic_time now);
void lapic_mmio_write(struct lapic *l, uint32_t offset, unsigned width,
		      uint64_t val, struct lapic_time now);

/**
 * lapic_send - post @m to all that it is for.
 * @turn:  where the search for the lowest priority begins; equals take turns. Each
 *         sender has its own, 0 at first.
 * @woken: those whose vCPU the caller must wake are added.
 *
 * Which APICs it is for is decided by the sender's form of the destination, by the
 * receivers' forms of a logical ID (SDM 10.6.2, 10.12.10).
 *
 * Context: any thread.
 * Return: true if one at least accepted it.
 */
bool lapic_send(const struct lapic_bus *bus, const struct lapic_message *m,
		unsigned *turn, struct lapic_set *woken);

/**
 * lapic_post - an interrupt message for @l.
 * @level: level-triggered; its EOI is reported to bus->eoi.
 *
 * A message to a software-disabled APIC is dropped (SDM 10.4.7.2), a vector
 * below 16 becomes a "received illegal vector" error of the target.
 *
 * Context: any thread.
 * Return: true if the caller must wake @l's vCPU: it was not pending before.
 */
bool lapic_post(struct lapic *l, uint8_t vector, bool level);

/**
 * NMI, INIT, start-up IPI and ExtINT for @l. Context and return as lapic_post().
 * Software-disabled, it drops an ExtINT only.
 */
bool lapic_post_nmi(struct lapic *l);
bool lapic_post_init(struct lapic *l);
bool lapic_post_sipi(struct lapic *l, uint8_t vector);
bool lapic_post_extint(struct lapic *l);

/**
 * lapic_sync - take over what was posted: INIT, then vectors, SIPI, NMI.
 *
 * Context: owner; before each entry and before it decides to sleep.
 */
void lapic_sync(struct lapic *l);

/** Highest vector in IRR whose class is above the processor's priority, or -1. */
int lapic_pending(const struct lapic *l);

/**
 * Highest vector that was posted or is in IRR, whether it can be delivered or not,
 * and highest one in ISR; or -1. What was posted is not taken over: to look at.
 *
 * Context: owner.
 */
int lapic_requested(const struct lapic *l);
int lapic_in_service(const struct lapic *l);

/**
 * lapic_accept - acknowledge: the vector of lapic_pending() moves from IRR to
 * ISR (SDM 10.8.4).
 *
 * Context: owner, at the moment of injection.
 * Return: the vector, or -1 if nothing can be delivered.
 */
int lapic_accept(struct lapic *l);

/**
 * lapic_has_wake - would a halted vCPU go on?
 * @if_flag: the guest's RFLAGS.IF.
 *
 * Context: owner, after lapic_sync().
 * Return: true for an INIT or SIPI not yet taken; while active also for an NMI
 * that is not masked and, with @if_flag, for a deliverable interrupt or an ExtINT.
 */
bool lapic_has_wake(const struct lapic *l, bool if_flag);

/**
 * Each returns an event once. INIT: the vCPU's registers are to be reset; look
 * at lapic_activity() afterwards (the bootstrap processor goes on at the reset
 * vector, others wait for SIPI). SIPI: vector, or -1; the start address is
 * vector << 12 in real mode. NMI: held back while the processor waits for SIPI; as
 * many may be there as a processor would keep with none in service: who knows
 * how many are drops the others. Take INIT before SIPI.
 *
 * Context: owner, after lapic_sync().
 */
bool lapic_take_init(struct lapic *l);
int lapic_take_sipi(struct lapic *l);
bool lapic_take_nmi(struct lapic *l);

/** Is the processor in an NMI handler? Then NMIs do not end its halt. Owner. */
static inline void lapic_nmi_mask_set(struct lapic *l, bool masked)
{
	l->nmi_masked = masked;
}

/**
 * lapic_lint0_set - the pin LINT0 is at @level, on a PC the INTR of the 8259 pair.
 *
 * As ExtINT it is passed on while it is high, as NMI and as fixed interrupt when it
 * rises. While the APIC is disabled globally the pin is the processor's own.
 *
 * Context: owner, before lapic_sync().
 */
void lapic_lint0_set(struct lapic *l, bool level);

/**
 * lapic_extint - has the processor to take an interrupt of the 8259 pair?
 * lapic_extint_taken - it has; the pair's INTR is to be shown anew afterwards.
 *
 * Not subject to priorities (SDM 10.8.1). Context: owner, after lapic_sync().
 */
bool lapic_extint(const struct lapic *l);
void lapic_extint_taken(struct lapic *l);

/**
 * End of interrupt through a word of guest memory (MSR_KVM_PV_EOI_EN): @word, or
 * NULL for none, as after a reset. Offer before each entry, collect after each
 * exit, before anything else is done with @l.
 *
 * Context: owner.
 */
void lapic_pv_eoi_set(struct lapic *l, uint32_t *word);
void lapic_pv_eoi_offer(struct lapic *l);
void lapic_pv_eoi_collect(struct lapic *l);

/** Would lapic_take_init() return true? */
static inline bool lapic_init_due(const struct lapic *l)
{
	return l->init_taken;
}

static inline enum lapic_activity lapic_activity(const struct lapic *l)
{
	return l->activity;
}

/**
 * CR8 is bits 7:4 of the TPR (SDM 10.8.6); set ignores all but bits 3:0. The
 * same value changes nothing, so that an executor may copy CR8 back after each
 * exit without the loss of TPR bits 3:0.
 */
uint64_t lapic_cr8_get(const struct lapic *l);
void lapic_cr8_set(struct lapic *l, uint64_t cr8);

/**
 * lapic_timer_expiry_ns - when lapic_timer_tick() will have something to do.
 *
 * DIS_NEVER_NS also while an expiry could not be noticed: the timer is masked,
 * or its interrupt is in IRR (an illegal vector: in the logged errors) already,
 * so that a further one would add nothing. This bounds the expiries of a guest
 * that sets a period of 1 ns. Ask again after each MSR access, lapic_accept()
 * and lapic_sync().
 *
 * Context: owner.
 * Return: CLOCK_MONOTONIC in ns; a TSC deadline is rounded up.
 */
uint64_t lapic_timer_expiry_ns(const struct lapic *l);

/** Does the timer count at all? Context: owner. */
bool lapic_timer_armed(const struct lapic *l);

/**
 * lapic_timer_tick - raise the timer's interrupt if it is due.
 *
 * Periods that passed unseen count as one interrupt (R: PRE-3). A TSC deadline
 * is compared with the guest's TSC itself, so it is never early, even where
 * tsc_khz is rounded or the host's clock is slewed: the expiry then moves on.
 * May be called at any time.
 *
 * Context: owner.
 */
void lapic_timer_tick(struct lapic *l, struct lapic_time now);

#endif
