/* SPDX-License-Identifier: Apache-2.0 */
/* From a request to the one who does it; see ctl.h. */
#include "ctl/ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <dis/error.h>
#include <dis/units.h>

#include "ctl/ctl_priv.h"

#define MESSAGE_BYTES 768

static int do_stop(struct ctl_call *call);
static int do_kill(struct ctl_call *call);
static int do_trigger(struct ctl_call *call);
static int do_report(struct ctl_call *call);

/* @path: "*" is the name of a VM, "#" the number of one of its vCPUs. */
struct route {
	const char *method;
	const char *path;
	bool has_body;
	int (*handle)(struct ctl_call *call);
};

static const struct route routes[] = {
	{"GET", "/vms", false, ctl_list},
	{"GET", "/vms/*", false, ctl_show},
	{"GET", "/vms/*/end", false, ctl_show_ended},
	{"POST", "/vms/*/stop", false, do_stop},
	{"POST", "/vms/*/kill", false, do_kill},
	{"PATCH", "/vms/*", true, ctl_set_vm},
	{"PATCH", "/vms/*/vcpus/#", true, ctl_set_vcpu},
	{"PATCH", "/pool", true, ctl_set_pool},
	{"POST", "/pool/trigger", false, do_trigger},
	{"GET", "/report", false, do_report},
	{"GET", "/metrics", false, ctl_metrics},
};

int ctl_answer(struct ctl_call *call, json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_INDENT(2)) : NULL;

	json_decref(answer);
	if (!text)
		return -ENOMEM;
	*call->reply = (struct ctl_reply){
		.status = 200,
		.type = "application/json",
		.text = text,
		.size = strlen(text),
	};
	return 0;
}

int ctl_answer_written(struct ctl_call *call, const char *type,
		       int (*write)(const struct ctl_pool *pool, FILE *to))
{
	struct ctl_reply reply = {.status = 200, .type = type};
	FILE *to = open_memstream(&reply.text, &reply.size);
	int err;

	if (!to)
		return -ENOMEM;
	err = write(call->pool, to);
	if (fclose(to) || err) {
		free(reply.text);
		return -ENOMEM;
	}
	*call->reply = reply;
	return 0;
}

