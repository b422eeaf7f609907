/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device of any kind in the hands of a guest that does what the input says:
 * register accesses, rings and descriptors in its memory, notifications, in any order.
 *
 * The I/O threads are replaced by calls, so that an input does the same each time.
 * Guest memory is an exact allocation: a sanitizer sees any byte beside it. abort()
 * only on a broken promise of the device: its line, its work, what it does after a
 * reset.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/virtio/block.h"
#include "dev/virtio/console.h"
#include "dev/virtio/entropy.h"
#include "dev/virtio/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEM_BYTES (64u << 10)
#define DISK_BYTES (16u << 10)
/* Where the harness puts queue i: descriptors, available ring, used ring. */
#define QUEUE_GPA(i) (0x1000u + (i)*0x3000u)
#define QUEUE_SIZE 16u
/* More than any serve can ask for without new input. */
#define SERVES_MAX 1000u

static struct {
	uint8_t *bytes;
	struct guest_mem mem;
	bool line;
	bool ready;
	bool stop;
	unsigned held;
} guest;

static uint8_t disk[DISK_BYTES];

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* In place of io/pool.c: nothing runs but when run() says so. */
void io_source_ready(struct io_source *source)
{
	(void)source;
	guest.ready = true;
}

void io_source_stop(struct io_source *source)
{
	(void)source;
	guest.stop = true;
}

int io_source_add(struct io_pool *pool, struct io_source *source)
{
	(void)pool;
	(void)source;
	return 0;
}

void io_source_remove(struct io_source *source)
{
	(void)source;
}

int io_source_watch(struct io_source *source, int fd)
{
	(void)source;
	(void)fd;
	return 0;
}

static void run(struct virtio_dev *dev)
{
	for (unsigned serves = 0; guest.ready || guest.stop; serves++) {
		struct io_work work = {0};

		check(serves < SERVES_MAX);
		guest.ready = false;
		if (guest.stop) {
			guest.stop = false;
			dev->source.ops->stopped(&dev->source);
			continue;
		}
		dev->source.ops->serve(&dev->source, &work);
		guest.ready |= work.more;
	}
}

static void on_line(void *ctx, unsigned gsi, bool level)
{
	(void)ctx;
	(void)gsi;
	check(level != guest.line);
	guest.line = level;
}

static void on_hold(void *ctx, unsigned vcpu)
{
	(void)ctx;
	(void)vcpu;
	guest.held++;
}

static void on_release(void *ctx, unsigned vcpu)
{
	(void)ctx;
	(void)vcpu;
	check(guest.held > 0);
	guest.held--;
}

/* A disk in memory, some sectors of which are bad. */
static ssize_t transfer(const struct iovec *iov, int n, off_t offset, bool write)
{
	size_t done = 0;

	if (offset / 512 % 8 == 7) {
		errno = EIO;
		return -1;
	}
	for (int i = 0; i < n; i++) {
		check((size_t)offset + done + iov[i].iov_len <= sizeof(disk));
		if (write)
			memcpy(disk + offset + done, iov[i].iov_base,
			       iov[i].iov_len);
		else
			memcpy(iov[i].iov_base, disk + offset + done,
			       iov[i].iov_len);
		done += iov[i].iov_len;
	}
	return (ssize_t)done;
}

static ssize_t disk_readv(int fd, const struct iovec *iov, int n, off_t offset)
{
	(void)fd;
	return transfer(iov, n, offset, false);
}

static ssize_t disk_writev(int fd, const struct iovec *iov, int n, off_t offset,
			   int flags)
{
	(void)fd;
	(void)flags;
	return transfer(iov, n, offset, true);
}

static int disk_sync(int fd)
{
	(void)fd;
	return 0;
}

static const struct image_host_ops disk_ops = {
	.readv = disk_readv,
	.writev = disk_writev,
	.sync = disk_sync,
};

static uint8_t printed[4096]; /* so that all of the output is read */

static void on_output(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	check(len <= sizeof(printed));
	memcpy(printed, data, len);
}

