/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket; see bucket.h. */
#include "io/bucket.h"

void io_bucket_init(struct io_bucket *bucket, uint64_t rate)
{
	*bucket = (struct io_bucket){.rate = rate};
}

uint64_t io_bucket_ready_ns(const struct io_bucket *bucket)
{
	return dis_ns_sub(bucket->paid_until_ns, IO_BUCKET_BURST_NS);
}

/* Rounded up, so that rounding never adds to the rate. */
static uint64_t cost_ns(const struct io_bucket *bucket, uint64_t amount)
{
	unsigned __int128 ns =
		((unsigned __int128)amount * DIS_S_NS + bucket->rate - 1) /
		bucket->rate;

	return ns < DIS_NEVER_NS ? (uint64_t)ns : DIS_NEVER_NS;
}

void io_bucket_set_rate(struct io_bucket *bucket, uint64_t rate, uint64_t now_ns)
{
	uint64_t owed_ns = dis_ns_sub(bucket->paid_until_ns, now_ns);
	unsigned __int128 bytes =
		(unsigned __int128)owed_ns * bucket->rate / DIS_S_NS;

	bucket->rate = rate;
	bucket->paid_until_ns = 0;
	if (rate && owed_ns)
		bucket->paid_until_ns = dis_ns_add(
			now_ns,
			dis_ns_min(owed_ns, cost_ns(bucket, (uint64_t)bytes)));
}

void io_bucket_take(struct io_bucket *bucket, uint64_t amount, uint64_t now_ns)
{
	if (!bucket->rate || !amount)
		return;
	bucket->paid_until_ns =
		dis_ns_add(dis_ns_max(bucket->paid_until_ns, now_ns),
			   cost_ns(bucket, amount));
}
