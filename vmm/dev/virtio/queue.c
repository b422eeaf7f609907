/* SPDX-License-Identifier: Apache-2.0 */
/* A split virtqueue; see queue.h. */
#include "dev/virtio/queue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Layout: virtio 1.2, 2.7.5, 2.7.6, 2.7.8. All little endian, as we are. */
#define DESC_BYTES 16u
#define DESC_NEXT 1u
#define DESC_WRITE 2u
#define DESC_INDIRECT 4u
#define AVAIL_FLAGS 0u
#define AVAIL_IDX 2u
#define AVAIL_RING 4u
#define AVAIL_NO_INTERRUPT 1u
#define USED_IDX 2u
#define USED_RING 4u
#define USED_ELEM_BYTES 8u

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};
_Static_assert(sizeof(struct desc) == DESC_BYTES, "as in guest memory");

__attribute__((format(printf, 2, 3))) static int refuse(char *err,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err, VIRTQ_ERR_BYTES, format, args);
	va_end(args);
	return -EINVAL;
}

static uint16_t load16(const uint8_t *at, int order)
{
	const uint16_t *p = (const uint16_t *)(const void *)at;

	return order == __ATOMIC_ACQUIRE ? __atomic_load_n(p, __ATOMIC_ACQUIRE)
	       : order == __ATOMIC_SEQ_CST
		       ? __atomic_load_n(p, __ATOMIC_SEQ_CST)
		       : __atomic_load_n(p, __ATOMIC_RELAXED);
}

static uint8_t *avail_event(const struct virtq *q)
{
	return q->used + USED_RING + (size_t)q->size * USED_ELEM_BYTES;
}

static const uint8_t *used_event(const struct virtq *q)
{
	return q->avail + AVAIL_RING + (size_t)q->size * 2u;
}

static int find_part(const struct guest_mem *mem, const char *name,
		     uint64_t gpa, uint64_t align, uint64_t bytes,
		     uint8_t **out, char *err)
{
	if (gpa % align)
		return refuse(err, "%s at %#" PRIx64 " is not aligned", name,
			      gpa);
	*out = guest_mem_ptr(mem, gpa, bytes);
	if (!*out)
		return refuse(err, "%s at %#" PRIx64 " is not in memory", name,
			      gpa);
	return 0;
}

int virtq_init(struct virtq *q, const struct guest_mem *mem,
	       const struct virtq_setup *setup, bool event_idx, bool indirect,
	       char *err)
{
	uint64_t n = setup->size;
	int ret;

	if (!n || n > VIRTQ_SIZE_MAX || (n & (n - 1)))
		return refuse(err, "%" PRIu64 " is not a size of a queue", n);
	*q = (struct virtq){
		.mem = mem,
		.size = setup->size,
		.event_idx = event_idx,
		.indirect = indirect,
	};
	ret = find_part(mem, "descriptor table", setup->desc, 16,
			n * DESC_BYTES, &q->desc, err);
	if (!ret)
		ret = find_part(mem, "available ring", setup->avail, 2,
				AVAIL_RING + 2 * n + 2, &q->avail, err);
	if (!ret)
		ret = find_part(mem, "used ring", setup->used, 4,
				USED_RING + USED_ELEM_BYTES * n + 2, &q->used,
				err);
	return ret;
}

/* Once: the compiler must not read a second time what is checked by then. */
static struct desc read_desc(const uint8_t *table, unsigned i)
{
	struct desc desc;

	memcpy(&desc, table + (size_t)i * DESC_BYTES, sizeof(desc));
	__asm__ volatile("" : "+m"(desc));
	return desc;
}

/* A walk through descriptors; so many buffers may still come: @left. */
struct walk {
	const uint8_t *table;
	unsigned entries;
	unsigned left;
	bool indirect;
};

static int add_buffer(const struct virtq *q, struct virtq_chain *chain,
		      const struct desc *desc, char *err)
{
	bool write = desc->flags & DESC_WRITE;
	void *host;

	if (!write && chain->n_in)
		return refuse(err, "a buffer to be read after one to be "
				   "written");
	host = guest_mem_ptr(q->mem, desc->addr, desc->len);
	if (!host)
		return refuse(err,
			      "%" PRIu32 " bytes at %#" PRIx64
			      " are not in memory",
			      desc->len, desc->addr);
	if (!desc->len)
		return 0;
	chain->iov[chain->n_out + chain->n_in] =
		(struct iovec){host, desc->len};
	if (write) {
		chain->n_in++;
		chain->in_bytes += desc->len;
	} else {
		chain->n_out++;
		chain->out_bytes += desc->len;
	}
	return 0;
}

/* 2.7.5.3: one table, as the last descriptor of a chain, not within another. */
static int enter_table(const struct virtq *q, const struct desc *desc,
		       struct walk *walk, char *err)
{
	if (!q->indirect || walk->indirect || desc->flags & DESC_NEXT)
		return refuse(err, "an indirect table where none may be");
	if (!desc->len || desc->len % DESC_BYTES ||
	    desc->len / DESC_BYTES > q->size)
		return refuse(err, "an indirect table of %" PRIu32 " bytes",
			      desc->len);
	walk->table = guest_mem_ptr(q->mem, desc->addr, desc->len);
	if (!walk->table)
		return refuse(err,
			      "an indirect table at %#" PRIx64
			      " is not in memory",
			      desc->addr);
	walk->entries = desc->len / DESC_BYTES;
	walk->indirect = true;
	return 0;
}

