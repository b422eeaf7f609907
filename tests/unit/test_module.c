/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of policy modules: what is refused, and when (R: DIS-16). */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <dis/error.h>

#include "lib/build_dir.h"
#include "lib/faulty.h"
#include "lib/world.h"
#include "sched/core.h"

static struct dis_modules *modules;
static char err[512];
static struct dis_policy_ops ops; /* of the module that a test changes */
static struct dis_policy_module module;

static void init(void *queue)
{
	(void)queue;
}

static void enqueue(void *queue, struct dis_entity *e, enum dis_enqueue why,
		    uint64_t now_ns)
{
	(void)queue;
	(void)e;
	(void)why;
	(void)now_ns;
}

static void dequeue(void *queue, struct dis_entity *e, enum dis_leave why,
		    uint64_t now_ns)
{
	(void)queue;
	(void)e;
	(void)why;
	(void)now_ns;
}

static struct dis_entity *pick(void *queue, uint64_t now_ns)
{
	(void)queue;
	(void)now_ns;
	return NULL;
}

static int set_up(void **state)
{
	(void)state;
	ops = (struct dis_policy_ops){
		.abi = DIS_POLICY_ABI,
		.name = "mine",
		.queue_bytes = 8,
		.classes = 1u << DIS_CLASS_BATCH,
		.choice = DIS_CHOICE_TURN,
		.init = init,
		.enqueue = enqueue,
		.dequeue = dequeue,
		.pick = pick,
	};
	module = (struct dis_policy_module){DIS_POLICY_ABI, "1.0", &ops};
	return dis_modules_create(&modules);
}

static int tear_down(void **state)
{
	(void)state;
	dis_modules_destroy(modules);
	return 0;
}

static int add(void)
{
	const struct dis_policy_ops *out;

	return dis_module_add(modules, &module, "m.so", &out, err, sizeof(err));
}

/* One line, nothing entered. */
static void refused(int code, const char *line)
{
	struct dis_module_info info;
	unsigned before = 0, after = 0;

	while (dis_modules_get_info(modules, before, &info))
		before++;
	assert_int_equal(add(), code);
	assert_string_equal(err, line);
	while (dis_modules_get_info(modules, after, &info))
		after++;
	assert_int_equal(before, after);
}

static void test_module_right_one_is_entered(void **state)
{
	struct dis_module_info info;

	(void)state;
	assert_int_equal(add(), 0);
	assert_true(dis_modules_get_info(modules, 0, &info));
	assert_string_equal(info.name, "mine");
	assert_string_equal(info.version, "1.0");
	assert_string_equal(info.path, "m.so");
	assert_int_equal(info.classes, 1u << DIS_CLASS_BATCH);
	assert_true(info.loaded);
	assert_false(info.failed);
	assert_int_equal(info.queues, 0);
	assert_non_null(dis_modules_find(modules, "mine"));
	assert_ptr_equal(dis_modules_find(modules, "rr"), dis_policies[0]);
	assert_null(dis_modules_find(modules, "yours"));
}

static void test_module_other_abi_is_refused(void **state)
{
	(void)state;
	module.abi = DIS_POLICY_ABI + 6u;
	/* Nothing else of it may be read. */
	module.ops = (const struct dis_policy_ops *)16;
	module.version = (const char *)16;
	refused(-EINVAL, "m.so: made for policy ABI 8, this is ABI 2");
	module = (struct dis_policy_module){DIS_POLICY_ABI, "1.0", &ops};
	ops.abi = 0;
	refused(-EINVAL, "m.so: ops: made for policy ABI 0, this is ABI 2");
}

static void test_module_bad_version_is_refused(void **state)
{
	static const char *const bad[] = {NULL, "", "1\n2",
					  "12345678901234567890123456789012"};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		module.version = bad[i];
		refused(-EINVAL, "m.so: version is missing, not printable or "
				 "longer than 31 characters");
	}
}

static void test_module_bad_name_is_refused(void **state)
{
	static const char *const bad[] = {NULL, "", "Mine", "a b",
					  "12345678901234567890123456789012"};

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		ops.name = bad[i];
		refused(-EINVAL, "m.so: name is missing, longer than 31 "
				 "characters or not of a-z, 0-9, '-' and '_'");
	}
}

static void test_module_missing_operations_are_refused(void **state)
{
	(void)state;
	module.ops = NULL;
	refused(-EINVAL, "m.so: ops is missing");
	module.ops = &ops;
	ops.pick = NULL;
	refused(-EINVAL, "m.so: operation pick is missing");
	ops.dequeue = NULL;
	refused(-EINVAL, "m.so: operation dequeue is missing");
	ops.enqueue = NULL;
	refused(-EINVAL, "m.so: operation enqueue is missing");
	ops.init = NULL;
	refused(-EINVAL, "m.so: operation init is missing");
}

