/* SPDX-License-Identifier: Apache-2.0 */
/* A driver of virtio devices for tests; see vdriver.h. */
#include "lib/vdriver.h"

#include <stdlib.h>
#include <string.h>

#include <dis/assert.h>

#define PAGE 4096u

static void on_line(void *ctx, unsigned gsi, bool level)
{
	struct vdriver *d = ctx;

	(void)gsi;
	/* Who raises and who acknowledges may both set what it is already. */
	if (atomic_exchange(&d->line, level) == level || !level)
		return;
	atomic_fetch_add(&d->rises, 1);
	sem_post(&d->raised);
}

static void on_hold(void *ctx, unsigned vcpu)
{
	struct vdriver *d = ctx;

	(void)vcpu;
	atomic_fetch_add(&d->holds, 1);
}

static void on_release(void *ctx, unsigned vcpu)
{
	struct vdriver *d = ctx;

	(void)vcpu;
	atomic_fetch_add(&d->releases, 1);
	sem_post(&d->released);
}

static void on_charge(void *ctx, unsigned vcpu, uint64_t ns)
{
	struct vdriver *d = ctx;

	atomic_fetch_add(&d->charged_ns[vcpu], ns);
}

void vd_init(struct vdriver *d)
{
	memset(d, 0, sizeof(*d));
	d->bytes = aligned_alloc(PAGE, VD_MEM_BYTES);
	DIS_ASSERT(d->bytes);
	memset(d->bytes, 0, VD_MEM_BYTES);
	d->mem = (struct guest_mem){d->bytes, VD_MEM_BYTES};
	d->next_gpa = PAGE;
	d->account = (struct io_account){.charge = on_charge, .ctx = d};
	sem_init(&d->raised, 0, 0);
	sem_init(&d->released, 0, 0);
	DIS_ASSERT(!io_pool_create(&d->pool));
	DIS_ASSERT(!io_pool_start(d->pool));
}

void vd_fini(struct vdriver *d)
{
	io_pool_destroy(d->pool);
	free(d->bytes);
}

struct virtio_config vd_config(struct vdriver *d, const char *name)
{
	return (struct virtio_config){
		.name = name,
		.mem = &d->mem,
		.irq = {.set = on_line, .ctx = d, .gsi = 16},
		.pool = d->pool,
		.account = &d->account,
		.priority = IO_PRIORITY_DEFAULT,
		.hold = on_hold,
		.release = on_release,
		.ctx = d,
	};
}

static uint64_t access(struct vdriver *d, uint64_t offset, unsigned width,
		       bool write, uint64_t value)
{
	uint8_t data[8] = {0};
	struct io_access a = {
		.offset = offset,
		.width = (uint8_t)width,
		.write = write,
		.count = 1,
		.data = data,
		.vcpu = d->vcpu,
	};

	io_put(&a, value);
	DIS_ASSERT(virtio_mmio_ops.io(d->dev, &a) == IO_NONE);
	return io_get(&a);
}

uint32_t vd_read(struct vdriver *d, uint64_t offset)
{
	return (uint32_t)access(d, offset, 4, false, 0xeeeeeeee);
}

void vd_write(struct vdriver *d, uint64_t offset, uint32_t value)
{
	access(d, offset, 4, true, value);
}

uint64_t vd_read_space(struct vdriver *d, unsigned offset, unsigned width)
{
	return access(d, VD_SPACE + offset, width, false, 0xee);
}

uint64_t vd_alloc(struct vdriver *d, size_t bytes)
{
	uint64_t gpa = d->next_gpa;

	d->next_gpa += (bytes + 15u) & ~(size_t)15u;
	DIS_ASSERT(d->next_gpa <= VD_MEM_BYTES);
	return gpa;
}

void *vd_at(struct vdriver *d, uint64_t gpa)
{
	return d->bytes + gpa;
}

bool vd_negotiate(struct vdriver *d, uint64_t features)
{
	vd_write(d, VD_STATUS, 0);
	vd_write(d, VD_STATUS, 0x1);
	vd_write(d, VD_STATUS, 0x3);
	for (unsigned half = 0; half < 2; half++) {
		vd_write(d, VD_DRIVER_FEATURES_SEL, half);
		vd_write(d, VD_DRIVER_FEATURES,
			 (uint32_t)(features >> (32 * half)));
	}
	vd_write(d, VD_STATUS, 0xb);
	return vd_read(d, VD_STATUS) == 0xb;
}

