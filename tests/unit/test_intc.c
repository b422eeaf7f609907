/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interrupt inputs of a machine: wiring of 8259 pair, I/O APIC and local APICs,
 * their registers on the buses, wakes (R: CARD-8, CARD-11).
 */
#include <pthread.h>
#include <sched.h>

#include "dev/intc.h"
#include "pc_map.h"
#include "test_lapic_fixture.h"

#define CPUS 4u
#define LEVEL 0x8000u
#define REMOTE_IRR 0x4000u

/*
 * @f: its local APICs; their EOIs go to @intc. @wakes: per vCPU. @locked: wakes
 * that came while the lock was held.
 */
struct bed {
	struct fixture *f;
	struct intc intc;
	struct io_bus ports, mmio;
	atomic_uint wakes[CPUS];
	atomic_uint locked;
};

static void on_wake(void *ctx, unsigned cpu)
{
	struct bed *b = ctx;

	if (pthread_mutex_trylock(&b->intc.lock))
		atomic_fetch_add(&b->locked, 1u);
	else
		pthread_mutex_unlock(&b->intc.lock);
	atomic_fetch_add(&b->wakes[cpu], 1u);
}

static void on_eoi(void *ctx, unsigned cpu, uint8_t vector)
{
	struct bed *b = ctx;

	(void)cpu;
	intc_eoi(&b->intc, vector);
}

static void on_enabled(void *ctx)
{
	struct bed *b = ctx;

	intc_resend(&b->intc);
}

static void no_wake(void *ctx, unsigned cpu, unsigned sender)
{
	(void)ctx;
	(void)cpu;
	(void)sender;
}

static void access_bus(const struct io_bus *bus, uint64_t addr, uint8_t width,
		       bool write, uint8_t *data)
{
	struct io_access a = {.addr = addr,
			      .width = width,
			      .write = write,
			      .count = 1,
			      .data = data};

	assert_int_equal(io_bus_access(bus, &a), IO_NONE);
}

static void out(struct bed *b, uint16_t port, uint8_t val)
{
	access_bus(&b->ports, port, 1, true, &val);
}

static uint8_t in(struct bed *b, uint16_t port)
{
	uint8_t val = 0;

	access_bus(&b->ports, port, 1, false, &val);
	return val;
}

static void poke(struct bed *b, uint32_t offset, uint32_t val)
{
	uint8_t data[4];

	memcpy(data, &val, 4);
	access_bus(&b->mmio, PC_IOAPIC_GPA + offset, 4, true, data);
}

static uint32_t peek(struct bed *b, uint32_t offset)
{
	uint8_t data[4];
	uint32_t val;

	access_bus(&b->mmio, PC_IOAPIC_GPA + offset, 4, false, data);
	memcpy(&val, data, 4);
	return val;
}

static void entry(struct bed *b, unsigned pin, uint8_t dest, uint32_t low)
{
	poke(b, 0, 0x11 + 2 * pin);
	poke(b, 0x10, (uint32_t)dest << 24);
	poke(b, 0, 0x10 + 2 * pin);
	poke(b, 0x10, low);
}

/* Does the ExtINT pin of @l ask? */
static bool has_extint(struct lapic *l)
{
	lapic_sync(l);
	return lapic_extint(l);
}

static uint32_t entry_low(struct bed *b, unsigned pin)
{
	poke(b, 0, 0x10 + 2 * pin);
	return peek(b, 0x10);
}

/* Vectors 0x08 and 0x70, all unmasked. */
static void initialise_pair(struct bed *b)
{
	static const uint8_t words[] = {0x11, 0x08, 0x04, 0x01,
					0x11, 0x70, 0x02, 0x01};

	for (unsigned i = 0; i < 8; i++)
		out(b, (uint16_t)((i < 4 ? 0x20 : 0xa0) + !!(i % 4)), words[i]);
}

static void end_pair(struct bed *b)
{
	out(b, 0xa0, 0x20);
	out(b, 0x20, 0x20);
}

/* An edge; the line stays high. */
static void rise(struct bed *b, unsigned gsi)
{
	intc_set_line(&b->intc, gsi, false);
	intc_set_line(&b->intc, gsi, true);
}

/* The vector that @cpu would take now, and takes; -1: none. */
static int taken(struct bed *b, unsigned cpu)
{
	lapic_sync(b->f->cpus[cpu]);
	return lapic_accept(b->f->cpus[cpu]);
}