static void test_module_bad_classes_are_refused(void **state)
{
	(void)state;
	ops.classes = 0;
	refused(-EINVAL, "m.so: classes 0x0 are not some of 0x1f");
	ops.classes = 1u << DIS_CLASSES;
	refused(-EINVAL, "m.so: classes 0x20 are not some of 0x1f");
}

static void test_module_bad_choice_is_refused(void **state)
{
	(void)state;
	ops.choice = DIS_CHOICE_CLASS;
	refused(-EINVAL, "m.so: choice 5 is not from 6 to 10");
	ops.choice = DIS_CHOICE_HANDOFF;
	refused(-EINVAL, "m.so: choice 11 is not from 6 to 10");
}

static void test_module_huge_queue_is_refused(void **state)
{
	(void)state;
	ops.queue_bytes = DIS_POLICY_QUEUE_BYTES_MAX + 1u;
	refused(-EINVAL, "m.so: queue_bytes 1048577 is more than 1048576");
	ops.queue_bytes = DIS_POLICY_QUEUE_BYTES_MAX;
	assert_int_equal(add(), 0);
}

static void test_module_name_that_is_there_is_refused(void **state)
{
	(void)state;
	ops.name = "fair";
	refused(-DIS_EEXISTS, "m.so: there is a policy 'fair' already");
	ops.name = "mine";
	assert_int_equal(add(), 0);
	refused(-DIS_EEXISTS, "m.so: there is a policy 'mine' already");
}

/* What it changes after the check has no effect. */
static void test_module_changed_after_load_is_a_copy(void **state)
{
	const struct dis_policy_ops *mine;

	(void)state;
	assert_int_equal(add(), 0);
	mine = dis_modules_find(modules, "mine");
	ops.pick = NULL;
	ops.name = "yours";
	ops.queue_bytes = SIZE_MAX;
	assert_ptr_equal(mine->pick, pick);
	assert_string_equal(mine->name, "mine");
	assert_int_equal(mine->queue_bytes, 8);
}

static const char *file(const char *name)
{
	static char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/tests/modules/%s.so", build_dir(),
		 name);
	return path;
}

static void load_refused(const char *path, int code, const char *why)
{
	const struct dis_policy_ops *out;
	struct dis_module_info info;
	char line[PATH_MAX + 256];

	assert_int_equal(dis_module_load(modules, path, &out, err, sizeof(err)),
			 code);
	snprintf(line, sizeof(line), "%s: %s", path, why);
	assert_string_equal(err, line);
	assert_false(dis_modules_get_info(modules, 0, &info));
}

static void test_module_file_that_is_none_is_refused(void **state)
{
	(void)state;
	load_refused(file("absent"), -ENOENT, "No such file or directory");
	load_refused("/", -EINVAL, "not a regular file");
	load_refused("/dev/null", -EINVAL, "not a regular file");
}

static void test_module_file_of_text_is_refused(void **state)
{
	const struct dis_policy_ops *out;

	(void)state;
	assert_int_equal(dis_module_load(modules, "/etc/passwd", &out, err,
					 sizeof(err)),
			 -EINVAL);
	assert_ptr_equal(strstr(err, "/etc/passwd: "), err);
	assert_null(strchr(err, '\n'));
}

static void test_module_file_without_symbol_is_refused(void **state)
{
	(void)state;
	load_refused(file("no_symbol"), -EINVAL,
		     "no policy module: the symbol 'dis_policy_module' is "
		     "missing");
}

static void test_module_file_of_other_abi_is_refused(void **state)
{
	(void)state;
	load_refused(file("wrong_abi"), -EINVAL,
		     "made for policy ABI 3, this is ABI 2");
}

static void test_module_file_without_operations_is_refused(void **state)
{
	(void)state;
	load_refused(file("no_pick"), -EINVAL, "operation init is missing");
}

/* The scheduler exports nothing: a file that wants to call it does not load. */
static void test_module_file_that_calls_the_scheduler_is_refused(void **state)
{
	const struct dis_policy_ops *out;

	(void)state;
	assert_int_equal(dis_module_load(modules, file("undefined"), &out, err,
					 sizeof(err)),
			 -EINVAL);
	assert_non_null(strstr(err, "dis_vcpu_wake"));
	assert_null(strchr(err, '\n'));
}

static struct world *open_world(void)
{
	struct dis_domain_config cfg = world_config(2);

	cfg.modules = modules;
	return world_open(&cfg, 0);
}

static int unload(struct world *w, const char *name)
{
	return dis_domain_unload_module(w->dom, name, err, sizeof(err));
}

