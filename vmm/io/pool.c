/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The I/O threads; see pool.h.
 *
 * "Ready" is a mark on the source and a link into a lock-free list, the mail, from
 * which the threads take it over into their order. A thread counts itself idle,
 * then looks at the mail, then sleeps; who sends links the mail, then looks whether
 * somebody idles, and only then rings. Both are sequentially consistent, so one of
 * them sees the other, and a thread at work costs a sender no system call.
 *
 * A thread charges all CPU time that it has used since it last did: so wake-ups, locks
 * and the choice of who is next are paid for too, and time asleep never is. They were
 * for who is served next, as a rule; if not (another thread was faster, or who was to
 * be served is gone), that one pays for a wake-up that was a stranger's.
 */
#include "io/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <dis/assert.h>
#include <dis/executor.h>

#define STACK_BYTES ((size_t)256 << 10)
#define EVENTS_AT_ONCE 16
/* Of the doorbell; a slot's number otherwise, below its generation. */
#define DOORBELL_EVENT UINT64_MAX

/* @generation: so that an event of a former source means nothing to the next. */
struct slot {
	struct io_source *source;
	uint32_t generation;
};

struct io_pool {
	/* Constant while threads run. */
	int epoll_fd;
	int doorbell_fd;
	unsigned n_threads;
	pthread_t threads[IO_POOL_THREADS];

	/* Any thread. */
	_Atomic(struct io_source *) mail; /* LIFO */
	atomic_uint idle;

	pthread_mutex_t lock;
	/* All below is guarded by lock. */
	pthread_cond_t left;  /* a server of some source has left */
	pthread_cond_t began; /* one more thread is there */
	unsigned running;     /* threads that are */
	bool ending;
	struct io_order order;
	uint64_t alarm_ns; /* a thread that idles wakes by then for who is held back */
	struct io_source *stops; /* stopping, and nobody serves them */
	unsigned slow;           /* threads that serve a slow source */
	struct slot *slots;
	unsigned n_slots;
};

static struct io_source *source_of(struct io_turn *turn)
{
	return (struct io_source *)((char *)turn -
				    offsetof(struct io_source, turn));
}

static uint64_t thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * DIS_S_NS + (uint64_t)ts.tv_nsec;
}

void io_source_ready(struct io_source *source)
{
	struct io_pool *pool = source->pool;
	struct io_source *head;

	if (atomic_exchange(&source->mailed, true))
		return;
	head = atomic_load(&pool->mail);
	do {
		source->mail_next = head;
	} while (!atomic_compare_exchange_weak(&pool->mail, &head, source));
	if (atomic_load(&pool->idle))
		eventfd_write(pool->doorbell_fd, 1);
}

void io_source_stop(struct io_source *source)
{
	atomic_store(&source->stop, true);
	io_source_ready(source);
}

static void enqueue(struct io_pool *pool, struct io_source *source)
{
	if (source->removed || source->stopping || source->queued)
		return;
	source->again = source->servers == source->servers_max;
	if (source->again)
		return;
	source->queued = true;
	io_order_put(&pool->order, &source->turn);
}

static void dequeue(struct io_pool *pool, struct io_source *source)
{
	if (source->queued)
		io_order_remove(&pool->order, &source->turn);
	source->queued = false;
	source->again = false;
}

static void put_stop(struct io_pool *pool, struct io_source *source)
{
	source->stop_next = pool->stops;
	pool->stops = source;
}

static void begin_stop(struct io_pool *pool, struct io_source *source)
{
	dequeue(pool, source);
	source->stopping = true;
	if (!source->servers)
		put_stop(pool, source);
}

/* In the order in which they were sent. */
static void take_mail(struct io_pool *pool)
{
	struct io_source *mail = atomic_exchange(&pool->mail, NULL);
	struct io_source *list = NULL, *next;

	for (; mail; mail = next) {
		next = mail->mail_next;
		mail->mail_next = list;
		list = mail;
	}
	for (; list; list = next) {
		next = list->mail_next;
		/* From here on a sender links it anew. */
		atomic_store(&list->mailed, false);
		if (atomic_exchange(&list->stop, false))
			begin_stop(pool, list);
		else
			enqueue(pool, list);
	}
}

/* If there is work for one more thread that sleeps, or it sleeps too long. */
static void wake_another(struct io_pool *pool)
{
	if (atomic_load(&pool->idle) &&
	    (pool->stops || io_order_any(&pool->order) ||
	     io_order_due_ns(&pool->order) < pool->alarm_ns))
		eventfd_write(pool->doorbell_fd, 1);
}

static void leave(struct io_pool *pool, struct io_source *source)
{
	source->servers--;
	if (source->stopping && !source->servers && !source->removed)
		put_stop(pool, source);
	pthread_cond_broadcast(&pool->left);
}

