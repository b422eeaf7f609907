/* SPDX-License-Identifier: Apache-2.0 */
/* --confine; see run_confine.h. */
#include "cli/run_confine.h"

#include "cli/cli.h"
#include "cli/run_session.h"

#define ERR_BYTES 128

/* What the host does not permit counts only for who asked for all. */
static int answer(const struct run_session *s, int ret, const char *err)
{
	if (!ret || s->options.confine != RUN_CONFINE_FULL)
		return CLI_DONE;
	cli_error("run", "--confine full: %s", err);
	return CLI_HOST;
}

int run_confine_namespaces(struct run_session *s)
{
	char err[ERR_BYTES];

	if (s->options.confine == RUN_CONFINE_OFF)
		return CLI_DONE;
	return answer(s, confine_namespaces(&s->confine, err, sizeof(err)), err);
}

int run_confine_enter(struct run_session *s)
{
	char err[ERR_BYTES];

	if (s->options.confine == RUN_CONFINE_OFF)
		return CLI_DONE;
	return answer(s, confine_enter(&s->confine, err, sizeof(err)), err);
}

/* Every host can do this: one that does not is a surprise, and not passed over. */
int run_confine_calls(struct run_session *s)
{
	char err[ERR_BYTES];

	if (s->options.confine == RUN_CONFINE_OFF ||
	    !confine_calls(&s->confine, err, sizeof(err)))
		return CLI_DONE;
	cli_error("run", "%s (--confine off does without)", err);
	return CLI_HOST;
}
