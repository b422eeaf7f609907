/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The verbs that speak to a running disvm: words to requests (see ctl/ctl.h).
 *
 * Place in the flow: private to control.c and control_words.c.
 * Locking: none; the main thread only.
 */
#ifndef DISVM_CONTROL_H
#define DISVM_CONTROL_H

#include <stdbool.h>

#define CONTROL_WORDS_MAX 64

/** What the command line says; @words are behind the options. */
struct control {
	const char *verb;
	const char *socket;
	char **words;
	int n_words;
	bool json;
	bool metrics;
	bool help;
};

/** @body: JSON, to be freed, or NULL. */
struct control_request {
	const char *method;
	char path[256];
	char *body;
};

/*
 * One per verb. Return: CLI_DONE, CLI_USAGE or CLI_HOST with its line.
 */
int control_make_list(const struct control *c, struct control_request *out);
int control_make_wait(const struct control *c, struct control_request *out);
int control_make_stop(const struct control *c, struct control_request *out);
int control_make_kill(const struct control *c, struct control_request *out);
int control_make_set(const struct control *c, struct control_request *out);
int control_make_policy(const struct control *c, struct control_request *out);
int control_make_pause(const struct control *c, struct control_request *out);
int control_make_resume(const struct control *c, struct control_request *out);
int control_make_trigger(const struct control *c, struct control_request *out);
int control_make_stats(const struct control *c, struct control_request *out);

/** Exit status for what ctl_request_send() returned. */
int control_errno_status(int err);

#endif