static union {
	struct virtio_dev dev;
	struct virtio_block block;
	struct virtio_net net;
	struct virtio_console console;
} any;

/* A tap that is gone when it is read, and takes no packet. */
static int end_of_file(void)
{
	static int fd = -1;
	int ends[2];

	if (fd < 0) {
		check(!pipe(ends));
		close(ends[1]);
		fd = ends[0];
	}
	return fd;
}

static void make(unsigned kind)
{
	static struct image image;
	static const uint8_t mac[6] = {2};
	const struct virtio_config config = {
		.name = "fuzz",
		.mem = &guest.mem,
		.irq = {.set = on_line},
		.hold = on_hold,
		.release = on_release,
	};

	memset(&any, 0, sizeof(any));
	image = (struct image){.bytes = DISK_BYTES, .ops = &disk_ops};
	switch (kind % 4) {
	case 0:
		check(!virtio_block_init(&any.block, &image, &config));
		break;
	case 1:
		check(!virtio_net_init(&any.net, end_of_file(), mac, &config));
		break;
	case 2:
		check(!virtio_console_init(&any.console, on_output, NULL,
					   &config));
		break;
	default:
		check(!virtio_entropy_init(&any.dev, &config));
		break;
	}
}

static void reach(uint64_t offset, unsigned width, bool write, uint64_t value)
{
	uint8_t data[8] = {0};
	struct io_access a = {
		.offset = offset,
		.width = (uint8_t)width,
		.write = write,
		.count = 1,
		.data = data,
	};

	io_put(&a, value);
	check(virtio_mmio_ops.io(&any.dev, &a) == IO_NONE);
	check(guest.line == (any.dev.isr != 0));
	run(&any.dev);
	/* A reset is over at once where nobody serves. */
	check(guest.held == 0);
	check(guest.line == (any.dev.isr != 0));
}

static void write32(uint64_t offset, uint32_t value)
{
	reach(offset, 4, true, value);
}

/* A driver that does all right up to here. */
static void go_live(void)
{
	write32(0x070, 0);
	write32(0x070, 0x3);
	write32(0x024, 0);
	write32(0x020, (uint32_t)any.dev.offered);
	write32(0x024, 1);
	write32(0x020, (uint32_t)(any.dev.offered >> 32));
	write32(0x070, 0xb);
	for (uint32_t i = 0; i < any.dev.kind->queues; i++) {
		write32(0x030, i);
		write32(0x038, QUEUE_SIZE);
		write32(0x080, QUEUE_GPA(i));
		write32(0x090, QUEUE_GPA(i) + 0x1000);
		write32(0x0a0, QUEUE_GPA(i) + 0x2000);
		write32(0x044, 1);
	}
	write32(0x070, 0xf);
	check((any.dev.status & 0xf) == 0xf);
}

struct input {
	const uint8_t *data;
	size_t size;
};

static uint64_t take(struct input *in, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++) {
		value = value << 8 | (in->size ? *in->data : 0);
		in->data += in->size != 0;
		in->size -= in->size != 0;
	}
	return value;
}

/* A descriptor with mostly sensible contents. */
static void put_desc(struct input *in)
{
	uint8_t *at = guest.bytes + QUEUE_GPA(take(in, 1) % 2) +
		      take(in, 1) % QUEUE_SIZE * 16;
	uint64_t addr = take(in, 2);
	uint32_t len = (uint32_t)take(in, 2);
	uint16_t flags = (uint16_t)(take(in, 1) % 8);
	uint16_t next = (uint16_t)(take(in, 1) % (QUEUE_SIZE + 2));

	memcpy(at, &addr, 8);
	memcpy(at + 8, &len, 4);
	memcpy(at + 12, &flags, 2);
	memcpy(at + 14, &next, 2);
}