static int setup(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));
	struct intc_config config = {.wake = on_wake, .ctx = b};

	assert_non_null(b);
	b->f = fixture_on(CPUS);
	b->f->bus.eoi = on_eoi;
	b->f->bus.enabled = on_enabled;
	b->f->bus.wake = no_wake;
	b->f->bus.ctx = b;
	config.lapics = &b->f->bus;
	assert_int_equal(intc_init(&b->intc, &config), 0);
	io_bus_init(&b->ports, IO_BUS_PORTS);
	io_bus_init(&b->mmio, IO_BUS_MEMORY);
	assert_int_equal(intc_attach(&b->intc, &b->ports, &b->mmio), 0);
	*state = b;
	return 0;
}

static int teardown_bed(void **state)
{
	struct bed *b = *state;

	intc_destroy(&b->intc);
	free(b->f);
	free(b);
	return 0;
}

static void test_intc_inputs_reach_their_pins(void **state)
{
	struct bed *b = *state;

	for (unsigned pin = 0; pin < PC_GSIS; pin++)
		entry(b, pin, 1, 0x40 + pin);
	for (unsigned gsi = 0; gsi < PC_GSIS; gsi++) {
		int pin = gsi == PC_PIT_GSI ? 2 : (int)gsi;

		if (gsi == 2)
			continue;
		rise(b, gsi);
		assert_int_equal(taken(b, 1), 0x40 + pin);
		wr(b->f, 1, EOI, 0);
		assert_int_equal(taken(b, 1), -1);
	}
	/* One message each, one wake each. */
	assert_int_equal(atomic_load(&b->wakes[1]), PC_GSIS - 1);
}

static void test_intc_isa_inputs_reach_the_pair(void **state)
{
	struct bed *b = *state;

	initialise_pair(b);
	for (unsigned gsi = 0; gsi < PC_GSIS; gsi++) {
		if (gsi == 2)
			continue;
		rise(b, gsi);
		assert_int_equal(intc_intr(&b->intc), gsi < PC_ISA_GSIS);
		if (gsi >= PC_ISA_GSIS)
			continue;
		assert_int_equal(intc_accept(&b->intc),
				 gsi < 8 ? 0x08 + gsi : 0x70 + gsi - 8);
		assert_false(intc_intr(&b->intc));
		end_pair(b);
	}
}

static void test_intc_intr_wakes_boot_vcpu_when_it_rises(void **state)
{
	struct bed *b = *state;

	initialise_pair(b);
	atomic_store(&b->wakes[0], 0);
	intc_set_line(&b->intc, 4, true);
	assert_int_equal(atomic_load(&b->wakes[0]), 1);
	intc_set_line(&b->intc, 1, true);
	assert_int_equal(atomic_load(&b->wakes[0]), 1);
	intc_accept(&b->intc);
	assert_int_equal(atomic_load(&b->wakes[0]), 1);
	/* The other one's turn. */
	end_pair(b);
	assert_int_equal(atomic_load(&b->wakes[0]), 2);
	assert_true(intc_intr(&b->intc));
	assert_int_equal(atomic_load(&b->locked), 0);
}

static void test_intc_level_is_sent_again_after_eoi_of_local_apic(void **state)
{
	struct bed *b = *state;

	entry(b, 20, 2, LEVEL | 0x55);
	intc_set_line(&b->intc, 20, true);
	assert_int_equal(taken(b, 2), 0x55);
	assert_int_equal(entry_low(b, 20), LEVEL | REMOTE_IRR | 0x55);
	wr(b->f, 2, EOI, 0);
	assert_int_equal(taken(b, 2), 0x55);
	intc_set_line(&b->intc, 20, false);
	wr(b->f, 2, EOI, 0);
	assert_int_equal(taken(b, 2), -1);
	assert_int_equal(entry_low(b, 20), LEVEL | 0x55);
}

