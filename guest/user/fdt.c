/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of flattened device trees; see fdt.h.
 */
#include <fdt.h>
#include <stddef.h>

#define HEADER_BYTES 40u
#define VERSION 17u

#define TOKEN_NODE 1u
#define TOKEN_NODE_END 2u
#define TOKEN_PROPERTY 3u
#define TOKEN_NOP 4u

uint32_t fdt_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* NULL if the string that starts at @from does not end before @limit. */
static const char *terminated(const char *from, uint32_t limit)
{
	for (uint32_t i = 0; i < limit; i++)
		if (!from[i])
			return from;
	return NULL;
}

bool fdt_open(struct fdt *fdt, const uint8_t *blob, uint32_t bytes)
{
	uint32_t total, structure, strings;

	if (bytes < HEADER_BYTES || fdt_be32(blob) != FDT_MAGIC)
		return false;
	total = fdt_be32(blob + 4);
	structure = fdt_be32(blob + 8);
	strings = fdt_be32(blob + 12);
	/* version, last compatible version */
	if (fdt_be32(blob + 20) < VERSION || fdt_be32(blob + 24) > VERSION)
		return false;
	fdt->strings_bytes = fdt_be32(blob + 32);
	fdt->structure_bytes = fdt_be32(blob + 36);
	if (total > bytes || structure > total || strings > total ||
	    fdt->structure_bytes > total - structure ||
	    fdt->strings_bytes > total - strings)
		return false;
	fdt->structure = blob + structure;
	fdt->strings = (const char *)blob + strings;
	fdt->at = 0;
	fdt->depth = 0;
	fdt->closed = false;
	return true;
}

/* Moves on by @bytes, rounded up to a token; false beyond the end. */
static bool advance(struct fdt *fdt, uint32_t bytes)
{
	uint32_t left = fdt->structure_bytes - fdt->at;

	if (bytes > left)
		return false;
	bytes = bytes > UINT32_MAX - 3 ? left : (bytes + 3) & ~3u;
	fdt->at += bytes < left ? bytes : left;
	return true;
}

static enum fdt_event node(struct fdt *fdt)
{
	const char *name = (const char *)fdt->structure + fdt->at;
	uint32_t length = 0;

	if (!terminated(name, fdt->structure_bytes - fdt->at))
		return FDT_BROKEN;
	while (name[length])
		length++;
	fdt->name = name;
	fdt->depth++;
	return advance(fdt, length + 1) ? FDT_NODE : FDT_BROKEN;
}

static enum fdt_event property(struct fdt *fdt)
{
	const uint8_t *head = fdt->structure + fdt->at;
	uint32_t name;

	if (!advance(fdt, 8))
		return FDT_BROKEN;
	fdt->bytes = fdt_be32(head);
	name = fdt_be32(head + 4);
	fdt->value = head + 8;
	if (!advance(fdt, fdt->bytes) || name >= fdt->strings_bytes)
		return FDT_BROKEN;
	fdt->name = terminated(fdt->strings + name, fdt->strings_bytes - name);
	return fdt->name ? FDT_PROPERTY : FDT_BROKEN;
}

enum fdt_event fdt_next(struct fdt *fdt)
{
	if (fdt->closed)
		return FDT_DONE;
	for (;;) {
		const uint8_t *token = fdt->structure + fdt->at;

		if (!advance(fdt, 4))
			return FDT_BROKEN;
		switch (fdt_be32(token)) {
		case TOKEN_NOP:
			continue;
		case TOKEN_NODE:
			return node(fdt);
		case TOKEN_PROPERTY:
			return fdt->depth ? property(fdt) : FDT_BROKEN;
		case TOKEN_NODE_END:
			if (!fdt->depth)
				return FDT_BROKEN;
			fdt->closed = --fdt->depth == 0;
			return FDT_NODE_END;
		default:
			return FDT_BROKEN;
		}
	}
}

bool fdt_number(const struct fdt *fdt, uint64_t *out)
{
	if (fdt->bytes != 4 && fdt->bytes != 8)
		return false;
	*out = fdt_be32(fdt->value);
	if (fdt->bytes == 8)
		*out = *out << 32 | fdt_be32(fdt->value + 4);
	return true;
}

const char *fdt_string(const struct fdt *fdt)
{
	return terminated((const char *)fdt->value, fdt->bytes);
}
