/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The control interface: what other processes may ask of a running pool (R:
 * DIS-17, DIS-10, PRE-2), as HTTP requests and JSON.
 *
 *   GET   /vms                     all VMs, and their vCPUs
 *   GET   /vms/NAME                one of them
 *   GET   /vms/NAME/end            the same, once it has ended (join)
 *   POST  /vms/NAME/stop           ends as Finished
 *   POST  /vms/NAME/kill           ends as Failed
 *   PATCH /vms/NAME                {"min", "max"}: shares, per mille of a core;
 *                                  {"io-bandwidth", "io-priority",
 *                                   "net-priority"}
 *   PATCH /vms/NAME/vcpus/N        {"intent", "priority", "cores"}
 *   PATCH /pool                    {"quantum", "preemption", "slices",
 *                                   "counters", "policies": {CLASS: NAME}}
 *   POST  /pool/trigger            each core decides anew
 *   GET   /report                  the report of the run so far
 *   GET   /metrics                 text for Prometheus
 *
 * Values are those of the command line's options, as strings; whole numbers may
 * be numbers. What is not of this form is refused and changes nothing; one
 * request is done whole or not at all, but for several policies when memory runs out
 * or a module fails in this very moment.
 *
 * Place in the flow: server.c brings requests from the socket; here they become
 * calls of the scheduler's interface. Nothing here knows of sockets.
 * Locking: none; the thread that owns the pool's VMs.
 */
#ifndef DISVM_CTL_H
#define DISVM_CTL_H

#include <dis/domain.h>
#include <dis/module.h>

#include <stdio.h>

#include "machine_io.h"

#define CTL_VMS_SCHEMA "disvm.vms/1"
/** Longest body of a request. */
#define CTL_BODY_MAX 65536u

/**
 * What is controlled.
 *
 * @modules: policies beside those of this build; may be NULL.
 * @threads: the host's kernel schedules; there is no policy to set.
 * @vms:     IDs of the @n_vms that are there, until all have ended.
 * @n_disks, @n_nets: that each VM has.
 * @set_io:  changes limits of @vms[vm], which has what they are for.
 * @report:  writes the report of the run so far. Return: 0 or -errno.
 */
struct ctl_pool {
	struct dis_domain *dom;
	struct dis_modules *modules;
	bool threads;
	const dis_id *vms;
	unsigned n_vms;
	unsigned n_disks, n_nets;
	void (*set_io)(void *ctx, unsigned vm,
		       const struct machine_io_limits *limits);
	int (*report)(void *ctx, FILE *to);
	void *ctx;
};

/** @body: NULL without; @method, @path: as they came. */
struct ctl_request {
	const char *method;
	const char *path;
	const char *body;
	size_t body_size;
};

/**
 * @status: of HTTP: 200; 400, 404, 405 for what cannot be meant; 403, 409, 501 and
 *          507 for what is refused; 500.
 * @type:   of @text, which belongs to the caller: free().
 * @wait_for: not DIS_ID_NONE: there is no answer before this VM has ended; ask
 *          again then. Nothing else is set.
 */
struct ctl_reply {
	unsigned status;
	const char *type;
	char *text;
	size_t size;
	dis_id wait_for;
};

/** ctl_handle - do what is asked for. Return: 0, or -ENOMEM without any answer. */
int ctl_handle(const struct ctl_pool *pool, const struct ctl_request *request,
	       struct ctl_reply *reply);

#endif
