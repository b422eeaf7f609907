/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the control interface: the input is method, path and body, a line
 * each, of a pool with two VMs. Each is answered, what is refused has a reason, and
 * the scheduler's invariants hold.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "ctl/ctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void no_run(void *vcpu, struct dis_run_result *result)
{
	(void)vcpu;
	(void)result;
}

static void no_signal(void *vcpu)
{
	(void)vcpu;
}

static void no_end(void *vm, enum dis_state state, enum dis_reason reason)
{
	(void)vm;
	(void)state;
	(void)reason;
}

static void no_kick(void *host, unsigned core)
{
	(void)host;
	(void)core;
}

static const struct dis_run_ops run_ops = {
	.run_begin = no_signal,
	.run = no_run,
	.run_interrupt = no_signal,
	.ended = no_end,
};

static const struct dis_host_ops host_ops = {.kick = no_kick, .ring = no_kick};

static void set_io(void *ctx, unsigned vm,
		   const struct machine_io_limits *limits)
{
	(void)ctx;
	check(vm < 2);
	check(limits->disk_priority < (int)IO_PRIORITIES);
	check(limits->net_priority < (int)IO_PRIORITIES);
}

static int write_report(void *ctx, FILE *to)
{
	(void)ctx;
	fputs("{}", to);
	return 0;
}

static dis_id spawn(struct dis_domain *dom, const char *name)
{
	const struct dis_intent intents[2] = {dis_intent_default(),
					      dis_intent_default()};
	const struct dis_vm_spec spec = {
		.name = name, .vcpus = 2, .mem_bytes = 4096, .intents = intents};
	char err[256];
	dis_id id;

	check(!dis_vm_spawn(dom, &spec, 1, &id, err, sizeof(err)));
	check(!dis_vm_start(dom, id));
	return id;
}

static void step_all(struct dis_domain *dom, uint64_t now_ns)
{
	for (unsigned i = 0; i < 2; i++)
		dis_core_step(dis_domain_core(dom, i), now_ns, DIS_NEVER_NS,
			      NULL);
}

static void check_reply(const struct ctl_reply *reply)
{
	json_t *root;

	if (reply->wait_for != DIS_ID_NONE) {
		check(!reply->text);
		return;
	}
	check(reply->text && reply->size == strlen(reply->text));
	if (reply->status == 200)
		return;
	root = json_loads(reply->text, 0, NULL);
	check(json_string_length(json_object_get(root, "error")) > 0);
	json_decref(root);
}

static void ask(const struct ctl_pool *pool, char *text, size_t size)
{
	char *path = memchr(text, '\n', size), *body;
	struct ctl_request request = {.method = text};
	struct ctl_reply reply;

	if (!path)
		return;
	*path++ = '\0';
	body = memchr(path, '\n', size - (size_t)(path - text));
	if (body) {
		*body++ = '\0';
		request.body_size = size - (size_t)(body - text);
		request.body = body;
	}
	request.path = path;
	check(!ctl_handle(pool, &request, &reply));
	check_reply(&reply);
	free(reply.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dis_domain_config cfg;
	struct dis_domain *dom;
	struct ctl_pool pool = {.n_vms = 2,
				.n_disks = 1,
				.n_nets = 1,
				.set_io = set_io,
				.report = write_report};
	dis_id ids[2];
	char *text = malloc(size + 1);

	check(text);
	memcpy(text, data, size);
	text[size] = '\0';
	dis_domain_config_init(&cfg);
	cfg.cores = cfg.vms_max = 2;
	cfg.vcpus_max = 4;
	cfg.ops = &run_ops;
	cfg.host_ops = &host_ops;
	check(!dis_domain_create(&cfg, &dom));
	for (unsigned i = 0; i < 2; i++)
		dis_core_start(dis_domain_core(dom, i), 1);
	ids[0] = spawn(dom, "vm0");
	ids[1] = spawn(dom, "vm1");
	pool.dom = dom;
	pool.vms = ids;
	step_all(dom, 2);
	ask(&pool, text, size);
	step_all(dom, 3);
	dis_domain_check(dom);
	dis_domain_destroy(dom);
	free(text);
	return 0;
}