void vd_set_up_queue(struct vdriver *d, unsigned queue, uint16_t size)
{
	struct vd_queue *q = &d->queues[queue];

	if (!q->base) {
		d->next_gpa = (d->next_gpa + PAGE - 1) & ~(uint64_t)(PAGE - 1);
		q->base = vd_alloc(d, (size_t)3 * PAGE);
	}
	memset(vd_at(d, q->base), 0, (size_t)3 * PAGE);
	q->size = size;
	q->desc = vd_at(d, q->base);
	q->avail = vd_at(d, q->base + PAGE);
	q->used = vd_at(d, q->base + 2 * (uint64_t)PAGE);
	q->next_desc = 0;
	q->seen = 0;
	vd_write(d, VD_QUEUE_SEL, queue);
	vd_write(d, VD_QUEUE_NUM, size);
	vd_write(d, VD_DESC_LOW, (uint32_t)q->base);
	vd_write(d, VD_DESC_LOW + 4, 0);
	vd_write(d, VD_AVAIL_LOW, (uint32_t)q->base + PAGE);
	vd_write(d, VD_AVAIL_LOW + 4, 0);
	vd_write(d, VD_USED_LOW, (uint32_t)q->base + 2 * PAGE);
	vd_write(d, VD_USED_LOW + 4, 0);
	vd_write(d, VD_QUEUE_READY, 1);
}

void vd_ready(struct vdriver *d)
{
	vd_write(d, VD_STATUS, 0xf);
}

void vd_start(struct vdriver *d, uint64_t features, uint16_t size)
{
	DIS_ASSERT(vd_negotiate(d, features | VD_F_VERSION_1));
	for (unsigned i = 0; i < d->dev->kind->queues; i++)
		vd_set_up_queue(d, i, size);
	vd_ready(d);
}

static void fill(struct vd_desc *table, const struct vd_buffer *buffers,
		 unsigned n, unsigned first, unsigned size)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned at = (first + i) % size;

		table[at] = (struct vd_desc){
			.addr = buffers[i].gpa,
			.len = buffers[i].len,
			.flags = (uint16_t)((buffers[i].write ? VD_WRITE : 0) |
					    (i + 1 < n ? VD_NEXT : 0)),
			.next = (uint16_t)((at + 1) % size),
		};
	}
}

uint16_t vd_add(struct vdriver *d, unsigned queue,
		const struct vd_buffer *buffers, unsigned n, bool table)
{
	struct vd_queue *q = &d->queues[queue];
	uint16_t head = q->next_desc;
	uint64_t gpa;

	if (!table) {
		fill(q->desc, buffers, n, head, q->size);
		q->next_desc = (uint16_t)((head + n) % q->size);
	} else {
		gpa = vd_alloc(d, n * sizeof(struct vd_desc));
		fill(vd_at(d, gpa), buffers, n, 0, n);
		q->desc[head] = (struct vd_desc){
			.addr = gpa,
			.len = n * (uint32_t)sizeof(struct vd_desc),
			.flags = VD_TABLE,
		};
		q->next_desc = (uint16_t)((head + 1) % q->size);
	}
	vd_put(d, queue, head);
	return head;
}

void vd_put(struct vdriver *d, unsigned queue, uint16_t head)
{
	struct vd_queue *q = &d->queues[queue];
	uint16_t idx = q->avail[1];

	__atomic_store_n(&q->avail[2 + idx % q->size], head, __ATOMIC_RELAXED);
	__atomic_store_n(&q->avail[1], (uint16_t)(idx + 1), __ATOMIC_SEQ_CST);
}

void vd_kick(struct vdriver *d, unsigned queue)
{
	vd_write(d, VD_QUEUE_NOTIFY, queue);
}

bool vd_take(struct vdriver *d, unsigned queue, struct vd_used_elem *out)
{
	struct vd_queue *q = &d->queues[queue];
	const uint32_t *elem;

	if (__atomic_load_n(&q->used[1], __ATOMIC_SEQ_CST) == q->seen)
		return false;
	elem = (const uint32_t *)(const void *)&q
		       ->used[2 + (size_t)(q->seen % q->size) * 4];
	out->id = __atomic_load_n(&elem[0], __ATOMIC_RELAXED);
	out->len = __atomic_load_n(&elem[1], __ATOMIC_RELAXED);
	q->seen++;
	/* Of the next one it wants to hear. */
	__atomic_store_n(&q->avail[2 + q->size], q->seen, __ATOMIC_SEQ_CST);
	return true;
}

void vd_wait_line(struct vdriver *d)
{
	while (sem_wait(&d->raised))
		;
}

struct vd_used_elem vd_wait(struct vdriver *d, unsigned queue)
{
	struct vd_used_elem elem;

	while (!vd_take(d, queue, &elem)) {
		vd_wait_line(d);
		vd_write(d, VD_ACK, vd_read(d, VD_ISR));
		/* Or nothing would ever come. */
		DIS_ASSERT(!(vd_read(d, VD_STATUS) & VD_NEEDS_RESET));
	}
	return elem;
}
