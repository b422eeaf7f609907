/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbol tables: the input spoils a good file (offset, value), or is the file.
 * Whatever is read names any address with printable text.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "diag/symbols.h"
#include "unit/symbol_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void make(struct symbol_image *image)
{
	symbol_image_make(image);
	symbol_image_add(image, "start", STT_NOTYPE, IMAGE_TEXT, 0);
	symbol_image_add(image, "outer", STT_FUNC, IMAGE_TEXT + 0x100, 0x200);
	symbol_image_add(image, "inner", STT_FUNC, IMAGE_TEXT + 0x140, 0x20);
	symbol_image_add(image, "last", STT_FUNC,
			 IMAGE_TEXT + IMAGE_TEXT_BYTES - 16, 16);
}

/* Pairs of offset and value; an offset past the image cuts it short. */
static size_t spoil(uint8_t *bytes, size_t bytes_size, const uint8_t *data,
		    size_t size)
{
	size_t left = bytes_size;

	for (; size >= 3; data += 3, size -= 3) {
		size_t at = data[0] | (size_t)data[1] << 8;

		if (at < bytes_size)
			bytes[at] = data[2];
		else
			left = at % bytes_size;
	}
	return left;
}

static void look_up(const struct symbols *symbols, uint64_t address)
{
	char text[SYMBOL_TEXT_MAX];
	bool named = symbols_name(symbols, address, text);
	size_t length = strnlen(text, sizeof(text));

	check(length < sizeof(text));
	check(named == (length > 0));
	check(named == (symbols_offset(symbols, address) != UINT64_MAX));
	for (size_t i = 0; i < length; i++)
		check(text[i] > ' ' && text[i] <= '~');
}

static void look_around(const struct symbols *symbols)
{
	static const uint64_t near[] = {0, IMAGE_TEXT, IMAGE_DATA, IMAGE_LOADED,
					UINT64_MAX - 0x1000};

	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
		for (uint64_t at = 0; at < 0x1100; at += 0x3f)
			look_up(symbols, near[i] + at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symbol_image image;
	struct symbols *symbols;
	uint8_t *bytes;
	size_t bytes_size = sizeof(image);
	char err[256] = "";

	if (size < 1)
		return 0;
	if (data[0] & 0x80) {
		bytes_size = size - 1;
	} else {
		make(&image);
		bytes_size = spoil((uint8_t *)&image, sizeof(image), data + 1,
				   size - 1);
	}
	/* Exactly so large, so that any byte beside it is seen. */
	bytes = malloc(bytes_size ? bytes_size : 1);
	check(bytes);
	memcpy(bytes, data[0] & 0x80 ? data + 1 : (const uint8_t *)&image,
	       bytes_size);
	if (symbols_read(bytes, bytes_size, &symbols, err, sizeof(err))) {
		check(err[0] && !strchr(err, '\n'));
	} else {
		check(symbols_count(symbols) > 0);
		look_around(symbols);
		symbols_free(symbols);
	}
	free(bytes);
	return 0;
}
