/* SPDX-License-Identifier: Apache-2.0 */
/* See faulty.h. */
#include "lib/faulty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "modules/faulty.h"

void (*faulty_on_pause)(uint64_t ns);
void (*faulty_on_reenter)(void);

static void faulty_pause(uint64_t ns)
{
	faulty_on_pause(ns);
}

static void faulty_reenter(void)
{
	faulty_on_reenter();
}

FAULTY_MODULE(good, FAULTY_NOT);
FAULTY_MODULE(foreign, FAULTY_FOREIGN);
FAULTY_MODULE(wild, FAULTY_WILD);
FAULTY_MODULE(inside, FAULTY_INSIDE);
FAULTY_MODULE(twice, FAULTY_TWICE);
FAULTY_MODULE(empty, FAULTY_EMPTY);
FAULTY_MODULE(loses, FAULTY_LOSES);
FAULTY_MODULE(slow, FAULTY_SLOW);
FAULTY_MODULE(hangs, FAULTY_HANGS);
FAULTY_MODULE(reenters, FAULTY_REENTERS);
FAULTY_MODULE(other, FAULTY_NOT);

static const struct dis_policy_ops *const all_ops[FAULTY_MODULES] = {
	[FAULTY_NOT] = &good_ops,    [FAULTY_FOREIGN] = &foreign_ops,
	[FAULTY_WILD] = &wild_ops,   [FAULTY_INSIDE] = &inside_ops,
	[FAULTY_TWICE] = &twice_ops, [FAULTY_EMPTY] = &empty_ops,
	[FAULTY_LOSES] = &loses_ops, [FAULTY_SLOW] = &slow_ops,
	[FAULTY_HANGS] = &hangs_ops, [FAULTY_REENTERS] = &reenters_ops,
	[FAULTY_OTHER] = &other_ops,
};

const struct dis_policy_ops *faulty_add_one(struct dis_modules *modules,
					    enum faulty kind)
{
	const struct dis_policy_module module = {DIS_POLICY_ABI, "test",
						 all_ops[kind]};
	const struct dis_policy_ops *ops;
	char err[256];

	assert_int_equal(dis_module_add(modules, &module, "test", &ops, err,
					sizeof(err)),
			 0);
	return ops;
}

const struct dis_policy_ops *faulty_find(struct dis_modules *modules,
					 enum faulty kind)
{
	return dis_modules_find(modules, all_ops[kind]->name);
}

void faulty_add(struct dis_modules *modules,
		const struct dis_policy_ops *ops[FAULTY_MODULES])
{
	for (unsigned i = 0; i < FAULTY_MODULES; i++)
		ops[i] = all_ops[i] ? faulty_add_one(modules, (enum faulty)i)
				    : NULL;
}
