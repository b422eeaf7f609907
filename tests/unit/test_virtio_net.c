/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio network device, with a pair of sockets in place of the tap: packets in both
 * directions, room, the end of the tap, after virtio 1.2, 5.1 (R: CARD-11).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <dis/executor.h>

#include "dev/virtio/net.h"
#include "lib/vdriver.h"

#define HEADER VIRTIO_NET_HEADER_BYTES
#define F_MAC (UINT64_C(1) << 5)
#define F_MRG (UINT64_C(1) << 15)
#define F_STATUS (UINT64_C(1) << 16)
#define BASIC (F_MAC | F_STATUS | VD_F_EVENT_IDX)
#define BUFFER 1600u
#define RATE 100000u

enum {
	RX,
	TX
};

struct fixture {
	struct vdriver d;
	struct virtio_net net;
	int tap;  /* the device's */
	int wire; /* ours */
};

static const uint8_t mac[6] = {0x52, 0x54, 0, 1, 2, 3};

/* @rate: of its guest, bytes per second. */
static int set_up(void **state, uint64_t rate)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct virtio_config config;
	int ends[2];

	assert_non_null(f);
	assert_int_equal(socketpair(AF_UNIX,
				    SOCK_SEQPACKET | SOCK_NONBLOCK |
					    SOCK_CLOEXEC,
				    0, ends),
			 0);
	f->tap = ends[0];
	f->wire = ends[1];
	vd_init(&f->d);
	io_bucket_init(&f->d.account.bucket, rate);
	f->d.dev = &f->net.dev;
	config = vd_config(&f->d, "net0");
	assert_int_equal(virtio_net_init(&f->net, f->tap, mac, &config), 0);
	assert_int_equal(virtio_net_connect(&f->net), 0);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return set_up(state, 0);
}

static int setup_limited(void **state)
{
	return set_up(state, RATE);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	virtio_stop(&f->net.dev);
	virtio_destroy(&f->net.dev);
	vd_fini(&f->d);
	close(f->tap);
	if (f->wire >= 0)
		close(f->wire);
	free(f);
	return 0;
}

/* What the host sends: a packet behind a header. */
static void send_to_guest(struct fixture *f, const char *text, size_t bytes)
{
	char packet[HEADER + 4096] = "";

	/* The tap's header means nothing to a guest without offloads. */
	memset(packet, 0xff, HEADER);
	strcpy(packet + HEADER, text);
	assert_int_equal(write(f->wire, packet, HEADER + bytes), HEADER + bytes);
}

/* What the guest sends, as it arrives at the host, behind its header. */
static size_t receive_from_guest(struct fixture *f, char *packet, size_t size)
{
	struct pollfd wire = {f->wire, POLLIN, 0};
	ssize_t n;

	assert_int_equal(poll(&wire, 1, -1), 1);
	n = read(f->wire, packet, size);
	assert_true(n >= (ssize_t)HEADER);
	return (size_t)n;
}

static uint64_t offer(struct fixture *f, uint32_t bytes)
{
	struct vd_buffer buffer = {vd_alloc(&f->d, bytes), bytes, true};

	vd_add(&f->d, RX, &buffer, 1, false);
	return buffer.gpa;
}

static void test_virtio_net_configuration_says_what_it_is(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(vd_read(&f->d, VD_DEVICE_ID), 1);
	assert_int_equal(vd_read_space(&f->d, 0, 4), 0x01005452);
	assert_int_equal(vd_read_space(&f->d, 4, 2), 0x0302);
	assert_int_equal(vd_read_space(&f->d, 6, 2), 1);
}

static void test_virtio_net_sends_what_the_guest_sends(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	char packet[HEADER + 2048];
	uint64_t gpa;

	vd_start(d, BASIC, 8);
	gpa = vd_alloc(d, HEADER + 60);
	/* Whatever it writes into the header. */
	memset(vd_at(d, gpa), 0xff, HEADER);
	memset(vd_at(d, gpa + HEADER), 'p', 60);
	vd_add(d, TX,
	       (const struct vd_buffer[]){{gpa, 5, false},
					  {gpa + 5, 20, false},
					  {gpa + 25, HEADER + 60 - 25, false}},
	       3, false);
	vd_kick(d, TX);
	vd_wait(d, TX);
	assert_int_equal(receive_from_guest(f, packet, sizeof(packet)),
			 HEADER + 60);
	for (unsigned i = 0; i < HEADER; i++)
		assert_int_equal(packet[i], 0);
	assert_memory_equal(packet + HEADER, vd_at(d, gpa + HEADER), 60);
}

static void test_virtio_net_packet_of_wrong_size_is_dropped(void **state)
{
	static const uint32_t sizes[] = {1, HEADER, HEADER + 13,
					 HEADER + VIRTIO_NET_PACKET_BYTES + 1};
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	char packet[64];

	vd_start(d, BASIC, 8);
	for (unsigned i = 0; i < 4; i++) {
		struct vd_buffer buffer = {0x1000, sizes[i], false};

		vd_add(d, TX, &buffer, 1, false);
		vd_kick(d, TX);
		vd_wait(d, TX);
	}
	assert_int_equal(read(f->wire, packet, sizeof(packet)), -1);
	assert_int_equal(atomic_load(&f->net.dev.stats.errors), 4);
	assert_int_equal(vd_read(d, VD_STATUS), 0xf);
}

