/* SPDX-License-Identifier: Apache-2.0 */
/* --firmware and --firmware-log; see option_firmware.h. */
#include "option_firmware.h"

#include <errno.h>
#include <string.h>

/* Devices of an ATA channel. */
#define DISKS_MAX 2u

/* Where Debian's package `seabios` has it. */
#define FIRMWARE_DEFAULT "/usr/share/seabios/bios-256k.bin"

int set_firmware(struct option_values *v, const char *text, char *err,
		 size_t err_size)
{
	if (!*text)
		return option_refuse(err, err_size, "the file name is empty");
	return option_string(&v->out->firmware, text);
}

int set_firmware_log(struct option_values *v, const char *text, char *err,
		     size_t err_size)
{
	static const char *const words[] = {"off", "on"};
	unsigned i = v->out->firmware_log;
	int ret = option_word(text, words, 2, &i, err, err_size);

	v->out->firmware_log = i;
	return ret;
}

/* The first option given that belongs to a kernel, or NULL. */
static const char *of_kernel(const struct option_values *values)
{
	static const char *const names[] = {"initrd", "cmdline", "dtb",
					    "dtb-overlay", "dump-dtb"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (option_given(values, names[i]))
			return names[i];
	return NULL;
}

static int check_firmware(const struct option_values *values, char *err,
			  size_t err_size)
{
	const struct run_options *o = values->out;
	const char *name = of_kernel(values);

	if (o->kernel)
		return option_refuse(err, err_size,
				     "--kernel and --firmware: a guest starts "
				     "with one of them");
	if (name)
		return option_refuse(err, err_size,
				     "--%s has no effect with --firmware",
				     name);
	if (o->irqchip == RUN_IRQCHIP_KERNEL)
		return option_refuse(err, err_size,
				     "--irqchip kernel is not possible with "
				     "--firmware: the clock would not "
				     "interrupt");
	if (o->n_disks > DISKS_MAX)
		return option_refuse(err, err_size,
				     "%u disks: firmware can drive %u",
				     o->n_disks, DISKS_MAX);
	return 0;
}

int option_firmware_check(const struct option_values *values, char *err,
			  size_t err_size)
{
	struct run_options *o = values->out;

	if (!o->kernel && !o->firmware && o->n_disks && !of_kernel(values)) {
		o->firmware = strdup(FIRMWARE_DEFAULT);
		if (!o->firmware)
			return -ENOMEM;
	}
	if (o->firmware)
		return check_firmware(values, err, err_size);
	if (!o->kernel)
		return option_refuse(err, err_size,
				     "--kernel FILE is missing, or --disk FILE "
				     "to boot from");
	if (o->firmware_log)
		return option_refuse(err, err_size,
				     "--firmware-log has no effect without "
				     "--firmware");
	return 0;
}
