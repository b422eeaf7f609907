/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running pool is changed to; see ctl.h. First all of the body is read and
 * checked, then it is put into force. Who takes a key refuses by an answer, which
 * has a status then.
 */
#include <inttypes.h>
#include <string.h>

#include <dis/error.h>
#include <dis/units.h>

#include "ctl/ctl_priv.h"

#define ERR_BYTES 512
#define NUMBER_BYTES 24

/* A value of the body as text. NULL for other than a string and a whole number. */
static const char *text_of(const json_t *value, char number[NUMBER_BYTES])
{
	if (json_is_string(value))
		return json_string_value(value);
	if (!json_is_integer(value))
		return NULL;
	snprintf(number, NUMBER_BYTES, "%" JSON_INTEGER_FORMAT,
		 json_integer_value(value));
	return number;
}

/* One key of the intent. Return: 0, -DIS_EINTENT with @err. */
static int change_intent(struct dis_intent *intent, const char *key,
			 const char *text, char *err, size_t err_size)
{
	uint64_t number;

	if (!strcmp(key, "intent"))
		return dis_intent_parse(text, intent, err, err_size);
	if (!strcmp(key, "priority")) {
		if (dis_parse_uint(text, 0, 255, &number)) {
			snprintf(err, err_size,
				 "'%s' is not a number from 0 to 255", text);
			return -DIS_EINTENT;
		}
		intent->has_priority = true;
		intent->priority = (uint8_t)number;
		return 0;
	}
	if (dis_parse_list(text, DIS_CORES_MAX, &intent->affinity)) {
		snprintf(err, err_size, "'%s' is not a list of cores like 0-1",
			 text);
		return -DIS_EINTENT;
	}
	return 0;
}

int ctl_set_vcpu(struct ctl_call *call)
{
	/* In this order: the intent is all of it, the others a part. */
	static const char *const keys[] = {"intent", "priority", "cores"};
	struct dis_domain *dom = call->pool->dom;
	struct dis_vcpu *vcpu = dis_vm_vcpu(dom, call->vm, call->vcpu);
	struct dis_intent intent = dis_vcpu_intent(vcpu);
	size_t left = json_object_size(call->body);
	char err[ERR_BYTES], number[NUMBER_BYTES];
	int ret;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const json_t *value = json_object_get(call->body, keys[i]);
		const char *text = text_of(value, number);

		if (!value)
			continue;
		left--;
		if (!text)
			return ctl_refuse(call, 400,
					  "%s: not a string or whole number",
					  keys[i]);
		if (change_intent(&intent, keys[i], text, err, sizeof(err)))
			return ctl_refuse(call, 400, "%s: %s", keys[i], err);
	}
	if (left)
		return ctl_refuse(call, 400,
				  "a vCPU has intent, priority and cores only");
	ret = dis_domain_set_intent(dom, dis_vcpu_id(vcpu), &intent, err,
				    sizeof(err));
	return ret ? ctl_refuse_err(call, ret, err)
		   : ctl_answer(call, json_object());
}

/* What a request says of a VM. */
struct vm_change {
	unsigned min_permille, max_permille;
	struct machine_io_limits io;
};

static int take_share(struct ctl_call *call, const char *key, const char *text,
		      unsigned *to)
{
	uint64_t permille;

	if (dis_parse_uint(text, 0, UINT32_MAX, &permille))
		return ctl_refuse(call, 400,
				  "%s: '%s' is not a number of per mille", key,
				  text);
	*to = (unsigned)permille;
	return 0;
}

static int take_bandwidth(struct ctl_call *call, const char *key,
			  const char *text, struct machine_io_limits *io)
{
	if (!call->pool->n_disks && !call->pool->n_nets)
		return ctl_refuse(call, 501,
				  "%s: not supported: the guests have no disk "
				  "and no network",
				  key);
	if (dis_parse_size(text, &io->bandwidth))
		return ctl_refuse(call, 400,
				  "%s: '%s' is not a size like 4096, 64M or 2G",
				  key, text);
	io->has_bandwidth = true;
	return 0;
}