static void test_virtio_net_delivers_what_arrives(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	struct vd_used_elem used;
	uint64_t gpa;
	uint8_t *at;

	vd_start(d, BASIC, 8);
	gpa = offer(f, BUFFER);
	vd_kick(d, RX);
	send_to_guest(f, "hello, guest, this is a packet", 64);
	used = vd_wait(d, RX);
	assert_int_equal(used.len, HEADER + 64);
	at = vd_at(d, gpa);
	for (unsigned i = 0; i < HEADER; i++)
		assert_int_equal(at[i], i == 10);
	assert_string_equal((char *)at + HEADER,
			    "hello, guest, this is a packet");
}

/* Packets that came before there was room wait, in the tap and one here. */
static void test_virtio_net_packets_wait_for_room(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	uint64_t gpa[3];

	send_to_guest(f, "packet number one", 64);
	vd_start(d, BASIC, 8);
	send_to_guest(f, "packet number two", 64);
	send_to_guest(f, "packet number three", 64);
	for (unsigned i = 0; i < 3; i++) {
		gpa[i] = offer(f, BUFFER);
		vd_kick(d, RX);
		vd_wait(d, RX);
	}
	assert_string_equal((char *)vd_at(d, gpa[0]) + HEADER,
			    "packet number one");
	assert_string_equal((char *)vd_at(d, gpa[2]) + HEADER,
			    "packet number three");
}

static void test_virtio_net_packet_beyond_the_buffer_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	uint64_t gpa;

	vd_start(d, BASIC, 8);
	gpa = offer(f, 100);
	vd_kick(d, RX);
	send_to_guest(f, "too large", 200);
	send_to_guest(f, "small enough", 80);
	assert_int_equal(vd_wait(d, RX).len, HEADER + 80);
	assert_string_equal((char *)vd_at(d, gpa) + HEADER, "small enough");
	assert_int_equal(atomic_load(&f->net.dev.stats.errors), 1);
}

/* 5.1.6.4: as many buffers as it takes, their number in the first. */
static void test_virtio_net_merges_buffers(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	char text[1001] = "";
	uint64_t gpa[4];
	char *at;

	vd_start(d, BASIC | F_MRG, 8);
	memset(text, 'm', 1000);
	for (unsigned i = 0; i < 4; i++)
		gpa[i] = offer(f, 400);
	vd_kick(d, RX);
	send_to_guest(f, text, 1000);
	assert_int_equal(vd_wait(d, RX).len, 400);
	assert_int_equal(vd_wait(d, RX).len, 400);
	assert_int_equal(vd_wait(d, RX).len, HEADER + 1000 - 800);
	at = vd_at(d, gpa[0]);
	assert_int_equal(at[10], 3);
	assert_memory_equal(at + HEADER, text, 400 - HEADER);
	assert_memory_equal(vd_at(d, gpa[1]), text, 400);
	assert_memory_equal(vd_at(d, gpa[2]), text, HEADER + 1000 - 800);
	/* The fourth is for the next one. */
	send_to_guest(f, "next", 60);
	assert_int_equal(vd_wait(d, RX).len, HEADER + 60);
	at = vd_at(d, gpa[3]);
	assert_int_equal(at[10], 1);
	assert_string_equal(at + HEADER, "next");
}

/* Too few for now: nothing is used up, and it goes on when there are more. */
static void test_virtio_net_merging_waits_for_enough_buffers(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	struct vd_used_elem used;
	char text[1001] = "";

	vd_start(d, BASIC | F_MRG, 8);
	memset(text, 'm', 1000);
	send_to_guest(f, text, 1000);
	offer(f, 400);
	offer(f, 400);
	vd_kick(d, RX);
	offer(f, 400);
	vd_kick(d, RX);
	for (unsigned i = 0; i < 3; i++)
		used = vd_wait(d, RX);
	assert_int_equal(used.len, HEADER + 1000 - 800);
	assert_int_equal(atomic_load(&f->net.dev.stats.errors), 0);
}

static void test_virtio_net_tap_that_is_gone_takes_the_link_down(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	struct vd_buffer buffer = {0x1000, HEADER + 60, false};

	vd_start(d, BASIC, 8);
	offer(f, BUFFER);
	close(f->wire);
	f->wire = -1;
	vd_wait_line(d);
	assert_int_equal(vd_read(d, VD_ISR) & 2, 2);
	assert_int_equal(vd_read_space(d, 6, 2), 0);
	vd_write(d, VD_ACK, 3);
	/* Everything else works: packets go nowhere. */
	vd_add(d, TX, &buffer, 1, false);
	vd_kick(d, TX);
	vd_wait(d, TX);
	assert_int_equal(atomic_load(&f->net.dev.stats.errors), 1);
	assert_int_equal(vd_read(d, VD_STATUS), 0xf);
}

