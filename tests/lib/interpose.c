/* SPDX-License-Identifier: Apache-2.0 */
/* See interpose.h. */
#include "lib/interpose.h"

#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <dis/domain.h>

_Atomic int64_t interpose_skew_ns;
atomic_bool interpose_timers_dead;
_Atomic uint64_t interpose_timers_late_ns;

static atomic_ullong passes;
static atomic_uint forbidden;
static atomic_bool expected;
static _Thread_local bool dispatching;
/* An executor's thread dispatches whenever it neither runs nor idles. */
static _Thread_local bool executor;

uint64_t interpose_passes(void)
{
	return atomic_load(&passes);
}

void interpose_expect(bool expect)
{
	atomic_store(&forbidden, 0);
	atomic_store(&expected, expect);
}

unsigned interpose_forbidden(void)
{
	return atomic_load(&forbidden);
}

static void called(const char *name)
{
	if (!dispatching)
		return;
	atomic_fetch_add(&forbidden, 1u);
	if (atomic_load(&expected))
		return;
	dispatching = false; /* what follows may call anything */
	fprintf(stderr, "%s() on the dispatch path\n", name);
	abort();
}

/* What the linker calls the original and its stand-in. */
#define REAL(name) __real_##name
#define STAND_IN(name) __wrap_##name

#define WATCH(type, name, params, args) \
	type REAL(name) params; \
	type STAND_IN(name) params; \
	type STAND_IN(name) params \
	{ \
		called(#name); \
		return REAL(name) args; \
	}

WATCH(void *, malloc, (size_t size), (size))
WATCH(void *, calloc, (size_t n, size_t size), (n, size))
WATCH(void *, realloc, (void *p, size_t size), (p, size))
WATCH(void *, aligned_alloc, (size_t align, size_t size), (align, size))
WATCH(int, posix_memalign, (void **p, size_t align, size_t size),
      (p, align, size))
WATCH(int, munmap, (void *p, size_t size), (p, size))
WATCH(int, pthread_mutex_lock, (pthread_mutex_t * lock), (lock))
WATCH(int, pthread_mutex_trylock, (pthread_mutex_t * lock), (lock))
WATCH(int, pthread_cond_wait, (pthread_cond_t * cond, pthread_mutex_t *lock),
      (cond, lock))
WATCH(int, pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock))
WATCH(int, pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock))
WATCH(int, sem_wait, (sem_t * sem), (sem))
WATCH(ssize_t, write, (int fd, const void *data, size_t n), (fd, data, n))

WATCH(void *, mmap,
      (void *p, size_t size, int prot, int flags, int fd, off_t offset),
      (p, size, prot, flags, fd, offset))

int STAND_IN(fprintf)(FILE *file, const char *format, ...);
int STAND_IN(fprintf)(FILE *file, const char *format, ...)
{
	va_list args;
	int n;

	called("fprintf");
	va_start(args, format);
	n = vfprintf(file, format, args);
	va_end(args);
	return n;
}

void REAL(free)(void *p);
void STAND_IN(free)(void *p);
void STAND_IN(free)(void *p)
{
	called("free");
	REAL(free)(p);
}

/*
 * Like the original, six arguments whatever was passed: not by va_arg, which
 * reads memory of a caller that passed fewer.
 */
long REAL(syscall)(long nr, long a, long b, long c, long d, long e, long f);
long STAND_IN(syscall)(long nr, long a, long b, long c, long d, long e, long f);
long STAND_IN(syscall)(long nr, long a, long b, long c, long d, long e, long f)
{
	/* Kicks: to a core that idles, to one that runs. */
	if (nr != SYS_tgkill &&
	    (nr != SYS_futex || (int)b != FUTEX_WAKE_PRIVATE))
		called("syscall");
	return REAL(syscall)(nr, a, b, c, d, e, f);
}

