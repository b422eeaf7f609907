/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An unmodified Linux as guest of a test in a nested machine.
 *
 * Place in the flow: tests open the kind here, and boot it in a pool beside others
 * (kvm/pool.h). $DISVM_TEST_LINUX is a directory with vmlinuz and initrd, whose init is
 * linux/init.
 */
#ifndef DISVM_TEST_LINUX_GUEST_H
#define DISVM_TEST_LINUX_GUEST_H

#include "machine.h"

/**
 * One guest with @vcpus and the words @more at the end of its command line.
 *
 * @take_line: gets each line of its serial port, without its end.
 *             Context: an executor, one call at a time.
 */
void linux_kind_open(struct machine_kind *kind, unsigned vcpus,
		     const char *more, void (*take_line)(const char *line));

#endif
