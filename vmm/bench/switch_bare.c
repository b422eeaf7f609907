/* SPDX-License-Identifier: Apache-2.0 */
/* The bare loop; see switch_bare.h. */
#include "bench/switch_bare.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <dis/assert.h>
#include <dis/executor.h>
#include <dis/handler_code.h>

#include "kvm/bare.h"

/* Not that of the executors. */
#define SLICE_SIGNAL (SIGRTMIN + 2)

static struct kvm_vcpu *volatile running;

static void HANDLER_CODE on_slice_end(int signo)
{
	(void)signo;
	kvm_vcpu_run_interrupt(running);
}

static int unexpected(int ret, char *err, size_t err_size)
{
	if (ret >= 0)
		snprintf(err, err_size, "unexpected exit %d of the guest", ret);
	else
		snprintf(err, err_size, "KVM_RUN: %s", strerror(-ret));
	return ret < 0 ? ret : -EIO;
}

int bench_bare_exits(struct bench_guests *pair, char *err, size_t err_size)
{
	for (unsigned i = 0;; i = (i + 1) % BENCH_PAIR) {
		int ret = bare_run(&pair->guest[i].vcpu);

		if (ret != KVM_EXIT_IO)
			return unexpected(ret, err, err_size);
		if (!bench_guest_returned(&pair->guest[i]))
			return 0;
	}
}

int bench_run_exits(struct bench_guests *pair, char *err, size_t err_size)
{
	for (unsigned i = 0;; i = (i + 1) % BENCH_PAIR) {
		struct bench_guest *guest = &pair->guest[i];
		struct dis_run_result result;

		kvm_vcpu_run_begin(&guest->vcpu);
		kvm_vcpu_run(&guest->vcpu, &result);
		if (result.outcome == DIS_RUN_FAIL) {
			snprintf(err, err_size, "%s", guest->vm.failure.detail);
			return -EIO;
		}
		if (!bench_guest_returned(guest))
			return 0;
	}
}

static int slice_timer_open(timer_t *timer, char *err, size_t err_size)
{
	struct sigaction action = {.sa_handler = on_slice_end};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
				 .sigev_signo = SLICE_SIGNAL};
	int ret = 0;

	event._sigev_un._tid = gettid();
	if (sigaction(SLICE_SIGNAL, &action, NULL) ||
	    timer_create(CLOCK_MONOTONIC, &event, timer)) {
		ret = -errno;
		snprintf(err, err_size, "slice timer: %s", strerror(errno));
	}
	return ret;
}

/* One dispatch that the timer ends. */
static int run_slice(timer_t timer, struct bench_guest *guest,
		     uint64_t slice_ns, char *err, size_t err_size)
{
	const struct itimerspec slice = {
		.it_value = {.tv_nsec = (long)slice_ns}};
	int ret;

	DIS_ASSERT(slice_ns < DIS_S_NS);
	running = &guest->vcpu;
	kvm_vcpu_run_begin(&guest->vcpu);
	timer_settime(timer, 0, &slice, NULL);
	/* A signal before the entry has set immediate_exit: none is lost. */
	ret = bare_run(&guest->vcpu);
	return ret == -EINTR ? 0 : unexpected(ret, err, err_size);
}

int bench_bare_slices(struct bench_guests *pair, uint64_t slice_ns, char *err,
		      size_t err_size)
{
	timer_t timer = NULL;
	bool more = true;
	int ret = slice_timer_open(&timer, err, err_size);

	if (ret)
		return ret;
	for (unsigned i = 0; more && !ret; i = (i + 1) % BENCH_PAIR) {
		struct bench_guest *guest = &pair->guest[i];

		ret = run_slice(timer, guest, slice_ns, err, err_size);
		more = bench_guest_returned(guest);
	}
	timer_delete(timer);
	return ret;
}