/* @charged_ns: of this thread's CPU time; what came since is charged. */
static void charge(const struct io_account *account, unsigned vcpu,
		   uint64_t *charged_ns)
{
	uint64_t now_ns = thread_cpu_ns();

	if (account->charge)
		account->charge(account->ctx, vcpu, now_ns - *charged_ns);
	*charged_ns = now_ns;
}

static void serve(struct io_pool *pool, struct io_source *source,
		  uint64_t *charged_ns)
{
	struct io_account *account = source->account;
	struct io_work work = {0};

	source->queued = false;
	source->servers++;
	pool->slow += source->slow;
	wake_another(pool);
	pthread_mutex_unlock(&pool->lock);
	source->ops->serve(source, &work);
	charge(account, work.vcpu, charged_ns);
	pthread_mutex_lock(&pool->lock);
	pool->slow -= source->slow;
	io_bucket_take(&account->bucket, work.bytes, dis_clock_ns());
	leave(pool, source);
	if (work.more || source->again)
		enqueue(pool, source);
}

static void tell_stopped(struct io_pool *pool, uint64_t *charged_ns)
{
	struct io_source *source = pool->stops;
	unsigned vcpu = 0;

	pool->stops = source->stop_next;
	/* The callback may start it anew, and its removal waits for it. */
	source->stopping = false;
	source->servers++;
	wake_another(pool);
	pthread_mutex_unlock(&pool->lock);
	if (source->ops->stopped)
		vcpu = source->ops->stopped(source);
	charge(source->account, vcpu, charged_ns);
	pthread_mutex_lock(&pool->lock);
	leave(pool, source);
	if (source->again)
		enqueue(pool, source);
}

static void take_event(struct io_pool *pool, uint64_t event)
{
	unsigned slot = (uint32_t)event;
	eventfd_t ignored;

	if (event == DOORBELL_EVENT) {
		/* At the end it rings for all of us. */
		if (!pool->ending)
			eventfd_read(pool->doorbell_fd, &ignored);
		return;
	}
	if (slot < pool->n_slots && pool->slots[slot].source &&
	    pool->slots[slot].generation == event >> 32)
		enqueue(pool, pool->slots[slot].source);
}

/* Rounded up to the clock of epoll_wait(). */
static int timeout_ms(const struct io_pool *pool)
{
	uint64_t due_ns = io_order_due_ns(&pool->order);
	uint64_t ms = dis_ns_sub(due_ns, dis_clock_ns()) / DIS_MS_NS + 1;

	if (due_ns == DIS_NEVER_NS)
		return -1;
	return ms < 1000 ? (int)ms : 1000;
}

static void wait_for_news(struct io_pool *pool)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int limit_ms = timeout_ms(pool);
	int n = 0;

	pool->alarm_ns =
		dis_ns_min(pool->alarm_ns, io_order_due_ns(&pool->order));
	atomic_fetch_add(&pool->idle, 1);
	pthread_mutex_unlock(&pool->lock);
	if (!atomic_load(&pool->mail))
		n = epoll_wait(pool->epoll_fd, events, EVENTS_AT_ONCE, limit_ms);
	pthread_mutex_lock(&pool->lock);
	atomic_fetch_sub(&pool->idle, 1);
	/* Perhaps it was this one's. Who idles next sets it anew. */
	pool->alarm_ns = DIS_NEVER_NS;
	for (int i = 0; i < n; i++)
		take_event(pool, events[i].data.u64);
}