static int walk_chain(const struct virtq *q, struct virtq_chain *chain,
		      char *err)
{
	struct walk walk = {
		.table = q->desc, .entries = q->size, .left = q->size};
	unsigned i = chain->head;

	for (;;) {
		struct desc desc;
		int ret;

		if (i >= walk.entries)
			return refuse(err, "descriptor %u of %u", i,
				      walk.entries);
		desc = read_desc(walk.table, i);
		if (desc.flags & DESC_INDIRECT) {
			ret = enter_table(q, &desc, &walk, err);
			i = 0;
			if (ret)
				return ret;
			continue;
		}
		if (!walk.left--)
			return refuse(err, "a chain longer than the queue");
		ret = add_buffer(q, chain, &desc, err);
		if (ret)
			return ret;
		if (!(desc.flags & DESC_NEXT))
			return 0;
		i = desc.next;
	}
}

int virtq_pop(struct virtq *q, struct virtq_chain *chain, char *err)
{
	uint16_t idx = load16(q->avail + AVAIL_IDX, __ATOMIC_ACQUIRE);
	uint16_t waiting = (uint16_t)(idx - q->next);
	size_t slot = q->next & (q->size - 1u);
	int ret;

	if (!waiting)
		return 0;
	if (waiting > q->size)
		return refuse(err, "the index went from %u to %u", q->next, idx);
	chain->head =
		load16(q->avail + AVAIL_RING + 2 * slot, __ATOMIC_RELAXED);
	chain->n_out = chain->n_in = 0;
	chain->out_bytes = chain->in_bytes = 0;
	ret = walk_chain(q, chain, err);
	if (ret)
		return ret;
	q->next++;
	return 1;
}

void virtq_unpop(struct virtq *q, unsigned n)
{
	q->next = (uint16_t)(q->next - n);
}

/* Without event indices it notifies each time, as we never tell it not to. */
bool virtq_wait(struct virtq *q, unsigned known)
{
	uint16_t end = (uint16_t)(q->next + known);

	if (load16(q->avail + AVAIL_IDX, __ATOMIC_RELAXED) != end)
		return false;
	if (q->event_idx)
		__atomic_store_n((uint16_t *)(void *)avail_event(q), end,
				 __ATOMIC_SEQ_CST);
	return load16(q->avail + AVAIL_IDX, __ATOMIC_SEQ_CST) == end;
}

void virtq_push(struct virtq *q, uint16_t head, uint32_t written)
{
	size_t slot = q->done & (q->size - 1u);
	uint32_t *elem = (uint32_t *)(void *)(q->used + USED_RING +
					      slot * USED_ELEM_BYTES);

	__atomic_store_n(&elem[0], head, __ATOMIC_RELAXED);
	__atomic_store_n(&elem[1], written, __ATOMIC_RELAXED);
	q->done++;
}

/* 2.7.7.1: has the index gone past @event since @old? */
static bool is_past(uint16_t event, uint16_t now, uint16_t old)
{
	return (uint16_t)(now - event - 1u) < (uint16_t)(now - old);
}

bool virtq_publish(struct virtq *q)
{
	uint16_t old = q->told;
	bool first = !q->told_once;

	/* With release, and before the look at what the driver wants. */
	__atomic_store_n((uint16_t *)(void *)(q->used + USED_IDX), q->done,
			 __ATOMIC_SEQ_CST);
	if (!q->event_idx)
		return !(load16(q->avail + AVAIL_FLAGS, __ATOMIC_SEQ_CST) &
			 AVAIL_NO_INTERRUPT);
	q->told = q->done;
	q->told_once = true;
	return first ||
	       is_past(load16(used_event(q), __ATOMIC_SEQ_CST), q->done, old);
}

size_t virtq_copy_out(void *to, const struct iovec *iov, unsigned n,
		      size_t bytes)
{
	size_t done = 0;

	for (unsigned i = 0; i < n && done < bytes; i++) {
		size_t part = iov[i].iov_len < bytes - done ? iov[i].iov_len
							    : bytes - done;

		memcpy((char *)to + done, iov[i].iov_base, part);
		done += part;
	}
	return done;
}

size_t virtq_copy_in(const struct iovec *iov, unsigned n, const void *from,
		     size_t bytes)
{
	size_t done = 0;

	for (unsigned i = 0; i < n && done < bytes; i++) {
		size_t part = iov[i].iov_len < bytes - done ? iov[i].iov_len
							    : bytes - done;

		memcpy(iov[i].iov_base, (const char *)from + done, part);
		done += part;
	}
	return done;
}

void virtq_skip(struct iovec **iov, unsigned *n, size_t bytes)
{
	while (*n && bytes >= (*iov)->iov_len) {
		bytes -= (*iov)->iov_len;
		(*iov)++;
		(*n)--;
	}
	if (!*n)
		return;
	(*iov)->iov_base = (char *)(*iov)->iov_base + bytes;
	(*iov)->iov_len -= bytes;
}