struct dis_decision REAL(dis_core_step)(struct dis_core *core, uint64_t now_ns,
					uint64_t charge_ns,
					const struct dis_run_result *result);
struct dis_decision STAND_IN(dis_core_step)(struct dis_core *core,
					    uint64_t now_ns, uint64_t charge_ns,
					    const struct dis_run_result *result);
struct dis_decision STAND_IN(dis_core_step)(struct dis_core *core,
					    uint64_t now_ns, uint64_t charge_ns,
					    const struct dis_run_result *result)
{
	struct dis_decision decision;

	atomic_fetch_add_explicit(&passes, 1u, memory_order_relaxed);
	dispatching = true;
	decision = REAL(dis_core_step)(core, now_ns, charge_ns, result);
	dispatching = executor;
	return decision;
}

bool REAL(dis_core_enter)(struct dis_core *core);
bool STAND_IN(dis_core_enter)(struct dis_core *core);
bool STAND_IN(dis_core_enter)(struct dis_core *core)
{
	bool entered = REAL(dis_core_enter)(core);

	if (entered)
		dispatching = false;
	return entered;
}

void REAL(dis_core_leave)(struct dis_core *core);
void STAND_IN(dis_core_leave)(struct dis_core *core);
void STAND_IN(dis_core_leave)(struct dis_core *core)
{
	dispatching = executor;
	REAL(dis_core_leave)(core);
}

/* An executor's own timer: its loop lies between the two. */
int REAL(timer_create)(clockid_t clock, struct sigevent *event, timer_t *timer);
int STAND_IN(timer_create)(clockid_t clock, struct sigevent *event,
			   timer_t *timer);
int STAND_IN(timer_create)(clockid_t clock, struct sigevent *event,
			   timer_t *timer)
{
	int ret = REAL(timer_create)(clock, event, timer);

	executor = !ret;
	return ret;
}

int REAL(timer_delete)(timer_t timer);
int STAND_IN(timer_delete)(timer_t timer);
int STAND_IN(timer_delete)(timer_t timer)
{
	executor = dispatching = false;
	return REAL(timer_delete)(timer);
}

static struct timespec moved(struct timespec ts, int64_t by_ns)
{
	int64_t ns = ts.tv_sec * (int64_t)DIS_S_NS + ts.tv_nsec + by_ns;

	return (struct timespec){.tv_sec = ns / (int64_t)DIS_S_NS,
				 .tv_nsec = ns % (int64_t)DIS_S_NS};
}

int REAL(clock_gettime)(clockid_t clock, struct timespec *ts);
int STAND_IN(clock_gettime)(clockid_t clock, struct timespec *ts);
int STAND_IN(clock_gettime)(clockid_t clock, struct timespec *ts)
{
	int64_t skew_ns =
		atomic_load_explicit(&interpose_skew_ns, memory_order_relaxed);
	int ret = REAL(clock_gettime)(clock, ts);

	if (clock == CLOCK_MONOTONIC && !ret)
		*ts = moved(*ts, skew_ns);
	return ret;
}

int REAL(timer_settime)(timer_t timer, int flags, const struct itimerspec *when,
			struct itimerspec *old);
int STAND_IN(timer_settime)(timer_t timer, int flags,
			    const struct itimerspec *when,
			    struct itimerspec *old);
int STAND_IN(timer_settime)(timer_t timer, int flags,
			    const struct itimerspec *when,
			    struct itimerspec *old)
{
	struct itimerspec set = *when;
	int64_t later_ns = (int64_t)atomic_load(&interpose_timers_late_ns) -
			   atomic_load(&interpose_skew_ns);
	bool armed = set.it_value.tv_sec || set.it_value.tv_nsec;

	if (atomic_load(&interpose_timers_dead))
		set.it_value = (struct timespec){0};
	else if (armed)
		set.it_value = moved(set.it_value, later_ns);
	return REAL(timer_settime)(timer, flags, &set, old);
}
