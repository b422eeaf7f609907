/* SPDX-License-Identifier: Apache-2.0 */
/* The interrupt controllers of a machine and their wiring; see intc.h. */
#include "intc.h"

#include <string.h>

#include <dis/assert.h>

#include "pc_map.h"

_Static_assert(PC_ISA_GSIS == PIC_INPUTS, "the ISA's are the pair's");
_Static_assert(PC_GSIS == IOAPIC_PINS, "each input has a pin");
_Static_assert(PC_CASCADE_GSI == PIC_CASCADE, "it is the pair's own");

#define PIC_PORTS 2u
#define PIN_OF_INTR 0u
/* Inputs of timers that intc_hears() lets sleep. */
#define TIMERS (1u << PC_PIT_GSI | 1u << PC_RTC_GSI)

static unsigned pin_of(unsigned gsi)
{
	return gsi == PC_PIT_GSI ? PC_PIT_PIN : gsi;
}

static bool send(void *ctx, const struct lapic_message *m)
{
	struct intc *intc = ctx;

	return lapic_send(intc->config.lapics, m, &intc->turn, &intc->woken);
}

static void must_wake(struct intc *intc, unsigned cpu)
{
	intc->woken.bits[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

/* INTR is what the pair says, here and at the pin of the I/O APIC. */
static void carry_intr(struct intc *intc)
{
	bool intr = pic_intr(&intc->pic);

	if (intr == atomic_load(&intc->intr))
		return;
	atomic_store(&intc->intr, intr);
	ioapic_set_line(&intc->ioapic, PIN_OF_INTR, intr);
	if (intr)
		must_wake(intc, INTC_BOOT_VCPU);
}

static void find_heard(struct intc *intc)
{
	uint32_t before = atomic_load(&intc->heard);
	uint32_t heard = 0;

	for (unsigned gsi = 0; gsi < PC_GSIS; gsi++)
		if (ioapic_hears(&intc->ioapic, pin_of(gsi)) ||
		    (gsi < PC_ISA_GSIS && pic_hears(&intc->pic, gsi)))
			heard |= 1u << gsi;
	if (heard == before)
		return;
	atomic_store(&intc->heard, heard);
	if (heard & ~before & TIMERS)
		must_wake(intc, INTC_BOOT_VCPU);
}

static void wake_all(const struct intc *intc, const struct lapic_set *woken)
{
	for (unsigned i = 0; i < LAPIC_MAX / 64; i++) {
		uint64_t word = woken->bits[i];

		while (word) {
			unsigned bit = (unsigned)__builtin_ctzll(word);

			word &= word - 1;
			intc->config.wake(intc->config.ctx, i * 64 + bit);
		}
	}
}

static void enter(struct intc *intc)
{
	pthread_mutex_lock(&intc->lock);
}

/* After each change. */
static void leave(struct intc *intc)
{
	struct lapic_set woken;

	carry_intr(intc);
	find_heard(intc);
	woken = intc->woken;
	memset(&intc->woken, 0, sizeof(intc->woken));
	pthread_mutex_unlock(&intc->lock);
	wake_all(intc, &woken);
}

int intc_init(struct intc *intc, const struct intc_config *config)
{
	memset(intc, 0, sizeof(*intc));
	intc->config = *config;
	pic_init(&intc->pic);
	ioapic_init(&intc->ioapic, send, intc);
	atomic_init(&intc->intr, false);
	/* The pair hears all, the I/O APIC nothing. */
	atomic_init(&intc->heard, (1u << PC_ISA_GSIS) - 1u);
	return -pthread_mutex_init(&intc->lock, NULL);
}

void intc_destroy(struct intc *intc)
{
	pthread_mutex_destroy(&intc->lock);
}

void intc_set_line(void *ctx, unsigned gsi, bool level)
{
	struct intc *intc = ctx;

	DIS_ASSERT(gsi < PC_GSIS && gsi != PC_CASCADE_GSI);
	enter(intc);
	if (gsi < PC_ISA_GSIS)
		pic_set_line(&intc->pic, gsi, level);
	ioapic_set_line(&intc->ioapic, pin_of(gsi), level);
	leave(intc);
}

bool intc_hears(const struct intc *intc, unsigned gsi)
{
	return atomic_load(&intc->heard) >> gsi & 1u;
}

uint8_t intc_accept(struct intc *intc)
{
	uint8_t vector;

	enter(intc);
	vector = pic_accept(&intc->pic);
	/* INTR falls meanwhile: what follows is another edge at the pin. */
	atomic_store(&intc->intr, false);
	ioapic_set_line(&intc->ioapic, PIN_OF_INTR, false);
	leave(intc);
	return vector;
}

void intc_eoi(struct intc *intc, uint8_t vector)
{
	enter(intc);
	ioapic_eoi(&intc->ioapic, vector);
	leave(intc);
}

void intc_resend(struct intc *intc)
{
	enter(intc);
	ioapic_resend(&intc->ioapic);
	leave(intc);
}

/*
 * Chips of 8 bits: a wider access goes to one port after the other. Is byte @i
 * beyond the last, where nobody is?
 */
static bool is_beyond(struct io_access *a, unsigned i)
{
	if (a->offset + i < PIC_PORTS)
		return false;
	if (!a->write)
		a->data[i] = 0xff;
	return true;
}

static enum io_action pic_io(void *dev, struct io_access *a)
{
	struct intc *intc = dev;
	unsigned chip = a->addr - a->offset == PC_PIC2_PORT;

	enter(intc);
	for (unsigned i = 0; i < a->width; i++) {
		bool odd = a->offset + i == 1;

		if (is_beyond(a, i))
			continue;
		if (a->write)
			pic_write(&intc->pic, chip, odd, a->data[i]);
		else
			a->data[i] = pic_read(&intc->pic, chip, odd);
	}
	leave(intc);
	return IO_NONE;
}

static const struct io_dev_ops pic_ops = {.io = pic_io};

static enum io_action elcr_io(void *dev, struct io_access *a)
{
	struct intc *intc = dev;

	enter(intc);
	for (unsigned i = 0; i < a->width; i++) {
		unsigned chip = (unsigned)a->offset + i;

		if (is_beyond(a, i))
			continue;
		if (a->write)
			pic_elcr_write(&intc->pic, chip, a->data[i]);
		else
			a->data[i] = pic_elcr_read(&intc->pic, chip);
	}
	leave(intc);
	return IO_NONE;
}

static const struct io_dev_ops elcr_ops = {.io = elcr_io};

/* Registers have 32 bits; of the index the lowest byte alone counts. */
static enum io_action ioapic_io(void *dev, struct io_access *a)
{
	struct intc *intc = dev;
	uint32_t offset = (uint32_t)a->offset;
	bool whole = a->width == sizeof(uint32_t) || offset == 0;

	enter(intc);
	if (a->write && whole)
		ioapic_write(&intc->ioapic, offset, (uint32_t)io_get(a));
	else if (!a->write)
		io_put(a, whole ? ioapic_read(&intc->ioapic, offset) : 0);
	leave(intc);
	return IO_NONE;
}

static const struct io_dev_ops ioapic_ops = {.io = ioapic_io};

int intc_attach(struct intc *intc, struct io_bus *ports, struct io_bus *mmio)
{
	int ret = io_bus_add(ports, PC_PIC1_PORT, PIC_PORTS, &pic_ops, intc);

	if (!ret)
		ret = io_bus_add(ports, PC_PIC2_PORT, PIC_PORTS, &pic_ops, intc);
	if (!ret)
		ret = io_bus_add(ports, PC_ELCR_PORT, PIC_PORTS, &elcr_ops,
				 intc);
	if (!ret)
		ret = io_bus_add(mmio, PC_IOAPIC_GPA, PC_IOAPIC_BYTES,
				 &ioapic_ops, intc);
	return ret;
}
