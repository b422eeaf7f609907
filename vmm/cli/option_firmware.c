/* SPDX-License-Identifier: Apache-2.0 */
/* --firmware and --firmware-log; see option_firmware.h. */
#include "option_firmware.h"

/* Devices of an ATA channel. */
#define DISKS_MAX 2u

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

static int check_firmware(const struct option_values *values, char *err,
			  size_t err_size)
{
	static const char *const of_kernels[] = {"initrd", "cmdline", "dtb",
						 "dtb-overlay", "dump-dtb"};
	const struct run_options *o = values->out;

	if (o->kernel)
		return option_refuse(err, err_size,
				     "--kernel and --firmware: a guest starts "
				     "with one of them");
	for (size_t i = 0; i < sizeof(of_kernels) / sizeof(of_kernels[0]); i++)
		if (option_given(values, of_kernels[i]))
			return option_refuse(err, err_size,
					     "--%s has no effect with "
					     "--firmware",
					     of_kernels[i]);
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
	const struct run_options *o = values->out;

	if (o->firmware)
		return check_firmware(values, err, err_size);
	if (!o->kernel)
		return option_refuse(err, err_size,
				     "--kernel FILE or --firmware FILE is "
				     "missing");
	if (o->firmware_log)
		return option_refuse(err, err_size,
				     "--firmware-log has no effect without "
				     "--firmware");
	return 0;
}
