/* SPDX-License-Identifier: Apache-2.0 */
/* Debug-exit port; see debug_exit.h. */
#include "debug_exit.h"

static enum io_action debug_exit_io(void *dev, struct io_access *a)
{
	(void)dev;
	if (!a->write) {
		io_put(a, UINT32_MAX);
		return IO_NONE;
	}
	a->exit_code = (uint32_t)io_get(a);
	return IO_EXIT;
}

const struct io_dev_ops debug_exit_ops = {.io = debug_exit_io};
