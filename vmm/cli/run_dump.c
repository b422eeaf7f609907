/* SPDX-License-Identifier: Apache-2.0 */
/* Writing of the device tree; see run_dump.h. */
#include "cli/run_dump.h"

#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/output.h"

static int refuse(const char *path, int err, int status)
{
	cli_error("run", "--dump-dtb: %s: %s", path, strerror(-err));
	return status;
}

int run_dump_dtb(const struct run_session *session)
{
	const struct machine_kind *kind = &session->kind;
	const char *path = session->options.dump_dtb;
	struct output out = {0};
	int err = output_open(&out, path);

	if (err)
		return refuse(path, err, CLI_USAGE);
	err = output_commit(&out);
	if (!err && fwrite(kind->dtb, kind->dtb_bytes, 1, out.file) != 1)
		err = -EIO;
	if (!err && fflush(out.file))
		err = -errno;
	if (err) {
		output_discard(&out);
		return refuse(path, err, CLI_HOST);
	}
	err = output_close(&out);
	return err ? refuse(path, err, CLI_HOST) : CLI_DONE;
}
