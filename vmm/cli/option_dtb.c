/* SPDX-License-Identifier: Apache-2.0 */
/* --dtb, --dtb-overlay and --dump-dtb; see option_table.h. */
#include <errno.h>
#include <string.h>

#include "option_table.h"

static int set_file(char **field, const char *text, char *err, size_t err_size)
{
	if (!*text)
		return option_refuse(err, err_size, "the file name is empty");
	return option_string(field, text);
}

int option_set_dtb(struct option_values *v, const char *text, char *err,
		   size_t err_size)
{
	return set_file(&v->out->dtb, text, err, err_size);
}

int option_set_dtb_overlay(struct option_values *v, const char *text, char *err,
			   size_t err_size)
{
	struct run_options *o = v->out;
	int ret;

	if (o->n_dtb_overlays == RUN_DTB_OVERLAYS_MAX)
		return option_refuse(err, err_size, "more than %u overlays",
				     RUN_DTB_OVERLAYS_MAX);
	ret = set_file(&o->dtb_overlays[o->n_dtb_overlays], text, err, err_size);
	if (!ret)
		o->n_dtb_overlays++;
	return ret;
}

int option_set_dump_dtb(struct option_values *v, const char *text, char *err,
			size_t err_size)
{
	return set_file(&v->out->dump_dtb, text, err, err_size);
}
