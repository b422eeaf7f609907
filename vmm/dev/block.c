/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to a disk image; see block.h. */
#include "block.h"

#include <stddef.h>

static struct block *block_of(struct io_source *source)
{
	return (struct block *)((char *)source - offsetof(struct block, source));
}

/* What was submitted since, behind what is queued; only when that is empty. */
static void take_submitted(struct block *block)
{
	struct block_request *list = atomic_exchange_explicit(
		&block->submitted, NULL, memory_order_acquire);
	struct block_request *next;

	for (; list; list = next) {
		next = list->next;
		list->next = block->queue;
		block->queue = list;
	}
}

static uint64_t length_of(const struct block_request *request)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < request->n; i++)
		bytes += request->iov[i].iov_len;
	return bytes;
}

static void serve(struct io_source *source, struct io_work *work)
{
	struct block *block = block_of(source);
	struct block_request *request;
	int err;

	if (!block->queue)
		take_submitted(block);
	request = block->queue;
	if (!request)
		return;
	block->queue = request->next;
	work->vcpu = request->vcpu;
	work->bytes = length_of(request);
	err = image_io(block->image, request->op, request->offset, request->iov,
		       request->n);
	/* The request is the device's again. */
	request->done(request, err);
	work->more = block->queue || atomic_load_explicit(&block->submitted,
							  memory_order_relaxed);
}

static const struct io_source_ops block_source_ops = {.serve = serve};

int block_open(struct block *block, struct image *image, struct io_pool *pool,
	       struct io_account *account, unsigned priority)
{
	*block = (struct block){
		.image = image,
		.source = {.ops = &block_source_ops,
			   .account = account,
			   .priority = priority,
			   .slow = true,
			   .servers_max = 1},
	};
	return io_source_add(pool, &block->source);
}

void block_close(struct block *block)
{
	io_source_remove(&block->source);
}

void block_submit(struct block *block, struct block_request *request)
{
	struct block_request *head =
		atomic_load_explicit(&block->submitted, memory_order_relaxed);

	do {
		request->next = head;
	} while (!atomic_compare_exchange_weak_explicit(
		&block->submitted, &head, request, memory_order_release,
		memory_order_relaxed));
	io_source_ready(&block->source);
}