static void *thread_main(void *arg)
{
	struct io_pool *pool = arg;
	uint64_t charged_ns = thread_cpu_ns(); /* the start is nobody's */

	pthread_mutex_lock(&pool->lock);
	pool->running++;
	pthread_cond_signal(&pool->began);
	while (!pool->ending) {
		struct io_turn *turn;

		take_mail(pool);
		if (pool->stops) {
			tell_stopped(pool, &charged_ns);
			continue;
		}
		turn = io_order_take(&pool->order, dis_clock_ns(),
				     pool->slow + 1 < pool->n_threads);
		if (turn)
			serve(pool, source_of(turn), &charged_ns);
		else
			wait_for_news(pool);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static int watch(struct io_pool *pool, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = {.events = events, .data.u64 = data};

	return epoll_ctl(pool->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno
								    : 0;
}

/*
 * With all signals blocked: those for executors are none of theirs, and a file
 * that grows beyond its limit is an error of a write, not the process's end. But
 * for the one that tells of a forbidden system call.
 */
int io_pool_start(struct io_pool *pool)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int ret;

	ret = -pthread_attr_init(&attr);
	if (ret)
		return ret;
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (!ret && pool->n_threads < IO_POOL_THREADS) {
		pthread_mutex_lock(&pool->lock);
		ret = -pthread_create(&pool->threads[pool->n_threads], &attr,
				      thread_main, pool);
		if (!ret)
			pthread_setname_np(pool->threads[pool->n_threads++],
					   "disvm-io");
		pthread_mutex_unlock(&pool->lock);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	/* What a thread does to begin may be forbidden from now on (confine.h). */
	pthread_mutex_lock(&pool->lock);
	while (pool->running < pool->n_threads)
		pthread_cond_wait(&pool->began, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	return ret;
}

int io_pool_create(struct io_pool **out)
{
	struct io_pool *pool = calloc(1, sizeof(*pool));
	int ret;

	if (!pool)
		return -ENOMEM;
	io_order_init(&pool->order);
	pool->alarm_ns = DIS_NEVER_NS;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->left, NULL);
	pthread_cond_init(&pool->began, NULL);
	pool->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	pool->doorbell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = pool->epoll_fd < 0 || pool->doorbell_fd < 0 ? -errno : 0;
	if (!ret)
		ret = watch(pool, pool->doorbell_fd, EPOLLIN, DOORBELL_EVENT);
	if (ret) {
		io_pool_destroy(pool);
		return ret;
	}
	*out = pool;
	return 0;
}

void io_pool_destroy(struct io_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_mutex_unlock(&pool->lock);
	if (pool->n_threads)
		eventfd_write(pool->doorbell_fd, 1);
	for (unsigned i = 0; i < pool->n_threads; i++)
		pthread_join(pool->threads[i], NULL);
	for (unsigned i = 0; i < pool->n_slots; i++)
		DIS_ASSERT(!pool->slots[i].source);
	if (pool->epoll_fd >= 0)
		close(pool->epoll_fd);
	if (pool->doorbell_fd >= 0)
		close(pool->doorbell_fd);
	pthread_cond_destroy(&pool->left);
	pthread_cond_destroy(&pool->began);
	pthread_mutex_destroy(&pool->lock);
	free(pool->slots);
	free(pool);
}

/* The first free slot, made if there is none. Return: 0 or -ENOMEM. */
static int find_slot(struct io_pool *pool, unsigned *out)
{
	unsigned i = 0, n;
	struct slot *slots;

	while (i < pool->n_slots && pool->slots[i].source)
		i++;
	*out = i;
	if (i < pool->n_slots)
		return 0;
	n = 2 * i + 8;
	slots = reallocarray(pool->slots, n, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	pool->slots = slots;
	pool->n_slots = n;
	for (; i < n; i++)
		slots[i] = (struct slot){0};
	return 0;
}

int io_source_add(struct io_pool *pool, struct io_source *source)
{
	int ret;

	source->pool = pool;
	source->turn = (struct io_turn){.priority = source->priority,
					.slow = source->slow,
					.bucket = &source->account->bucket};
	pthread_mutex_lock(&pool->lock);
	ret = find_slot(pool, &source->slot);
	if (!ret) {
		pool->slots[source->slot].source = source;
		pool->slots[source->slot].generation++;
	}
	pthread_mutex_unlock(&pool->lock);
	return ret;
}

void io_source_set_priority(struct io_source *source, unsigned priority)
{
	struct io_pool *pool = source->pool;

	pthread_mutex_lock(&pool->lock);
	if (source->queued)
		io_order_remove(&pool->order, &source->turn);
	source->turn.priority = priority;
	if (source->queued)
		io_order_put(&pool->order, &source->turn);
	wake_another(pool);
	pthread_mutex_unlock(&pool->lock);
}

void io_account_set_rate(struct io_pool *pool, struct io_account *account,
			 uint64_t rate)
{
	pthread_mutex_lock(&pool->lock);
	io_bucket_set_rate(&account->bucket, rate, dis_clock_ns());
	io_order_renew(&pool->order);
	wake_another(pool);
	pthread_mutex_unlock(&pool->lock);
}

static void unlink_stop(struct io_pool *pool, const struct io_source *source)
{
	struct io_source **link = &pool->stops;

	while (*link && *link != source)
		link = &(*link)->stop_next;
	if (*link)
		*link = source->stop_next;
}

void io_source_remove(struct io_source *source)
{
	struct io_pool *pool = source->pool;

	pthread_mutex_lock(&pool->lock);
	pool->slots[source->slot].source = NULL;
	/* It may be in there; what else is goes where it belongs. */
	take_mail(pool);
	dequeue(pool, source);
	unlink_stop(pool, source);
	source->removed = true;
	while (source->servers)
		pthread_cond_wait(&pool->left, &pool->lock);
	wake_another(pool);
	pthread_mutex_unlock(&pool->lock);
}

int io_source_watch(struct io_source *source, int fd)
{
	struct io_pool *pool = source->pool;
	uint64_t data;

	pthread_mutex_lock(&pool->lock);
	data = (uint64_t)pool->slots[source->slot].generation << 32 |
	       source->slot;
	pthread_mutex_unlock(&pool->lock);
	return watch(pool, fd, EPOLLIN | EPOLLET, data);
}

void io_source_unwatch(struct io_source *source, int fd)
{
	epoll_ctl(source->pool->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}