int ctl_refuse(struct ctl_call *call, unsigned status, const char *fmt, ...)
{
	char message[MESSAGE_BYTES];
	va_list args;
	int ret;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	/* It may quote what came: jansson takes valid UTF-8 only. */
	for (char *c = message; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	ret = ctl_answer(call, json_pack("{s:s}", "error", message));
	call->reply->status = status;
	return ret;
}

int ctl_refuse_err(struct ctl_call *call, int err, const char *message)
{
	unsigned status;

	switch (-err) {
	case DIS_ENOTFOUND:
		status = 404;
		break;
	case DIS_EINTENT:
	case DIS_ENOCPU:
		status = 400;
		break;
	case DIS_ESTATE:
		status = 409;
		break;
	case DIS_EPERMISSION:
		status = 403;
		break;
	case DIS_ENOTSUPPORTED:
		status = 501;
		break;
	case DIS_ERESOURCE:
		status = 507;
		break;
	default:
		status = 500;
		break;
	}
	/* Of what, unless it is the pool. */
	return ctl_refuse(call, status, "%s%s%s", call->info.name,
			  *call->info.name ? ": " : "", message);
}

static int end_vm(struct ctl_call *call, enum dis_state state,
		  enum dis_reason reason)
{
	int err = call->info.ended ? -DIS_ESTATE
				   : dis_vm_end(call->pool->dom, call->vm,
						state, reason);

	return err ? ctl_refuse_err(call, err, dis_strerror(err))
		   : ctl_answer(call, json_object());
}

static int do_stop(struct ctl_call *call)
{
	return end_vm(call, DIS_STATE_FINISHED, DIS_REASON_STOPPED);
}

static int do_kill(struct ctl_call *call)
{
	return end_vm(call, DIS_STATE_FAILED, DIS_REASON_KILLED);
}

static int do_trigger(struct ctl_call *call)
{
	dis_domain_trigger(call->pool->dom);
	return ctl_answer(call, json_object());
}

static int write_report(const struct ctl_pool *pool, FILE *to)
{
	return pool->report(pool->ctx, to);
}

static int do_report(struct ctl_call *call)
{
	return ctl_answer_written(call, "application/json", write_report);
}

static bool find_vm(struct ctl_call *call, const char *name, size_t length)
{
	const struct ctl_pool *pool = call->pool;

	for (unsigned i = 0; i < pool->n_vms; i++) {
		if (dis_vm_get_info(pool->dom, pool->vms[i], &call->info) ||
		    strlen(call->info.name) != length ||
		    strncmp(call->info.name, name, length) != 0)
			continue;
		call->vm = pool->vms[i];
		call->vm_index = i;
		return true;
	}
	return false;
}

static bool find_vcpu(struct ctl_call *call, const char *number, size_t length)
{
	char text[8] = "";
	uint64_t index;

	if (length >= sizeof(text))
		return false;
	memcpy(text, number, length);
	if (dis_parse_uint(text, 0, call->info.vcpus - 1u, &index))
		return false;
	call->vcpu = (unsigned)index;
	return true;
}

/* Is @path of the form @pattern? */
static bool matches(const char *pattern, const char *path)
{
	for (; *pattern && *path; pattern++) {
		if (*pattern != '*' && *pattern != '#') {
			if (*pattern != *path)
				return false;
			path++;
			continue;
		}
		if (*path == '/')
			return false;
		path += strcspn(path, "/");
	}
	return !*pattern && !*path;
}

/* What the path names; an answer, if it is not there. Return: 0 or -ENOMEM. */
static int find_named(struct ctl_call *call, const char *pattern,
		      const char *path)
{
	for (; *pattern; pattern++) {
		size_t length = strcspn(path, "/");

		if (*pattern == '*' && !find_vm(call, path, length))
			return ctl_refuse(call, 404, "there is no VM '%.*s'",
					  (int)length, path);
		if (*pattern == '#' && !find_vcpu(call, path, length))
			return ctl_refuse(call, 404,
					  "%s has no vCPU '%.*s' (it has %u)",
					  call->info.name, (int)length, path,
					  call->info.vcpus);
		path += *pattern == '*' || *pattern == '#' ? length : 1;
	}
	return 0;
}

static int handle(const struct route *route, const struct ctl_request *request,
		  struct ctl_call *call)
{
	json_error_t error;
	json_t *body = NULL;
	int ret = find_named(call, route->path, request->path);

	if (ret || call->reply->status)
		return ret;
	if (!route->has_body && request->body_size)
		return ctl_refuse(call, 400, "%s takes no body", request->path);
	if (route->has_body) {
		body = json_loadb(request->body ? request->body : "",
				  request->body_size, JSON_REJECT_DUPLICATES,
				  &error);
		if (!body)
			return ctl_refuse(call, 400, "line %d of the body: %s",
					  error.line, error.text);
	}
	if (body && !json_is_object(body)) {
		ret = ctl_refuse(call, 400, "the body is not a JSON object");
	} else {
		call->body = body;
		ret = route->handle(call);
	}
	json_decref(body);
	return ret;
}

int ctl_handle(const struct ctl_pool *pool, const struct ctl_request *request,
	       struct ctl_reply *reply)
{
	struct ctl_call call = {.pool = pool, .reply = reply};
	bool known = false;

	*reply = (struct ctl_reply){0};
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!matches(routes[i].path, request->path))
			continue;
		known = true;
		if (!strcmp(routes[i].method, request->method))
			return handle(&routes[i], request, &call);
	}
	if (known)
		return ctl_refuse(&call, 405, "%s is not for %s", request->path,
				  request->method);
	return ctl_refuse(&call, 404, "there is no '%s'", request->path);
}
