/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An output file that is opened before the run and written after it.
 *
 * Place in the flow: run.c opens all outputs once the guests are built, so that
 * neither a guest's work is lost to a bad path, nor a file to a bad kernel.
 *
 * Invariant: until output_commit() a file that was there keeps its contents, and
 * output_discard() removes one that was not, until output_keep().
 *
 * Locking: none; the main thread only.
 */
#ifndef DISVM_OUTPUT_H
#define DISVM_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/**
 * @file:    NULL while not open.
 * @created: the file was not there before.
 * @kept:    it stays, whatever happens.
 */
struct output {
	FILE *file;
	const char *path;
	bool created;
	bool kept;
};

/**
 * output_open - open @path for writing, creating it if need be.
 * @path: must live as long as @out.
 *
 * Return: 0 or -errno; nothing is open or left behind then.
 */
int output_open(struct output *out, const char *path);

/** Removes the earlier contents. Return: 0 or -errno. */
int output_commit(struct output *out);

/** From here on no name can be removed (confine.h). A no-op if not open. */
void output_keep(struct output *out);

/** A no-op if not open. Return: 0 or -errno of a write that failed. */
int output_close(struct output *out);

/**
 * Close, and remove the file if it was created, or empty it if it is kept. A no-op
 * if not open.
 */
void output_discard(struct output *out);

#endif
