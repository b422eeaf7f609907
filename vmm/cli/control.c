/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs that speak to a running disvm by its control socket: each makes one
 * request of its words (control_words.c) and shows the answer.
 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dis/intent.h>

#include "cli/cli.h"
#include "cli/control.h"
#include "ctl/client.h"

#define ERR_BYTES 1024
/* Each verb but wait has its answer soon, if anybody is there. */
#define ANSWER_S 60u

/*
 * @words: as its usage names them; @least, @most: how many.
 * @show: what stands in the answer; NULL: nothing that is shown.
 */
struct control_verb {
	const char *name;
	const char *words;
	const char *summary;
	int least, most;
	int (*make)(const struct control *c, struct control_request *out);
	int (*show)(const struct control *c, const struct ctl_answer *answer);
};

static int show_text(const struct control *c, const struct ctl_answer *answer);
static int show_list(const struct control *c, const struct ctl_answer *answer);
static int show_end(const struct control *c, const struct ctl_answer *answer);

static const struct control_verb verbs[] = {
	{"ls", "", "List VMs and vCPUs.", 0, 0, control_make_list, show_list},
	{"wait", "VM", "Wait until the VM has ended, say how.", 1, 1,
	 control_make_wait, show_end},
	{"stop", "VM", "End the VM, as finished.", 1, 1, control_make_stop,
	 NULL},
	{"kill", "VM", "End the VM, as failed.", 1, 1, control_make_kill, NULL},
	{"set", "VM/VCPU|VM|pool KEY=VALUE...",
	 "Change what is running: of a vCPU intent, priority, cores; of a VM "
	 "min, max,\nio-bandwidth, io-priority, net-priority; of the pool "
	 "quantum, preemption,\nslices, counters.",
	 2, CONTROL_WORDS_MAX, control_make_set, NULL},
	{"policy", "CLASS=NAME...", "Change the order within classes.", 1,
	 CONTROL_WORDS_MAX, control_make_policy, NULL},
	{"pause", "", "From now on nobody is taken off its core.", 0, 0,
	 control_make_pause, NULL},
	{"resume", "", "End a pause.", 0, 0, control_make_resume, NULL},
	{"trigger", "", "Have each core decide anew.", 0, 0,
	 control_make_trigger, NULL},
	{"stats", "", "Print the report of the run so far, as JSON.", 0, 0,
	 control_make_stats, show_text},
};

static const struct option options[] = {
	{"control", required_argument, NULL, 'c'},
	{"json", no_argument, NULL, 'j'},
	{"metrics", no_argument, NULL, 'm'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void write_help(const struct control_verb *verb)
{
	printf("usage: disvm %s --control SOCKET%s%s\n\n%s\n\n", verb->name,
	       *verb->words ? " " : "", verb->words, verb->summary);
	printf("  --control SOCKET     that disvm run --control listens at; "
	       "required\n");
	if (verb->show == show_list)
		printf("  --json               the answer as it comes\n");
	if (verb->show == show_text)
		printf("  --metrics            figures for Prometheus\n");
	printf("  --help               show this text\n\n"
	       "See disvm-control(1).\n");
}

/* Is @word, "--NAME" or "--NAME=...", an option of @verb in full? */
static bool is_option(const struct control_verb *verb, const char *word)
{
	for (const struct option *o = options; o->name; o++) {
		size_t length = strlen(o->name);

		if (strncmp(word + 2, o->name, length) != 0 ||
		    (word[2 + length] && word[2 + length] != '='))
			continue;
		return (o->val != 'j' || verb->show == show_list) &&
		       (o->val != 'm' || verb->show == show_text);
	}
	return false;
}

static int unknown(const struct control_verb *verb, const char *word)
{
	cli_error(verb->name, "unknown option '%s' (see disvm %s --help)", word,
		  verb->name);
	return CLI_USAGE;
}

static int parse_options(int argc, char **argv, const struct control_verb *verb,
			 struct control *c)
{
	int code;

	/* getopt would take abbreviations, which a new option makes ambiguous. */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strncmp(argv[i], "--", 2) && !is_option(verb, argv[i]))
			return unknown(verb, argv[i]);
	optind = 0;
	opterr = 0;
	while ((code = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		switch (code) {
		case 'c':
			c->socket = optarg;
			break;
		case 'j':
			c->json = true;
			break;
		case 'm':
			c->metrics = true;
			break;
		case 'h':
			c->help = true;
			return CLI_DONE;
		case ':':
			cli_error(verb->name, "%s needs an argument",
				  argv[optind - 1]);
			return CLI_USAGE;
		default:
			return unknown(verb, argv[optind - 1]);
		}
	}
	c->words = argv + optind;
	c->n_words = argc - optind;
	return CLI_DONE;
}

static int check_words(const struct control_verb *verb, const struct control *c)
{
	if (!c->socket)
		cli_error(verb->name, "--control SOCKET is missing");
	else if (!*c->socket)
		cli_error(verb->name, "--control: the file name is empty");
	else if (c->n_words > verb->most)
		cli_error(verb->name, "unexpected argument '%s'",
			  c->words[verb->most]);
	else if (c->n_words < verb->least)
		cli_error(verb->name, "what to do is missing: %s", verb->words);
	else
		return CLI_DONE;
	return CLI_USAGE;
}

static int show_text(const struct control *c, const struct ctl_answer *answer)
{
	(void)c;
	fwrite(answer->text, 1, answer->size, stdout);
	return CLI_DONE;
}

/* A string of @object as plain text; "-" for other things. */
static const char *text_in(const json_t *object, const char *key, char *buf,
			   size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));

	cli_printable(buf, size, text ? text : "-", size);
	return buf;
}

