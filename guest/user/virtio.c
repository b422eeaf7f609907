/* SPDX-License-Identifier: Apache-2.0 */
/* A driver of one virtio block device; see virtio.h. */
#include <virtio.h>

#define QUEUE_SIZE 4u
#define DESC_NEXT 1u
#define DESC_WRITE 2u
#define NO_INTERRUPT 1u
#define STATUS_DRIVER 0x3u
#define STATUS_FEATURES 0xbu
#define STATUS_READY 0xfu
#define STATUS_NEEDS_RESET 0x40u
#define F_FLUSH (1u << 9)
#define F_VERSION_1 1u /* in the upper half */
#define ID_BLOCK 2u

enum {
	REG_MAGIC = 0x000,
	REG_DEVICE_ID = 0x008,
	REG_DRIVER_FEATURES = 0x020,
	REG_DRIVER_FEATURES_SEL = 0x024,
	REG_QUEUE_SEL = 0x030,
	REG_QUEUE_NUM = 0x038,
	REG_QUEUE_READY = 0x044,
	REG_QUEUE_NOTIFY = 0x050,
	REG_STATUS = 0x070,
	REG_QUEUE_DESC = 0x080,
	REG_QUEUE_DRIVER = 0x090,
	REG_QUEUE_DEVICE = 0x0a0,
	REG_CAPACITY = 0x100,
};

/* Ring 3 lives where virtual and physical addresses are the same. */
static struct {
	struct {
		uint64_t addr;
		uint32_t bytes;
		uint16_t flags;
		uint16_t next;
	} desc[QUEUE_SIZE];
	uint16_t avail_flags;
	uint16_t avail_index;
	uint16_t avail[QUEUE_SIZE];
	uint16_t unused[2];
	uint16_t used_flags;
	uint16_t used_index;
	uint32_t used[QUEUE_SIZE][2];
	struct {
		uint32_t type;
		uint32_t reserved;
		uint64_t sector;
	} header;
	uint8_t status;
} ring __attribute__((aligned(16)));
_Static_assert(offsetof(__typeof__(ring), used_flags) % 4 == 0, "2.7.8");

uint64_t disk_data[SECTOR_BYTES / 8];

static volatile uint32_t *registers;

static uint32_t get(unsigned reg)
{
	return registers[reg / 4];
}

static void set(unsigned reg, uint32_t value)
{
	registers[reg / 4] = value;
}

static void set_address(unsigned reg, const void *at)
{
	set(reg, (uint32_t)(uintptr_t)at);
	set(reg + 4, 0);
}

static void find(void)
{
	uint64_t at = 0;

	for (unsigned i = 0; i < machine.virtio_devices; i++) {
		uint64_t offset = machine.virtio_gpa[i] - machine.virtio_gpa[0];

		/* One view has them all. */
		if (!at)
			at = sys(SYS_MAP, machine.virtio_gpa[0], 1, 0);
		if (!at || offset >= WINDOW_PAGE)
			break;
		registers = (volatile uint32_t *)(at + offset);
		if (get(REG_DEVICE_ID) == ID_BLOCK)
			return;
	}
	die(EXIT_MACHINE, "disk", "there is no virtio block device");
}

uint64_t disk_open(void)
{
	find();
	set(REG_STATUS, 0);
	set(REG_STATUS, STATUS_DRIVER);
	set(REG_DRIVER_FEATURES_SEL, 0);
	set(REG_DRIVER_FEATURES, F_FLUSH);
	set(REG_DRIVER_FEATURES_SEL, 1);
	set(REG_DRIVER_FEATURES, F_VERSION_1);
	set(REG_STATUS, STATUS_FEATURES);
	if (get(REG_STATUS) != STATUS_FEATURES)
		die(EXIT_MACHINE, "disk", "its features are not ours");
	ring.avail_flags = NO_INTERRUPT;
	set(REG_QUEUE_SEL, 0);
	set(REG_QUEUE_NUM, QUEUE_SIZE);
	set_address(REG_QUEUE_DESC, ring.desc);
	set_address(REG_QUEUE_DRIVER, &ring.avail_flags);
	set_address(REG_QUEUE_DEVICE, &ring.used_flags);
	set(REG_QUEUE_READY, 1);
	set(REG_STATUS, STATUS_READY);
	return get(REG_CAPACITY) | (uint64_t)get(REG_CAPACITY + 4) << 32;
}

static void describe(unsigned i, const void *at, uint32_t bytes, unsigned flags,
		     unsigned next)
{
	ring.desc[i].addr = (uintptr_t)at;
	ring.desc[i].bytes = bytes;
	ring.desc[i].flags = (uint16_t)flags;
	ring.desc[i].next = (uint16_t)next;
}

static void submit(void)
{
	uint16_t index = ring.avail_index;

	ring.avail[index % QUEUE_SIZE] = 0;
	__atomic_store_n(&ring.avail_index, (uint16_t)(index + 1),
			 __ATOMIC_RELEASE);
	set(REG_QUEUE_NOTIFY, 0);
}

uint32_t disk_request(uint32_t type, uint64_t sector, uint64_t end_tsc)
{
	uint16_t before = ring.used_index;
	bool data = type != DISK_FLUSH;

	ring.header.type = type;
	ring.header.sector = sector;
	describe(0, &ring.header, sizeof(ring.header), DESC_NEXT, data ? 1 : 2);
	describe(1, disk_data, SECTOR_BYTES,
		 DESC_NEXT | (type == DISK_READ ? DESC_WRITE : 0), 2);
	describe(2, &ring.status, 1, DESC_WRITE, 0);
	submit();
	while (__atomic_load_n(&ring.used_index, __ATOMIC_ACQUIRE) == before) {
		if (rdtsc() >= end_tsc)
			return DISK_TOO_LATE;
		__builtin_ia32_pause();
	}
	return *(volatile uint8_t *)&ring.status;
}

bool disk_misuse(uint64_t end_tsc)
{
	describe(0, &ring.header, sizeof(ring.header), DESC_NEXT, 0);
	submit();
	while (!(get(REG_STATUS) & STATUS_NEEDS_RESET))
		if (rdtsc() >= end_tsc)
			return false;
	return true;
}
