/* SPDX-License-Identifier: Apache-2.0 */
/* Maximum shares: a window of usage; see share.h. */
#include "share.h"

/* 64 cores use 128 ms of a bucket of 2 ms at most: 27 bits. */
#define USED_BITS 28u
#define USED_MASK ((1ull << USED_BITS) - 1u)
#define RESERVED_MASK 0xffffffffull
#define CHANGE (1ull << 32)

static uint64_t number_of(uint64_t time_ns)
{
	return time_ns / SHARE_BUCKET_NS;
}

/* Does bucket @value count at @number, or will it? */
static bool counts(unsigned long long value, uint64_t number)
{
	/* Another core's clock may be ahead. */
	return (value >> USED_BITS) + SHARE_BUCKETS > number;
}

static void add(struct share_window *window, uint64_t number, uint64_t used_ns)
{
	atomic_ullong *bucket = &window->bucket[number % SHARE_BUCKETS];
	unsigned long long value = atomic_load(bucket), fresh;

	do {
		if (value >> USED_BITS > number)
			return; /* out of every window that is still to come */
		fresh = value >> USED_BITS == number
				? value + used_ns
				: (unsigned long long)number << USED_BITS |
					  used_ns;
	} while (!atomic_compare_exchange_weak(bucket, &value, fresh));
}

static uint64_t used_ns(struct share_window *window, uint64_t now_ns)
{
	uint64_t number = number_of(now_ns), sum_ns = 0;

	for (unsigned i = 0; i < SHARE_BUCKETS; i++) {
		unsigned long long value = atomic_load(&window->bucket[i]);

		if (counts(value, number))
			sum_ns += value & USED_MASK;
	}
	return sum_ns;
}

uint64_t share_window_reserve(struct share_window *window, uint64_t quota_ns,
			      uint64_t want_ns, uint64_t need_ns, bool leave,
			      uint64_t now_ns)
{
	unsigned long long word = atomic_load(&window->word);
	uint64_t left_ns, got_ns;

	do {
		left_ns = dis_ns_sub(quota_ns, (word & RESERVED_MASK) +
						       used_ns(window, now_ns));
		if (left_ns < need_ns)
			return 0;
		got_ns = left_ns;
		if (leave && left_ns > 2 * need_ns)
			got_ns = left_ns / 2;
		got_ns = dis_ns_min(got_ns, want_ns);
	} while (!atomic_compare_exchange_weak(&window->word, &word,
					       word + CHANGE + got_ns));
	return got_ns;
}

void share_window_settle(struct share_window *window, uint64_t reserved_ns,
			 uint64_t from_ns, uint64_t to_ns)
{
	/* What is older leaves every window at once. */
	from_ns = dis_ns_max(from_ns, dis_ns_sub(to_ns, SHARE_WINDOW_NS));
	while (from_ns < to_ns) {
		uint64_t number = number_of(from_ns);
		uint64_t end_ns =
			dis_ns_min(to_ns, (number + 1u) * SHARE_BUCKET_NS);

		add(window, number, end_ns - from_ns);
		from_ns = end_ns;
	}
	atomic_fetch_add(&window->word, CHANGE - reserved_ns);
}

uint64_t share_window_release_ns(struct share_window *window, uint64_t quota_ns,
				 uint64_t need_ns, uint64_t now_ns)
{
	uint64_t number = number_of(now_ns), used = used_ns(window, now_ns);

	if (!quota_ns || quota_ns < need_ns)
		return DIS_NEVER_NS;
	/* If only reserves are in the way, some may be given back soon. */
	for (unsigned i = 0; i < SHARE_BUCKETS && used > quota_ns - need_ns;
	     i++) {
		uint64_t oldest = number + 1u + i;
		unsigned long long value =
			atomic_load(&window->bucket[oldest % SHARE_BUCKETS]);

		if ((value >> USED_BITS) + SHARE_BUCKETS != oldest)
			continue;
		used = dis_ns_sub(used, value & USED_MASK);
		if (used <= quota_ns - need_ns)
			return oldest * SHARE_BUCKET_NS;
	}
	return (number + 1u) * SHARE_BUCKET_NS;
}
