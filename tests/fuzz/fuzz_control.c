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

#include <dis/sim.h>
#include <jansson.h>

#include "ctl/ctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* Each computes for ever. */
static void burst_over(struct dis_sim *sim, struct dis_sim_vcpu *vcpu,
		       struct dis_run_result *result)
{
	(void)sim;
	(void)result;
	vcpu->left_ns = DIS_NEVER_NS;
}

static void ended(void *vm, enum dis_state state, enum dis_reason reason)
{
	(void)vm;
	(void)reason;
	check(state == DIS_STATE_FINISHED || state == DIS_STATE_FAILED);
}

static const struct dis_sim_ops sim_ops = {.burst_over = burst_over,
					   .ended = ended};

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

static dis_id spawn(struct dis_domain *dom, const char *name,
		    struct dis_sim_vcpu *vcpus)
{
	const struct dis_intent intents[2] = {dis_intent_default(),
					      dis_intent_default()};
	const struct dis_vm_spec spec = {
		.name = name, .vcpus = 2, .mem_bytes = 4096, .intents = intents};
	void *const args[2] = {&vcpus[0], &vcpus[1]};
	char err[256];
	dis_id id;

	vcpus[0] = vcpus[1] = (struct dis_sim_vcpu){.left_ns = DIS_NEVER_NS,
						    .timer_ns = DIS_NEVER_NS};
	check(!dis_vm_spawn(dom, &spec, 1, &id, err, sizeof(err)));
	check(!dis_vm_bind(dom, id, NULL, args));
	check(!dis_vm_start(dom, id));
	return id;
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
	struct dis_sim_vcpu vcpus[4];
	struct dis_domain_config cfg;
	uint64_t now_ns = 0;
	struct dis_sim sim;
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
	check(!dis_sim_open(&sim, &cfg, &sim_ops, NULL, &now_ns));
	ids[0] = spawn(sim.dom, "vm0", &vcpus[0]);
	ids[1] = spawn(sim.dom, "vm1", &vcpus[2]);
	pool.dom = sim.dom;
	pool.vms = ids;
	dis_sim_run_until(&sim, 12 * DIS_MS_NS);
	ask(&pool, text, size);
	dis_sim_run_until(&sim, 40 * DIS_MS_NS);
	dis_domain_check(sim.dom);
	dis_domain_destroy(sim.dom);
	free(text);
	return 0;
}