/* R: DIS-16: active, then kept to return to, then gone, then there again. */
static void test_module_in_use_is_not_unloaded(void **state)
{
	const struct dis_policy_ops *slow, *out;
	struct world *w = open_world();
	struct dis_module_info info;

	(void)state;
	assert_int_equal(dis_module_load(modules, file("slow"), &slow, err,
					 sizeof(err)),
			 0);
	assert_int_equal(add(), 0);
	assert_int_equal(dis_domain_set_policy(w->dom, DIS_CLASS_BATCH, slow),
			 0);
	assert_int_equal(unload(w, "slow"), -DIS_ESTATE);
	assert_string_equal(err, "slow: serves a class, or is kept to return "
				 "to");
	world_settle(w);
	assert_int_equal(unload(w, "slow"), -DIS_ESTATE);
	assert_int_equal(
		dis_domain_set_policy(w->dom, DIS_CLASS_BATCH,
				      dis_modules_find(modules, "mine")),
		0);
	world_settle(w);
	assert_int_equal(unload(w, "slow"), -DIS_ESTATE);
	assert_int_equal(dis_domain_set_policy(w->dom, DIS_CLASS_BATCH,
					       dis_policies[0]),
			 0);
	assert_int_equal(dis_domain_set_policy(w->dom, DIS_CLASS_BATCH,
					       dis_policies[1]),
			 0);
	assert_int_equal(unload(w, "slow"), -EAGAIN);
	assert_string_equal(err, "slow: a core has not let go of it yet");
	world_settle(w);
	assert_int_equal(unload(w, "slow"), 0);
	assert_null(dis_modules_find(modules, "slow"));
	assert_int_equal(unload(w, "slow"), -DIS_ENOTFOUND);
	assert_true(dis_modules_get_info(modules, 0, &info));
	assert_false(info.loaded);
	assert_int_equal(dis_domain_set_policy(w->dom, DIS_CLASS_BATCH, slow),
			 -DIS_ESTATE);
	assert_int_equal(dis_module_load(modules, file("slow"), &out, err,
					 sizeof(err)),
			 0);
	assert_int_equal(dis_domain_set_policy(w->dom, DIS_CLASS_BATCH, out), 0);
	world_close(w);
}

static void test_module_without_registry_is_unknown(void **state)
{
	struct world *w = world_open_cores(1);

	(void)state;
	assert_int_equal(unload(w, "mine"), -DIS_ENOTFOUND);
	assert_string_equal(err, "mine: no such policy module");
	world_close(w);
}

/* The configuration is for what cannot fail. */
static void test_module_in_domain_configuration_is_refused(void **state)
{
	struct dis_domain_config cfg;
	struct world *w = open_world();
	struct dis_domain *dom;

	(void)state;
	assert_int_equal(add(), 0);
	cfg = w->dom->cfg;
	assert_int_equal(dis_domain_create(&cfg, &dom), 0);
	dis_domain_destroy(dom);
	cfg.policy[DIS_CLASS_BATCH] = dis_modules_find(modules, "mine");
	assert_int_equal(dis_domain_create(&cfg, &dom), -EINVAL);
	world_close(w);
}

static void test_module_class_that_it_does_not_serve_is_refused(void **state)
{
	struct world *w = open_world();

	(void)state;
	assert_int_equal(add(), 0);
	assert_int_equal(
		dis_domain_set_policy(w->dom, DIS_CLASS_SYSTEM,
				      dis_modules_find(modules, "mine")),
		-DIS_ENOTSUPPORTED);
	world_close(w);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_module_right_one_is_entered),
		CASE(test_module_other_abi_is_refused),
		CASE(test_module_bad_version_is_refused),
		CASE(test_module_bad_name_is_refused),
		CASE(test_module_missing_operations_are_refused),
		CASE(test_module_bad_classes_are_refused),
		CASE(test_module_bad_choice_is_refused),
		CASE(test_module_huge_queue_is_refused),
		CASE(test_module_name_that_is_there_is_refused),
		CASE(test_module_changed_after_load_is_a_copy),
		CASE(test_module_file_that_is_none_is_refused),
		CASE(test_module_file_of_text_is_refused),
		CASE(test_module_file_without_symbol_is_refused),
		CASE(test_module_file_of_other_abi_is_refused),
		CASE(test_module_file_without_operations_is_refused),
		CASE(test_module_file_that_calls_the_scheduler_is_refused),
		CASE(test_module_in_use_is_not_unloaded),
		CASE(test_module_without_registry_is_unknown),
		CASE(test_module_in_domain_configuration_is_refused),
		CASE(test_module_class_that_it_does_not_serve_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