static int take_io_priority(struct ctl_call *call, const char *key,
			    const char *text, const char *device,
			    unsigned n_devices, int *to)
{
	uint64_t priority;

	if (!n_devices)
		return ctl_refuse(call, 501,
				  "%s: not supported: the guests have no %s",
				  key, device);
	if (dis_parse_uint(text, 0, IO_PRIORITIES - 1u, &priority))
		return ctl_refuse(call, 400,
				  "%s: '%s' is not a number from 0 to %u", key,
				  text, IO_PRIORITIES - 1u);
	*to = (int)priority;
	return 0;
}

static int take_vm_key(struct ctl_call *call, const char *key,
		       const json_t *value, struct vm_change *change)
{
	const struct ctl_pool *pool = call->pool;
	char number[NUMBER_BYTES];
	const char *text = text_of(value, number);

	if (!text)
		return ctl_refuse(call, 400, "%s: not a string or whole number",
				  key);
	if (!strcmp(key, "min"))
		return take_share(call, key, text, &change->min_permille);
	if (!strcmp(key, "max"))
		return take_share(call, key, text, &change->max_permille);
	if (!strcmp(key, "io-bandwidth"))
		return take_bandwidth(call, key, text, &change->io);
	if (!strcmp(key, "io-priority"))
		return take_io_priority(call, key, text, "disk", pool->n_disks,
					&change->io.disk_priority);
	if (!strcmp(key, "net-priority"))
		return take_io_priority(call, key, text, "network",
					pool->n_nets, &change->io.net_priority);
	return ctl_refuse(call, 400,
			  "a VM has no '%s', but min, max, io-bandwidth, "
			  "io-priority and net-priority",
			  key);
}

int ctl_set_vm(struct ctl_call *call)
{
	struct vm_change change = {
		.min_permille = call->info.min_permille,
		.max_permille = call->info.max_permille,
		.io = {.disk_priority = -1, .net_priority = -1},
	};
	char err[ERR_BYTES];
	const char *key;
	json_t *value;
	int ret = 0;

	if (call->info.ended)
		return ctl_refuse_err(call, -DIS_ESTATE,
				      dis_strerror(-DIS_ESTATE));
	json_object_foreach((json_t *)call->body, key, value) {
		ret = take_vm_key(call, key, value, &change);
		if (ret || call->reply->status)
			return ret;
	}
	/* Of threads of the host none has shares, and none of them is changed. */
	if (change.min_permille != call->info.min_permille ||
	    change.max_permille != call->info.max_permille)
		ret = dis_domain_set_shares(call->pool->dom, call->vm,
					    change.min_permille,
					    change.max_permille, err,
					    sizeof(err));
	if (ret)
		return ctl_refuse_err(call, ret, err);
	call->pool->set_io(call->pool->ctx, call->vm_index, &change.io);
	return ctl_answer(call, json_object());
}

/* What a request says of the pool; 0 and NULL: nothing. */
struct pool_change {
	uint64_t quantum_ns;
	const char *preemption;
	const char *slices;
	const char *counters;
	const struct dis_policy_ops *policy[DIS_CLASSES];
};

static int take_word(struct ctl_call *call, const char *key, const char *text,
		     const char *one, const char *other, const char **to)
{
	if (!text || (strcmp(text, one) != 0 && strcmp(text, other) != 0))
		return ctl_refuse(call, 400, "%s: neither '%s' nor '%s'", key,
				  one, other);
	*to = text;
	return 0;
}

static int take_quantum(struct ctl_call *call, const char *text,
			struct pool_change *change)
{
	if (!text || dis_parse_duration(text, &change->quantum_ns) ||
	    change->quantum_ns < DIS_QUANTUM_MIN_NS ||
	    change->quantum_ns > DIS_QUANTUM_MAX_NS)
		return ctl_refuse(call, 400,
				  "quantum: not a duration from 100us to 10s");
	return 0;
}