/* As all are at the start. */
static void test_intc_masked_pins_send_nothing(void **state)
{
	struct bed *b = *state;

	for (unsigned gsi = 0; gsi < PC_GSIS; gsi++) {
		if (gsi == PC_CASCADE_GSI)
			continue;
		rise(b, gsi);
	}
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		assert_int_equal(taken(b, cpu), -1);
		assert_int_equal(atomic_load(&b->wakes[cpu]), 0);
	}
	/* A level that is still there comes with the unmasking, an edge does not. */
	entry(b, 20, 1, 0x56);
	assert_int_equal(taken(b, 1), -1);
	entry(b, 21, 1, LEVEL | 0x55);
	assert_int_equal(taken(b, 1), 0x55);
	assert_int_equal(atomic_load(&b->wakes[1]), 1);
}

/* An EOI of a vector that is no level's ends nothing. */
static void test_intc_eoi_of_another_vector_ends_nothing(void **state)
{
	struct bed *b = *state;

	entry(b, 20, 2, LEVEL | 0x55);
	intc_set_line(&b->intc, 20, true);
	assert_int_equal(taken(b, 2), 0x55);
	intc_eoi(&b->intc, 0x56);
	assert_int_equal(entry_low(b, 20), LEVEL | REMOTE_IRR | 0x55);
	intc_set_line(&b->intc, 20, false);
	intc_eoi(&b->intc, 0x55);
	assert_int_equal(entry_low(b, 20), LEVEL | 0x55);
}

/* Its end must be heard: it never comes by the word shared with the guest. */
static void test_intc_level_with_pv_eoi_ends_by_register(void **state)
{
	struct bed *b = *state;
	uint32_t word = 0;

	lapic_pv_eoi_set(b->f->cpus[2], &word);
	entry(b, 20, 2, LEVEL | 0x55);
	intc_set_line(&b->intc, 20, true);
	assert_int_equal(taken(b, 2), 0x55);
	lapic_pv_eoi_offer(b->f->cpus[2]);
	assert_int_equal(word, 0);
	intc_set_line(&b->intc, 20, false);
	wr(b->f, 2, EOI, 0);
	assert_int_equal(entry_low(b, 20), LEVEL | 0x55);
}

/*
 * An edge-triggered interrupt in service may end by the word, even if a
 * level-triggered one with its vector arrives meanwhile: that one's end is heard.
 */
static void test_intc_level_behind_pv_eoi_of_its_vector_is_heard(void **state)
{
	struct bed *b = *state;
	struct lapic *l = b->f->cpus[2];
	uint32_t word = 0;

	lapic_pv_eoi_set(l, &word);
	lapic_post(l, 0x55, false);
	assert_int_equal(taken(b, 2), 0x55);
	lapic_pv_eoi_offer(l);
	assert_int_equal(word, 1);
	entry(b, 20, 2, LEVEL | 0x55);
	intc_set_line(&b->intc, 20, true);
	word = 0; /* the guest */
	lapic_pv_eoi_collect(l);
	assert_int_equal(entry_low(b, 20), LEVEL | REMOTE_IRR | 0x55);
	assert_int_equal(taken(b, 2), 0x55);
	lapic_pv_eoi_offer(l);
	assert_int_equal(word, 0);
	intc_set_line(&b->intc, 20, false);
	wr(b->f, 2, EOI, 0);
	assert_int_equal(entry_low(b, 20), LEVEL | 0x55);
}

static void test_intc_lowest_priority_takes_turns(void **state)
{
	struct bed *b = *state;

	entry(b, 20, 0x0f, 0x955);
	wr(b->f, 1, TPR, 0x20);
	for (unsigned i = 0; i < 6; i++) {
		static const unsigned order[] = {0, 2, 3};

		rise(b, 20);
		assert_int_equal(taken(b, order[i % 3]), 0x55);
		wr(b->f, order[i % 3], EOI, 0);
	}
}

/* A device that asserts already when the guest sets its APIC up is heard. */
static void test_intc_level_is_sent_when_the_local_apic_is_enabled(void **state)
{
	struct bed *b = *state;

	wr(b->f, 1, SVR, 0xff);
	entry(b, 17, 1, LEVEL | 0x51);
	intc_set_line(&b->intc, 17, true);
	assert_int_equal(entry_low(b, 17), LEVEL | 0x51);
	wr(b->f, 2, SVR, 0x1ff);
	assert_int_equal(entry_low(b, 17), LEVEL | 0x51);
	wr(b->f, 1, SVR, 0x1ff);
	assert_int_equal(entry_low(b, 17), LEVEL | REMOTE_IRR | 0x51);
	assert_int_equal(taken(b, 1), 0x51);
	/* It was answered: to enable it once more sends nothing. */
	wr(b->f, 1, SVR, 0xff);
	wr(b->f, 1, SVR, 0x1ff);
	lapic_sync(b->f->cpus[1]);
	assert_int_equal(lapic_requested(b->f->cpus[1]), -1);
}

