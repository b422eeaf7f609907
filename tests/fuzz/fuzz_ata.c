/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ATA channel with two disks: the input is a list of accesses to its registers,
 * and of answers of the disks, which are this program's memory. What goes to a disk
 * lies within it, and at most one request is under way.
 */
#include "dev/ata_priv.h"
#include "fuzz/fuzz_ports.h"
#include "pc_map.h"

#define SECTORS 300u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct io_bus bus;
static struct ata ata;
static struct image images[ATA_DEVICES];
static struct block blocks[ATA_DEVICES];
static uint8_t disks[ATA_DEVICES][SECTORS * IMAGE_SECTOR_BYTES];
static struct block_request *under_way;
static unsigned under_way_on;
static bool level;

static void on_irq(void *ctx, unsigned gsi, bool now)
{
	(void)ctx;
	fuzz_check(gsi == PC_ATA_GSI && now != level);
	level = now;
}

/* Instead of the one of block.c. Called with the channel's lock held. */
void block_submit(struct block *block, struct block_request *request)
{
	fuzz_check(!under_way);
	under_way = request;
	under_way_on = block == &blocks[1];
}

static void start(void)
{
	const struct irq_line irq = {on_irq, NULL, PC_ATA_GSI};
	struct block *const both[ATA_DEVICES] = {&blocks[0], &blocks[1]};

	for (unsigned i = 0; i < ATA_DEVICES; i++) {
		images[i] = (struct image){.bytes = sizeof(disks[i]),
					   .read_only = i};
		blocks[i].image = &images[i];
		memset(disks[i], 0xd0 + (int)i, sizeof(disks[i]));
	}
	under_way = NULL;
	level = false;
	fuzz_check(!ata_init(&ata, both, &irq));
	io_bus_init(&bus, IO_BUS_PORTS);
	fuzz_check(!io_bus_add(&bus, PC_ATA_PORT, ATA_PORTS, &ata_ops, &ata));
	fuzz_check(!io_bus_add(&bus, PC_ATA_CONTROL_PORT, ATA_CONTROL_PORTS,
			       &ata_control_ops, &ata));
}

static void answer(bool fails)
{
	struct block_request *r = under_way;
	uint8_t *disk = disks[under_way_on];

	if (!r)
		return;
	under_way = NULL;
	if (r->op == IMAGE_FLUSH) {
		fuzz_check(!r->n);
	} else {
		uint64_t bytes = r->iov->iov_len;

		fuzz_check(r->n == 1 && bytes && bytes <= ATA_BUFFER_BYTES);
		fuzz_check(r->iov->iov_base == ata.buffer);
		fuzz_check(!(r->offset % IMAGE_SECTOR_BYTES) &&
			   !(bytes % IMAGE_SECTOR_BYTES));
		fuzz_check(r->offset <= sizeof(disks[0]) &&
			   bytes <= sizeof(disks[0]) - r->offset);
		fuzz_check(r->op == IMAGE_READ || !under_way_on);
		if (r->op == IMAGE_READ)
			memcpy(ata.buffer, disk + r->offset, bytes);
		else
			memcpy(disk + r->offset, ata.buffer, bytes);
	}
	r->done(r, fails ? -5 : 0);
}

static void check_channel(void)
{
	fuzz_check(ata.in_flight == !!under_way);
	fuzz_check(!ata.in_flight || ata.phase == ATA_BUSY);
	fuzz_check(ata.phase != ATA_BUSY || ata.in_flight);
	fuzz_check(!ata.reset || ata.in_flight);
	fuzz_check(level == ata.level && level <= ata.pending);
	if (ata.phase != ATA_DATA_IN && ata.phase != ATA_DATA_OUT)
		return;
	fuzz_check(ata.pos < ata.block_end && ata.block_end <= ata.bytes);
	fuzz_check(ata.bytes <= ATA_BUFFER_BYTES);
	fuzz_check(ata.bytes <= (uint64_t)ata.left * IMAGE_SECTOR_BYTES);
}

static void access_port(const struct fuzz_step *s)
{
	uint16_t port = PC_ATA_PORT + s->where % (ATA_PORTS + 1u);
	uint8_t data[FUZZ_STRING_MAX];

	if (port == PC_ATA_PORT + ATA_PORTS)
		port = PC_ATA_CONTROL_PORT;
	fuzz_check(fuzz_access(&bus, port, s, data) == IO_NONE);
}

/* A whole sector, which takes many accesses. */
static void move_sector(const struct fuzz_step *s)
{
	struct fuzz_step data = *s;

	data.where = 0;
	data.how = (uint8_t)((s->how & 1u) | 1u << 1 | 31u << 3);
	for (unsigned i = 0; i < 3; i++)
		access_port(&data);
}

/* A command with its place, so that some are right. */
static void command(const struct fuzz_step *s)
{
	static const uint8_t ops[] = {0x20, 0x24, 0x30, 0x34, 0xc4, 0x29, 0xc5,
				      0x39, 0x40, 0x42, 0xc6, 0xe7, 0xec, 0xef};
	uint8_t regs[][2] = {{2, s->val[0]}, {3, s->val[1]}, {4, s->val[2]},
			     {5, 0},         {6, s->val[3]}, {7, 0}};

	regs[5][1] = ops[s->where % sizeof(ops)];
	for (unsigned i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		struct fuzz_step w = {.where = regs[i][0], .how = 1};

		w.val[0] = regs[i][1];
		access_port(&w);
	}
}

static void step(const struct fuzz_step *s)
{
	switch (s->what & 7u) {
	case 0:
	case 1:
		answer(s->what & 8u);
		break;
	case 2:
		move_sector(s);
		break;
	case 3:
	case 4:
		command(s);
		break;
	default:
		access_port(s);
		break;
	}
	check_channel();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	fuzz_steps(data, size, step);
	/* Whatever it was: the end of it can be waited for. */
	answer(false);
	/* The read-only disk is as it was. */
	for (unsigned i = 0; i < sizeof(disks[1]); i += 61)
		fuzz_check(disks[1][i] == 0xd1);
	ata_destroy(&ata);
	return 0;
}