/* Of a module that has misbehaved: it is still there, but not to be used. */
static bool has_failed(struct dis_modules *modules, const char *name)
{
	struct dis_module_info info;

	for (unsigned i = 0; modules && dis_modules_get_info(modules, i, &info);
	     i++)
		if (info.loaded && info.failed && !strcmp(info.name, name))
			return true;
	return false;
}

static int take_policy(struct ctl_call *call, const char *klass,
		       const json_t *value, struct pool_change *change)
{
	const char *name = json_string_value(value);
	const struct dis_policy_ops *ops =
		name ? dis_modules_find(call->pool->modules, name) : NULL;

	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		if (strcmp(klass, dis_class_name((enum dis_class)k)) != 0)
			continue;
		if (!ops || !(ops->classes >> k & 1u))
			return ctl_refuse(call, 400,
					  "policies: '%s' is not a policy for "
					  "%s",
					  name ? name : "?", klass);
		if (has_failed(call->pool->modules, name))
			return ctl_refuse(call, 409,
					  "policies: the module of '%s' has "
					  "failed",
					  name);
		change->policy[k] = ops;
		return 0;
	}
	return ctl_refuse(call, 400, "policies: there is no class '%s'", klass);
}

static int take_policies(struct ctl_call *call, json_t *policies,
			 struct pool_change *change)
{
	const char *klass;
	json_t *value;
	int ret = 0;

	if (!json_is_object(policies))
		return ctl_refuse(call, 400, "policies: not an object");
	json_object_foreach(policies, klass, value) {
		ret = take_policy(call, klass, value, change);
		if (ret || call->reply->status)
			break;
	}
	return ret;
}

static int take_pool_key(struct ctl_call *call, const char *key, json_t *value,
			 struct pool_change *change)
{
	const char *text = json_string_value(value);

	if (!strcmp(key, "quantum"))
		return take_quantum(call, text, change);
	if (!strcmp(key, "preemption"))
		return take_word(call, key, text, "paused", "running",
				 &change->preemption);
	if (!strcmp(key, "slices"))
		return take_word(call, key, text, "adaptive", "fixed",
				 &change->slices);
	if (!strcmp(key, "counters"))
		return take_word(call, key, text, "on", "off",
				 &change->counters);
	if (!strcmp(key, "policies"))
		return take_policies(call, value, change);
	return ctl_refuse(call, 400,
			  "a pool has no '%s', but quantum, preemption, "
			  "slices, counters and policies",
			  key);
}

/*
 * Only policies can fail: without memory, or as a module fails in this moment. The
 * rest comes after them.
 */
static int commit_pool(struct ctl_call *call, const struct pool_change *change)
{
	struct dis_domain *dom = call->pool->dom;

	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		int err = change->policy[k]
				  ? dis_domain_set_policy(dom,
							  (enum dis_class)k,
							  change->policy[k])
				  : 0;

		if (err)
			return ctl_refuse_err(call, err, dis_strerror(err));
	}
	if (change->quantum_ns)
		dis_domain_set_default_quantum(dom, change->quantum_ns);
	if (change->preemption && !strcmp(change->preemption, "paused"))
		dis_domain_pause_preemption(dom);
	else if (change->preemption)
		dis_domain_resume_preemption(dom);
	if (change->slices)
		dis_domain_set_fixed_slices(dom,
					    !strcmp(change->slices, "fixed"));
	if (change->counters)
		dis_domain_set_counters(dom, !strcmp(change->counters, "on"));
	return ctl_answer(call, json_object());
}

int ctl_set_pool(struct ctl_call *call)
{
	struct pool_change change = {0};
	const char *key;
	json_t *value;
	int ret;

	if (call->pool->threads)
		return ctl_refuse(call, 501,
				  "not supported: the host's kernel schedules");
	json_object_foreach((json_t *)call->body, key, value) {
		ret = take_pool_key(call, key, value, &change);
		if (ret || call->reply->status)
			return ret;
	}
	return commit_pool(call, &change);
}