static double seconds_in(const json_t *object, const char *key)
{
	return (double)json_integer_value(json_object_get(object, key)) / 1e9;
}

static void write_vcpu(const char *vm, const json_t *vcpu)
{
	char label[96], intent[DIS_INTENT_TEXT_MAX], state[16], reason[24];

	snprintf(label, sizeof(label), "%s/%d", vm,
		 (int)json_integer_value(json_object_get(vcpu, "vcpu")));
	printf("%-12s %-10s %-12s %9.3f %9.3f  %s\n", label,
	       text_in(vcpu, "state", state, sizeof(state)),
	       text_in(vcpu, "reason", reason, sizeof(reason)),
	       seconds_in(vcpu, "cpu_ns"), seconds_in(vcpu, "wait_ns"),
	       text_in(vcpu, "intent", intent, sizeof(intent)));
}

static int show_list(const struct control *c, const struct ctl_answer *answer)
{
	json_t *root, *vm, *vcpu;
	size_t i, k;

	if (c->json)
		return show_text(c, answer);
	root = json_loadb(answer->text, answer->size, 0, NULL);
	if (!root) {
		cli_error("ls", "%s: no JSON", c->socket);
		return CLI_HOST;
	}
	printf("%-12s %-10s %-12s %9s %9s  %s\n", "vm/vcpu", "state", "reason",
	       "CPU s", "wait s", "intent");
	json_array_foreach(json_object_get(root, "vms"), i, vm) {
		char name[64];

		text_in(vm, "name", name, sizeof(name));
		json_array_foreach(json_object_get(vm, "vcpus"), k, vcpu) {
			write_vcpu(name, vcpu);
		}
	}
	json_decref(root);
	return CLI_DONE;
}

static int show_end(const struct control *c, const struct ctl_answer *answer)
{
	json_t *vm = json_loadb(answer->text, answer->size, 0, NULL);
	char name[64], state[16], reason[24];
	bool failed;

	if (!vm) {
		cli_error("wait", "%s: no JSON", c->socket);
		return CLI_HOST;
	}
	printf("%s: %s (%s)\n", text_in(vm, "name", name, sizeof(name)),
	       text_in(vm, "state", state, sizeof(state)),
	       text_in(vm, "reason", reason, sizeof(reason)));
	failed = !strcmp(state, "failed");
	json_decref(vm);
	return failed ? CLI_GUEST_FAILED : CLI_DONE;
}

/* What was refused there is refused here. */
static int refused(const struct control_verb *verb,
		   const struct ctl_answer *answer)
{
	json_t *root = json_loadb(answer->text, answer->size, 0, NULL);
	char why[ERR_BYTES];

	/* The library answers what is no HTTP, and not in JSON. */
	if (!root)
		snprintf(why, sizeof(why), "refused with status %u",
			 answer->status);
	else
		text_in(root, "error", why, sizeof(why));
	cli_error(verb->name, "%s", why);
	json_decref(root);
	switch (answer->status) {
	case 400:
	case 404:
	case 405:
	case 413:
		return CLI_USAGE;
	case 403:
	case 409:
	case 501:
	case 503:
	case 507:
		return CLI_REFUSED;
	default:
		return CLI_HOST;
	}
}

static int ask(const struct control_verb *verb, const struct control *c,
	       const struct control_request *request)
{
	struct ctl_answer answer;
	char err[ERR_BYTES];
	int status;
	int ret = ctl_request_send(c->socket,
				   verb->show == show_end ? 0 : ANSWER_S,
				   request->method, request->path,
				   request->body, &answer, err, sizeof(err));

	if (ret) {
		cli_error(verb->name, "%s", err);
		return control_errno_status(ret);
	}
	if (answer.status != 200)
		status = refused(verb, &answer);
	else
		status = verb->show ? verb->show(c, &answer) : CLI_DONE;
	free(answer.text);
	return status;
}

int cmd_control(int argc, char **argv)
{
	struct control_request request = {0};
	const struct control_verb *verb = verbs;
	struct control control = {0};
	int status;

	while (strcmp(verb->name, argv[0]) != 0)
		verb++;
	status = parse_options(argc, argv, verb, &control);
	if (status == CLI_DONE && control.help) {
		write_help(verb);
		return CLI_DONE;
	}
	if (status == CLI_DONE)
		status = check_words(verb, &control);
	if (status != CLI_DONE)
		return status;
	control.verb = verb->name;
	status = verb->make(&control, &request);
	if (status == CLI_DONE)
		status = ask(verb, &control, &request);
	free(request.body);
	return status;
}
