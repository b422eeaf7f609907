/* SPDX-License-Identifier: Apache-2.0 */
/* Guests that come one by one; see flock.h. */
#include "bench/flock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <x86intrin.h>

#include <dis/error.h>
#include <dis/executor.h>

#define POLL_NS 20000
#define SETTLE_NS (2 * (long)DIS_MS_NS)
#define READY_LIMIT_NS (60 * DIS_S_NS)

static const struct scene_contender contenders[] = {
	[SCENE_DIS] = {"dis", "DIS", SCENE_DIS, TUNE_NONE, false},
	[SCENE_THREADS] = {"threads", "threads", SCENE_THREADS, TUNE_NONE,
			   false},
};

void flock_watch(struct flock *f, const struct bench_options *options)
{
	bench_watch_start(options->cpus, options->n_cpus, &f->watch,
			  f->result->unwatched, sizeof(f->result->unwatched));
}

bool flock_open(struct flock *f, const struct bench_options *options)
{
	char err[SCENE_REASON_BYTES];
	int ret;

	/* A look is to be as often as it says. */
	prctl(PR_SET_TIMERSLACK, 1);
	f->scene.kernel = options->kernel;
	f->scene.cpus = options->cpus;
	f->scene.n_cpus = options->n_cpus;
	f->guest = calloc(scene_guests(&f->scene), sizeof(*f->guest));
	if (!f->guest) {
		scene_fail(f->result, SCENE_BROKEN, "out of memory");
		return false;
	}
	if (f->by == SCENE_QEMU) {
		if (qemu_find(f->qemu, sizeof(f->qemu)))
			return true;
		scene_fail(f->result, SCENE_IMPOSSIBLE,
			   QEMU_NAME " is not installed");
		return false;
	}
	f->own.scene = &f->scene;
	f->own.contender = &contenders[f->by];
	f->own.keep = f->warm ? f->scene.group[0].guests : 0;
	ret = own_open(&f->own, err, sizeof(err));
	/* All, before there is any vCPU. */
	for (unsigned g = 0; f->ahead && g < f->scene.n_groups && !ret; g++)
		ret = machine_kind_make_vms(&f->own.kind[g],
					    f->scene.group[g].guests, err,
					    sizeof(err));
	if (!ret)
		return true;
	scene_fail(f->result,
		   f->warm && ret == -ENOTSUP ? SCENE_IMPOSSIBLE : SCENE_BROKEN,
		   "%s", err);
	return false;
}

bool flock_add(struct flock *f, unsigned g)
{
	struct flock_guest *guest = &f->guest[f->n];
	char err[SCENE_REASON_BYTES];
	int ret;

	guest->stalls = bench_watch_stalls(f->watch);
	guest->asked_ns = dis_clock_ns();
	if (f->by == SCENE_QEMU) {
		ret = qemu_spawn(f->qemu, &f->scene, &f->scene.group[g],
				 &guest->qemu, &guest->view, err, sizeof(err));
	} else {
		ret = own_spawn(&f->own, g, f->of_group[g], &guest->machine,
				err, sizeof(err));
		if (!ret)
			guest->view = (struct window_guest){
				.mem = guest->machine->vm.mem.base,
				.bytes = guest->machine->vm.mem.size_bytes,
				.vcpus = f->scene.group[g].vcpus};
	}
	if (ret) {
		scene_fail(f->result, SCENE_BROKEN, "guest %u: %s", f->n + 1,
			   err);
		return false;
	}
	f->of_group[g]++;
	f->n++;
	return true;
}

static bool is_lost(struct flock *f, unsigned i)
{
	char why[SCENE_REASON_BYTES];

	if (f->by != SCENE_QEMU ||
	    qemu_runs(&f->guest[i].qemu, why, sizeof(why)))
		return false;
	f->guest[i].qemu.pid = 0;
	scene_fail(f->result, SCENE_BROKEN, "%s", why);
	return true;
}

bool flock_wait(struct flock *f, unsigned from, unsigned to,
		void (*ready)(void *ctx, unsigned i), void *ctx)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};
	uint64_t limit_ns = dis_clock_ns() + READY_LIMIT_NS;
	bool *seen = calloc(to, sizeof(*seen));
	unsigned left = to - from;

	while (seen && left) {
		for (unsigned i = from; i < to; i++) {
			if (seen[i])
				continue;
			if (!bench_window_ready(&f->guest[i].view)) {
				if (!is_lost(f, i))
					continue;
				free(seen);
				return false;
			}
			seen[i] = true;
			left--;
			if (ready)
				ready(ctx, i);
		}
		if (left && dis_clock_ns() > limit_ns) {
			scene_fail(f->result, SCENE_BROKEN,
				   "%u guests did not get ready within 60 s",
				   left);
			break;
		}
		if (left)
			nanosleep(&pause, NULL);
	}
	free(seen);
	return !left;
}

bool flock_is_stalled(const struct flock *f, unsigned i)
{
	return bench_watch_stalls(f->watch) != f->guest[i].stalls;
}

void flock_settle(void)
{
	const struct timespec pause = {.tv_nsec = SETTLE_NS};

	nanosleep(&pause, NULL);
}

void flock_end(struct flock *f, unsigned i)
{
	struct flock_guest *guest = &f->guest[i];

	if (f->by != SCENE_QEMU)
		dis_vm_end(f->own.dom, guest->machine->id, DIS_STATE_FINISHED,
			   DIS_REASON_STOPPED);
	else if (guest->qemu.pid > 0)
		qemu_end(&guest->qemu);
	guest->qemu.pid = 0;
}

bool flock_recycle(struct flock *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		int ret = own_retire(&f->own, f->guest[i].machine);

		if (ret) {
			scene_fail(f->result, SCENE_BROKEN,
				   "ending guest %u: %s", i + 1,
				   dis_strerror(ret));
			return false;
		}
	}
	memset(f->guest, 0, f->n * sizeof(*f->guest));
	memset(f->of_group, 0, sizeof(f->of_group));
	f->n = 0;
	return true;
}

void flock_close(struct flock *f)
{
	for (unsigned i = 0; i < f->n && f->by == SCENE_QEMU; i++)
		flock_end(f, i);
	if (f->watch)
		bench_watch_stop(f->watch);
}

struct disvm_guest_report flock_report(const struct flock *f, unsigned i)
{
	const struct window_guest *view = &f->guest[i].view;
	struct disvm_guest_report report;

	memcpy(&report, view->mem + view->report, sizeof(report));
	return report;
}

double flock_first_ns(const struct flock *f, unsigned i, uint64_t ready_ns)
{
	const struct disvm_guest_report report = flock_report(f, i);
	uint64_t asked_ns = f->guest[i].asked_ns, ago_ns = report.boot_ns;

	if (f->by != SCENE_QEMU) {
		const struct kvm *kvm = &f->guest[i].machine->kind->kvm;
		uint64_t ago_tsc = __rdtsc() - report.boot_tsc;

		ready_ns = dis_clock_ns();
		ago_ns = (uint64_t)((unsigned __int128)ago_tsc * kvm->tsc_ns >>
				    32);
	}
	return (double)dis_ns_sub(ready_ns, dis_ns_add(asked_ns, ago_ns));
}