/* One more chain is there. */
static void put_avail(struct input *in)
{
	uint8_t *avail = guest.bytes + QUEUE_GPA(take(in, 1) % 2) + 0x1000;
	uint16_t head = (uint16_t)(take(in, 1) % (QUEUE_SIZE + 1)), idx;

	memcpy(&idx, avail + 2, 2);
	memcpy(avail + 4 + 2 * (size_t)(idx % QUEUE_SIZE), &head, 2);
	idx++;
	memcpy(avail + 2, &idx, 2);
}

static void set_desc(unsigned i, uint64_t addr, uint32_t len, uint16_t flags,
		     uint16_t next)
{
	uint8_t *at = guest.bytes + QUEUE_GPA(0) + (size_t)i * 16;

	memcpy(at, &addr, 8);
	memcpy(at + 8, &len, 4);
	memcpy(at + 12, &flags, 2);
	memcpy(at + 14, &next, 2);
}

/* What a block device's driver asks for, or nearly so; and notifies. */
static void put_request(struct input *in)
{
	static const uint32_t types[] = {0, 1, 4, 8};
	uint32_t type = types[take(in, 1) % 4];
	uint64_t sector = take(in, 1), header = 0x8000;
	uint32_t len = (uint32_t)(take(in, 1) % 9) * 512 +
		       (uint32_t)(take(in, 1) / 128);
	uint16_t write = type == 0 || type == 8 ? 2 : 0;
	uint8_t *avail = guest.bytes + QUEUE_GPA(0) + 0x1000;
	uint16_t idx;

	memcpy(guest.bytes + header, &type, 4);
	memcpy(guest.bytes + header + 8, &sector, 8);
	set_desc(0, header, 16, 1, 1);
	set_desc(1, 0x9000, len, write | 1, 2);
	set_desc(2, 0x8100, 1, 2, 0);
	memcpy(&idx, avail + 2, 2);
	memset(avail + 4 + 2 * (size_t)(idx % QUEUE_SIZE), 0, 2);
	idx++;
	memcpy(avail + 2, &idx, 2);
	write32(0x050, 0);
}

/* From outside: a packet, as if it had been read, or something is typed. */
static void arrive(struct input *in)
{
	static const uint8_t text[255];
	size_t n = take(in, 1);

	if (any.dev.kind->id == VIRTIO_ID_NET && !any.net.packet_bytes)
		any.net.packet_bytes = VIRTIO_NET_HEADER_BYTES + 14 + 10 * n;
	if (any.dev.kind->id == VIRTIO_ID_CONSOLE)
		virtio_console_input(&any.console, text, n);
	guest.ready = true;
	run(&any.dev);
}

static void put_bytes(struct input *in)
{
	size_t at = take(in, 2), n = take(in, 1);

	for (; n-- && at < MEM_BYTES; at++)
		guest.bytes[at] = (uint8_t)take(in, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	uint64_t shape = take(&in, 1);

	guest.bytes = calloc(1, MEM_BYTES);
	check(guest.bytes);
	guest.mem = (struct guest_mem){guest.bytes, MEM_BYTES};
	guest.line = guest.ready = guest.stop = false;
	guest.held = 0;
	make((unsigned)shape);
	if (shape & 4)
		go_live();
	while (in.size) {
		switch (take(&in, 1) % 10) {
		case 0:
			reach(take(&in, 1) * 4, 4, true, take(&in, 4));
			break;
		case 1:
			reach(take(&in, 2), 1 + take(&in, 1) % 8,
			      take(&in, 1) % 2, take(&in, 8));
			break;
		case 2:
		case 3:
			put_desc(&in);
			break;
		case 4:
			put_avail(&in);
			break;
		case 5:
			put_bytes(&in);
			break;
		case 6:
			write32(0x050, (uint32_t)(take(&in, 1) % 3));
			break;
		case 7:
			put_request(&in);
			break;
		case 8:
			arrive(&in);
			break;
		default:
			go_live();
			break;
		}
	}
	write32(0x070, 0);
	check(any.dev.status == 0 && !guest.line);
	virtio_destroy(&any.dev);
	free(guest.bytes);
	return 0;
}
