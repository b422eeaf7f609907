/* SPDX-License-Identifier: Apache-2.0 */
/* From the words of a verb to its request; see control.h. */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/control.h"

static void set_request(struct control_request *out, const char *method,
			const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void set_request(struct control_request *out, const char *method,
			const char *fmt, ...)
{
	va_list args;

	out->method = method;
	va_start(args, fmt);
	vsnprintf(out->path, sizeof(out->path), fmt, args);
	va_end(args);
}

/* Takes @body, which may be NULL without memory. */
static int set_body(const struct control *c, struct control_request *out,
		    json_t *body)
{
	out->body = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	if (out->body)
		return CLI_DONE;
	cli_error(c->verb, "out of memory");
	return CLI_HOST;
}

/* Names become a part of a path: what has a meaning there is none. */
static int check_name(const struct control *c, const char *name, size_t length)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

	if (length && length < 64 && strspn(name, good) >= length)
		return CLI_DONE;
	cli_error(c->verb, "'%s' is no name of a VM, nor VM/VCPU", name);
	return CLI_USAGE;
}

static int vm_request(const struct control *c, struct control_request *out,
		      const char *method, const char *what)
{
	const char *name = c->words[0];
	int status = check_name(c, name, strlen(name));

	set_request(out, method, "/vms/%s%s", name, what);
	return status;
}

int control_make_list(const struct control *c, struct control_request *out)
{
	(void)c;
	set_request(out, "GET", "/vms");
	return CLI_DONE;
}

int control_make_wait(const struct control *c, struct control_request *out)
{
	return vm_request(c, out, "GET", "/end");
}

int control_make_stop(const struct control *c, struct control_request *out)
{
	return vm_request(c, out, "POST", "/stop");
}

int control_make_kill(const struct control *c, struct control_request *out)
{
	return vm_request(c, out, "POST", "/kill");
}

int control_make_stats(const struct control *c, struct control_request *out)
{
	set_request(out, "GET", "%s", c->metrics ? "/metrics" : "/report");
	return CLI_DONE;
}

int control_make_trigger(const struct control *c, struct control_request *out)
{
	(void)c;
	set_request(out, "POST", "/pool/trigger");
	return CLI_DONE;
}

int control_make_pause(const struct control *c, struct control_request *out)
{
	set_request(out, "PATCH", "/pool");
	return set_body(c, out, json_pack("{s:s}", "preemption", "paused"));
}

int control_make_resume(const struct control *c, struct control_request *out)
{
	set_request(out, "PATCH", "/pool");
	return set_body(c, out, json_pack("{s:s}", "preemption", "running"));
}

/* "KEY=VALUE" from word @first on, as strings of one object. */
static int pairs_of(const struct control *c, int first, json_t **out)
{
	json_t *object = json_object();

	for (int i = first; i < c->n_words; i++) {
		const char *word = c->words[i], *equals = strchr(word, '=');
		char key[32];

		if (!equals || equals == word ||
		    (size_t)(equals - word) >= sizeof(key)) {
			cli_error(c->verb, "'%s' is not KEY=VALUE", word);
			json_decref(object);
			return CLI_USAGE;
		}
		snprintf(key, sizeof(key), "%.*s", (int)(equals - word), word);
		if (json_object_get(object, key) ||
		    json_object_set_new(object, key, json_string(equals + 1))) {
			cli_error(c->verb, "'%s' cannot be taken", word);
			json_decref(object);
			return CLI_USAGE;
		}
	}
	*out = object;
	return CLI_DONE;
}

static int target_of(const struct control *c, struct control_request *out)
{
	const char *target = c->words[0], *slash = strchr(target, '/');
	size_t length = slash ? (size_t)(slash - target) : strlen(target);
	int status = check_name(c, target, length);

	if (status == CLI_DONE && slash)
		status = check_name(c, slash + 1, strlen(slash + 1));
	if (!strcmp(target, "pool"))
		set_request(out, "PATCH", "/pool");
	else if (slash)
		set_request(out, "PATCH", "/vms/%.*s/vcpus/%s", (int)length,
			    target, slash + 1);
	else
		set_request(out, "PATCH", "/vms/%s", target);
	return status;
}

int control_make_set(const struct control *c, struct control_request *out)
{
	int status = target_of(c, out);
	json_t *body = NULL;

	if (status == CLI_DONE)
		status = pairs_of(c, 1, &body);
	return status == CLI_DONE ? set_body(c, out, body) : status;
}

int control_make_policy(const struct control *c, struct control_request *out)
{
	json_t *policies = NULL;
	int status = pairs_of(c, 0, &policies);

	set_request(out, "PATCH", "/pool");
	if (status != CLI_DONE)
		return status;
	return set_body(c, out, json_pack("{s:o}", "policies", policies));
}

int control_errno_status(int err)
{
	switch (-err) {
	case ENOENT:
	case ENOTDIR:
	case ECONNREFUSED:
	case ENAMETOOLONG:
	case ENOTSOCK:
	case EPROTOTYPE:
		return CLI_USAGE;
	case EACCES:
	case EPERM:
		return CLI_REFUSED;
	default:
		return CLI_HOST;
	}
}