static void test_intc_entry_as_nmi_reaches_its_destination(void **state)
{
	struct bed *b = *state;

	entry(b, 20, 3, 0x400);
	rise(b, 20);
	lapic_sync(b->f->cpus[3]);
	assert_true(lapic_take_nmi(b->f->cpus[3]));
	assert_int_equal(atomic_load(&b->wakes[3]), 1);
}

/* Pin 0 is the pair's: each interrupt is an ExtINT message of its own. */
static void test_intc_pair_reaches_others_as_extint_by_pin_0(void **state)
{
	struct bed *b = *state;
	struct lapic *l = b->f->cpus[3];

	initialise_pair(b);
	entry(b, 0, 3, 0x700);
	rise(b, 4);
	rise(b, 6);
	assert_true(has_extint(l));
	assert_int_equal(atomic_load(&b->wakes[3]), 1);
	lapic_extint_taken(l);
	assert_int_equal(intc_accept(&b->intc), 0x0c);
	assert_false(has_extint(l));
	end_pair(b);
	assert_int_equal(atomic_load(&b->wakes[3]), 2);
	assert_true(has_extint(l));
	assert_int_equal(intc_accept(&b->intc), 0x0e);
}

/* With automatic ends INTR hardly falls, but it does. */
static void test_intc_auto_eoi_sends_extint_for_each(void **state)
{
	struct bed *b = *state;
	struct lapic *l = b->f->cpus[3];

	initialise_pair(b);
	out(b, 0x20, 0x11);
	out(b, 0x21, 0x08);
	out(b, 0x21, 0x04);
	out(b, 0x21, 0x03);
	entry(b, 0, 3, 0x700);
	rise(b, 4);
	rise(b, 6);
	for (int i = 0; i < 2; i++) {
		assert_true(has_extint(l));
		lapic_extint_taken(l);
		assert_int_equal(intc_accept(&b->intc), 0x0c + 2 * i);
	}
	assert_false(has_extint(l));
}

static void test_intc_accept_of_nothing_is_spurious(void **state)
{
	struct bed *b = *state;

	initialise_pair(b);
	assert_int_equal(intc_accept(&b->intc), 0x0f);
	assert_false(intc_intr(&b->intc));
}

/* A timer that nobody listens to may sleep, until somebody does. */
static void test_intc_boot_vcpu_is_woken_when_timer_is_heard_again(void **state)
{
	struct bed *b = *state;

	assert_true(intc_hears(&b->intc, PC_PIT_GSI));
	rise(b, PC_PIT_GSI);
	assert_false(intc_hears(&b->intc, PC_PIT_GSI));
	assert_true(intc_hears(&b->intc, PC_RTC_GSI));
	assert_false(intc_hears(&b->intc, 16));
	assert_int_equal(atomic_load(&b->wakes[0]), 0);
	entry(b, PC_PIT_PIN, 1, 0x60);
	assert_true(intc_hears(&b->intc, PC_PIT_GSI));
	assert_int_equal(atomic_load(&b->wakes[0]), 1);
	entry(b, PC_PIT_PIN, 1, 0x10060);
	assert_false(intc_hears(&b->intc, PC_PIT_GSI));
	/* No timer. */
	entry(b, 16, 1, 0x61);
	assert_true(intc_hears(&b->intc, 16));
	assert_int_equal(atomic_load(&b->wakes[0]), 1);
	/* INTR, too. */
	initialise_pair(b);
	rise(b, PC_PIT_GSI);
	assert_false(intc_hears(&b->intc, PC_PIT_GSI));
	intc_accept(&b->intc);
	assert_true(intc_hears(&b->intc, PC_PIT_GSI));
}

static void test_intc_wide_port_access_is_one_per_byte(void **state)
{
	struct bed *b = *state;
	uint8_t data[4] = {0x0b, 0x5a, 0x11, 0x22};

	access_bus(&b->ports, 0x20, 2, true, data);
	assert_int_equal(in(b, 0x21), 0x5a);
	access_bus(&b->ports, 0xa0, 4, true, data);
	assert_int_equal(in(b, 0xa1), 0x5a);
	access_bus(&b->ports, 0x21, 4, false, data);
	assert_int_equal(data[0], 0x5a);
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(data[i], 0xff);
	data[0] = data[1] = 0xff;
	access_bus(&b->ports, 0x4d0, 2, true, data);
	assert_int_equal(in(b, 0x4d0), 0xf8);
	assert_int_equal(in(b, 0x4d1), 0xde);
}

