/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the control interface share; see ctl.h. */
#ifndef DISVM_CTL_PRIV_H
#define DISVM_CTL_PRIV_H

#include <jansson.h>

#include "ctl/ctl.h"

/*
 * One request on its way.
 *
 * @vm, @vm_index, @info, @vcpu: what its path names, if it does; @vcpu is below
 *        info.vcpus.
 * @body: a JSON object; NULL where none is asked for.
 */
struct ctl_call {
	const struct ctl_pool *pool;
	struct ctl_reply *reply;
	dis_id vm;
	unsigned vm_index; /* in the pool */
	struct dis_vm_info info;
	unsigned vcpu;
	const json_t *body;
};

/* One line to whoever asks. Return: 0, as there is an answer; -ENOMEM. */
int ctl_refuse(struct ctl_call *call, unsigned status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for @err, one of the scheduler's errors, with its status. */
int ctl_refuse_err(struct ctl_call *call, int err, const char *message);

/* Takes @answer, which may be NULL without memory. Return: 0, -ENOMEM. */
int ctl_answer(struct ctl_call *call, json_t *answer);

/* What @write writes, of type @type. Return: 0, -ENOMEM. */
int ctl_answer_written(struct ctl_call *call, const char *type,
		       int (*write)(const struct ctl_pool *pool, FILE *to));

/* ctl_state.c: what there is. */
int ctl_list(struct ctl_call *call);
int ctl_show(struct ctl_call *call);
int ctl_show_ended(struct ctl_call *call);

/* ctl_metrics.c, for Prometheus. */
int ctl_metrics(struct ctl_call *call);

/* ctl_set.c: what is changed. */
int ctl_set_vcpu(struct ctl_call *call);
int ctl_set_vm(struct ctl_call *call);
int ctl_set_pool(struct ctl_call *call);

#endif
