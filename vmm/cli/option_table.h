/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The table of options of `disvm run`, and what it fills.
 *
 * Place in the flow: inside options.c and config_file.c only. One row makes an
 * option: it is then parsed, listed by --help and taken from the configuration
 * file (a test holds the manual page to it).
 *
 * Locking: none; the main thread only.
 */
#ifndef DISVM_OPTION_TABLE_H
#define DISVM_OPTION_TABLE_H

#include "options.h"

/** An --intent as given; @vcpus is a bitmap, unused if @all. */
struct option_intent {
	bool all;
	uint64_t vcpus[RUN_VCPUS_MAX / 64];
	struct dis_intent intent;
	char *text;
};

/**
 * What the options said so far.
 *
 * @out:     figures; 0 in the slab limits means not given.
 * @given:   bit i: row i of the table was set by the file or the command line.
 * @intents: in order, later ones win.
 * @policy_names: of each class, resolved once all modules are loaded.
 */
struct option_values {
	struct run_options *out;
	uint64_t given;
	struct option_intent *intents;
	size_t n_intents;
	char *policy_names[DIS_CLASSES];
};

/**
 * @argument:   its name in the help, NULL if the option takes none.
 * @fallback:   default, set like any other value; NULL without.
 * @repeatable: each value counts, not only the last one.
 * @set:        check @text and store it; 0, -EINVAL with @err saying what is
 *              wrong with it, or -ENOMEM. NULL: options.c handles the option;
 *              it cannot stand in a configuration file.
 */
struct option_row {
	const char *name;
	const char *argument;
	const char *fallback;
	bool repeatable;
	const char *help;
	int (*set)(struct option_values *values, const char *text, char *err,
		   size_t err_size);
};

extern const struct option_row option_rows[];
extern const size_t option_row_count;

/** Row of @name, or NULL. */
const struct option_row *option_find(const char *name);

/**
 * option_apply - set @row to @text and mark it as given.
 * @origin: where the text stands, e.g. "--vcpus" or "run.json: vcpus"; begins
 *          the message.
 *
 * Return: 0, -EINVAL or -ENOMEM with @err.
 */
int option_apply(struct option_values *values, const struct option_row *row,
		 const char *origin, const char *text, char *err,
		 size_t err_size);

/** --serial and the like: stdio, none or file:PATH. Return: 0, -EINVAL or -ENOMEM. */
int option_output(const char *text, enum run_output *to, char **path, char *err,
		  size_t err_size);

/** A copy of @text instead of what *@field was. Return: 0 or -ENOMEM. */
int option_string(char **field, const char *text);

/** A duration in [@min_ns, @max_ns]. Return: 0, -EINVAL. */
int option_duration(const char *text, uint64_t min_ns, uint64_t max_ns,
		    uint64_t *out_ns, char *err, size_t err_size);

/* option_dtb.c: files of device trees. */
int option_set_dtb(struct option_values *values, const char *text, char *err,
		   size_t err_size);
int option_set_dtb_overlay(struct option_values *values, const char *text,
			   char *err, size_t err_size);
int option_set_dump_dtb(struct option_values *values, const char *text,
			char *err, size_t err_size);

/* option_class.c: slices and floors of classes. */
int option_set_quantum(struct option_values *values, const char *text,
		       char *err, size_t err_size);
int option_set_class_quantum(struct option_values *values, const char *text,
			     char *err, size_t err_size);
int option_set_floor(struct option_values *values, const char *text, char *err,
		     size_t err_size);

/** Does a core have enough for all floors? Return: 0, or -EINVAL with @err. */
int option_check_floors(const struct run_options *options, char *err,
			size_t err_size);

/**
 * option_split_class - take "CLASS=VALUE" apart; @value is what follows the '='.
 * @form: of the value, with an example, for @err: "NAME, e.g. batch=rr".
 * Return: 0, -EINVAL, -ENOMEM.
 */
int option_split_class(const char *text, const char *form, unsigned *klass,
		       const char **value, char *err, size_t err_size);

/* Rows of the table in option_policy.c. */
int option_set_policy(struct option_values *values, const char *text, char *err,
		      size_t err_size);
int option_set_policy_module(struct option_values *values, const char *text,
			     char *err, size_t err_size);

/**
 * option_find_policies - from the names that --policy gave to policies.
 * Return: 0, or -EINVAL with @err.
 */
int option_find_policies(struct option_values *values, char *err,
			 size_t err_size);

/** Was @name set by the file or the command line? */
bool option_given(const struct option_values *values, const char *name);

/**
 * Position of @text among the @count @words, or a message that lists them.
 * Return: 0, -EINVAL.
 */
int option_word(const char *text, const char *const *words, size_t count,
		unsigned *out, char *err, size_t err_size);

/* option_stats.c: how the scheduler accounts. */
int option_set_slices(struct option_values *values, const char *text, char *err,
		      size_t err_size);
int option_set_counters(struct option_values *values, const char *text,
			char *err, size_t err_size);
int option_set_profile(struct option_values *values, const char *text,
		       char *err, size_t err_size);
int option_set_tenant(struct option_values *values, const char *text, char *err,
		      size_t err_size);

/** Write "what is wrong" into @err. Return: -EINVAL. */
int option_refuse(char *err, size_t err_size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