static void expect_broken(struct fixture *f, const char *text)
{
	char trouble[256];

	vd_wait_line(&f->d);
	assert_int_equal(vd_read(&f->d, VD_STATUS), 0x4f);
	virtio_trouble(&f->net.dev, trouble, sizeof(trouble));
	assert_string_equal(trouble, text);
}

static void test_virtio_net_bad_ring_of_either_kind_breaks_it(void **state)
{
	struct fixture *f = *state;

	vd_start(&f->d, BASIC, 8);
	vd_put(&f->d, TX, 9);
	vd_kick(&f->d, TX);
	expect_broken(f, "net0: queue 1: descriptor 9 of 8");
}

static void test_virtio_net_bad_receive_ring_breaks_it(void **state)
{
	struct fixture *f = *state;

	vd_start(&f->d, BASIC, 8);
	vd_put(&f->d, RX, 8);
	send_to_guest(f, "x", 60);
	expect_broken(f, "net0: queue 0: descriptor 8 of 8");
}

/* In both directions at once, with rings that go around many times. */
static void test_virtio_net_many_packets_go_both_ways(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	char packet[HEADER + 2048];
	uint64_t rx, tx;

	vd_start(d, BASIC | VD_F_INDIRECT, 4);
	rx = vd_alloc(d, BUFFER);
	tx = vd_alloc(d, BUFFER);
	for (unsigned i = 0; i < 500; i++) {
		struct vd_buffer in = {rx, BUFFER, true};
		struct vd_buffer out = {tx, HEADER + 60, false};
		char text[32];

		vd_add(d, RX, &in, 1, i % 2);
		vd_kick(d, RX);
		snprintf(text, sizeof(text), "down %u", i);
		send_to_guest(f, text, 60);
		vd_wait(d, RX);
		assert_string_equal((char *)vd_at(d, rx) + HEADER, text);
		snprintf((char *)vd_at(d, tx) + HEADER, 60, "up %u", i);
		vd_add(d, TX, &out, 1, false);
		vd_kick(d, TX);
		vd_wait(d, TX);
		receive_from_guest(f, packet, sizeof(packet));
		snprintf(text, sizeof(text), "up %u", i);
		assert_string_equal(packet + HEADER, text);
	}
}

/* Of packets that are sent too, and no faster than that. R: DIS-6 */
static void test_virtio_net_bandwidth_is_kept(void **state)
{
	enum {
		PACKETS = 30,
		BYTES = 1000
	};
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	char packet[HEADER + 2048];
	struct vd_buffer out;
	uint64_t start_ns;

	vd_start(d, BASIC, 8);
	out = (struct vd_buffer){vd_alloc(d, HEADER + BYTES), HEADER + BYTES,
				 false};
	start_ns = dis_clock_ns();
	for (unsigned i = 0; i < PACKETS; i++) {
		vd_add(d, TX, &out, 1, false);
		vd_kick(d, TX);
		vd_wait(d, TX);
		assert_int_equal(receive_from_guest(f, packet, sizeof(packet)),
				 HEADER + BYTES);
	}
	/* The last one waits until all but a burst of those before is paid. */
	assert_true(dis_clock_ns() - start_ns + IO_BUCKET_BURST_NS >=
		    UINT64_C(1) * (PACKETS - 1) * BYTES * DIS_S_NS / RATE);
}

/* What the options ask for reaches the order of the I/O threads. R: DIS-6 */
static void test_virtio_net_priority_is_its_sources(void **state)
{
	struct fixture *f = *state;
	struct virtio_config config = vd_config(&f->d, "net1");
	struct virtio_net other;

	config.priority = 1;
	assert_int_equal(virtio_net_init(&other, f->tap, mac, &config), 0);
	assert_int_equal(other.dev.source.turn.priority, 1);
	assert_int_equal(f->net.dev.source.turn.priority, IO_PRIORITY_DEFAULT);
	virtio_stop(&other.dev);
	virtio_destroy(&other.dev);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_virtio_net_configuration_says_what_it_is),
		T(test_virtio_net_sends_what_the_guest_sends),
		T(test_virtio_net_packet_of_wrong_size_is_dropped),
		T(test_virtio_net_delivers_what_arrives),
		T(test_virtio_net_packets_wait_for_room),
		T(test_virtio_net_packet_beyond_the_buffer_is_dropped),
		T(test_virtio_net_merges_buffers),
		T(test_virtio_net_merging_waits_for_enough_buffers),
		T(test_virtio_net_tap_that_is_gone_takes_the_link_down),
		T(test_virtio_net_bad_ring_of_either_kind_breaks_it),
		T(test_virtio_net_bad_receive_ring_breaks_it),
		T(test_virtio_net_many_packets_go_both_ways),
		cmocka_unit_test_setup_teardown(
			test_virtio_net_bandwidth_is_kept, setup_limited,
			teardown),
		T(test_virtio_net_priority_is_its_sources),
	};

	return cmocka_run_group_tests_name("virtio-net", tests, NULL, NULL);
}