static void test_intc_narrow_access_to_io_apic_is_ignored(void **state)
{
	struct bed *b = *state;
	uint8_t data[8] = {0x12, 0xff, 0xff, 0xff};

	/* But of the index, which has 8 bits. */
	access_bus(&b->mmio, PC_IOAPIC_GPA, 1, true, data);
	assert_int_equal(peek(b, 0), 0x12);
	access_bus(&b->mmio, PC_IOAPIC_GPA + 0x10, 2, true, data);
	access_bus(&b->mmio, PC_IOAPIC_GPA + 0x10, 8, true, data);
	access_bus(&b->mmio, PC_IOAPIC_GPA + 0x12, 4, true, data);
	assert_int_equal(peek(b, 0x10), 0x10000);
	access_bus(&b->mmio, PC_IOAPIC_GPA + 0x10, 2, false, data);
	assert_int_equal(data[0] | data[1], 0);
}

/* What a device thread and a vCPU thread share in the test below. */
struct handover {
	struct bed *b;
	atomic_uint raised;
	atomic_uint served;
	unsigned gsi;
};

#define ROUNDS 3000u

/* Raises its line when the last time was seen to. */
static void *device(void *arg)
{
	struct handover *h = arg;

	for (unsigned i = 1; i <= ROUNDS; i++) {
		atomic_store(&h->raised, i);
		intc_set_line(&h->b->intc, h->gsi, true);
		while (atomic_load(&h->served) != i)
			sched_yield();
	}
	return NULL;
}

/* Level-triggered lines of two devices, served by one vCPU: none is lost. */
static void test_intc_lines_of_threads_are_all_served(void **state)
{
	struct bed *b = *state;
	struct handover h[2] = {{.b = b, .gsi = 17}, {.b = b, .gsi = 18}};
	pthread_t threads[2];
	unsigned served = 0;

	entry(b, 17, 1, LEVEL | 0x51);
	entry(b, 18, 1, LEVEL | 0x62);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, device, &h[i]), 0);
	while (served < 2 * ROUNDS) {
		int vector = taken(b, 1);
		struct handover *from = vector == 0x51 ? &h[0] : &h[1];

		if (vector < 0) {
			sched_yield();
			continue;
		}
		intc_set_line(&b->intc, from->gsi, false);
		wr(b->f, 1, EOI, 0);
		assert_int_equal(atomic_load(&from->raised),
				 atomic_load(&from->served) + 1);
		atomic_fetch_add(&from->served, 1u);
		served++;
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&h[0].served), ROUNDS);
	assert_int_equal(atomic_load(&h[1].served), ROUNDS);
	assert_int_equal(atomic_load(&b->wakes[1]), 2 * ROUNDS);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown_bed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_intc_inputs_reach_their_pins),
		T(test_intc_isa_inputs_reach_the_pair),
		T(test_intc_intr_wakes_boot_vcpu_when_it_rises),
		T(test_intc_level_is_sent_again_after_eoi_of_local_apic),
		T(test_intc_masked_pins_send_nothing),
		T(test_intc_eoi_of_another_vector_ends_nothing),
		T(test_intc_level_with_pv_eoi_ends_by_register),
		T(test_intc_level_behind_pv_eoi_of_its_vector_is_heard),
		T(test_intc_lowest_priority_takes_turns),
		T(test_intc_level_is_sent_when_the_local_apic_is_enabled),
		T(test_intc_entry_as_nmi_reaches_its_destination),
		T(test_intc_pair_reaches_others_as_extint_by_pin_0),
		T(test_intc_auto_eoi_sends_extint_for_each),
		T(test_intc_accept_of_nothing_is_spurious),
		T(test_intc_boot_vcpu_is_woken_when_timer_is_heard_again),
		T(test_intc_wide_port_access_is_one_per_byte),
		T(test_intc_narrow_access_to_io_apic_is_ignored),
		T(test_intc_lines_of_threads_are_all_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
