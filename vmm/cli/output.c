/* SPDX-License-Identifier: Apache-2.0 */
/* Output files; see output.h. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE 0666

int output_open(struct output *out, const char *path)
{
	const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY;
	struct output opened = {.path = path};
	int fd = open(path, flags | O_EXCL, MODE);

	opened.created = fd >= 0;
	if (fd < 0 && errno == EEXIST)
		fd = open(path, flags, MODE);
	if (fd < 0)
		return -errno;
	opened.file = fdopen(fd, "w");
	if (!opened.file) {
		int ret = -errno;

		close(fd);
		if (opened.created)
			unlink(path);
		return ret;
	}
	*out = opened;
	return 0;
}

int output_commit(struct output *out)
{
	struct stat st;
	int fd = fileno(out->file);

	/* A pipe or a terminal has no contents to remove. */
	if (fstat(fd, &st) || (S_ISREG(st.st_mode) && ftruncate(fd, 0)))
		return -errno;
	return 0;
}

void output_keep(struct output *out)
{
	out->kept = true;
}

int output_close(struct output *out)
{
	FILE *file = out->file;

	if (!file)
		return 0;
	out->file = NULL;
	return fclose(file) ? -errno : 0;
}

static void empty(FILE *file)
{
	/* What stdio still holds goes with the rest. */
	fflush(file);
	if (ftruncate(fileno(file), 0))
		return; /* a pipe or a terminal: what it has, it has */
}

void output_discard(struct output *out)
{
	if (!out->file)
		return;
	if (out->kept)
		empty(out->file);
	output_close(out);
	if (out->created && !out->kept)
		unlink(out->path);
}
