/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding of AML; see aml.h. */
#include "boot/aml.h"

#include <dis/assert.h>

#include <string.h>

#define ZERO_OP 0x00u
#define ONE_OP 0x01u
#define NAME_OP 0x08u
#define BYTE_PREFIX 0x0au
#define WORD_PREFIX 0x0bu
#define DWORD_PREFIX 0x0cu
#define STRING_PREFIX 0x0du
#define QWORD_PREFIX 0x0eu
#define SCOPE_OP 0x10u
#define BUFFER_OP 0x11u
#define PACKAGE_OP 0x12u
#define EXT_OP 0x5bu
#define DEVICE_OP 0x82u

/* 20.2.4: lengths that one, two and three bytes can say. */
#define PKG_LENGTH_1 0x3fu
#define PKG_LENGTH_2 0xfffu
#define PKG_LENGTH_3 0xfffffu

#define IO_DECODE_16 0x01u
#define MEMORY_WRITABLE 0x01u
#define INTERRUPT_CONSUMER 0x01u

static void put(struct aml *aml, const void *bytes, size_t count)
{
	if (aml->dst)
		memcpy(aml->dst + aml->at, bytes, count);
	aml->at += count;
}

static void put_byte(struct aml *aml, unsigned byte)
{
	uint8_t value = (uint8_t)byte;

	put(aml, &value, 1);
}

/* The length counts itself. */
static size_t length_bytes(size_t length)
{
	if (length + 1u <= PKG_LENGTH_1)
		return 1;
	if (length + 2u <= PKG_LENGTH_2)
		return 2;
	DIS_ASSERT(length + 3u <= PKG_LENGTH_3);
	return 3;
}

void aml_end(struct aml *aml, size_t mark)
{
	size_t length = aml->at - mark;
	size_t more = length_bytes(length);
	size_t value = length + more;

	aml->at += more;
	if (!aml->dst)
		return;
	memmove(aml->dst + mark + more, aml->dst + mark, length);
	if (more == 1) {
		aml->dst[mark] = (uint8_t)value;
		return;
	}
	aml->dst[mark] = (uint8_t)((more - 1u) << 6 | (value & 0xfu));
	value >>= 4;
	for (size_t i = 1; i < more; i++, value >>= 8)
		aml->dst[mark + i] = (uint8_t)value;
}

size_t aml_scope(struct aml *aml, const char *name)
{
	size_t mark;

	put_byte(aml, SCOPE_OP);
	mark = aml->at;
	put(aml, name, strlen(name));
	return mark;
}

size_t aml_device(struct aml *aml, const char *name)
{
	size_t mark;

	put_byte(aml, EXT_OP);
	put_byte(aml, DEVICE_OP);
	mark = aml->at;
	put(aml, name, strlen(name));
	return mark;
}

void aml_name(struct aml *aml, const char *name)
{
	put_byte(aml, NAME_OP);
	put(aml, name, strlen(name));
}

void aml_integer(struct aml *aml, uint64_t value)
{
	if (value <= 1) {
		put_byte(aml, value ? ONE_OP : ZERO_OP);
	} else if (value <= UINT8_MAX) {
		put_byte(aml, BYTE_PREFIX);
		put(aml, &value, 1);
	} else if (value <= UINT16_MAX) {
		put_byte(aml, WORD_PREFIX);
		put(aml, &value, 2);
	} else if (value <= UINT32_MAX) {
		put_byte(aml, DWORD_PREFIX);
		put(aml, &value, 4);
	} else {
		put_byte(aml, QWORD_PREFIX);
		put(aml, &value, 8);
	}
}

void aml_string(struct aml *aml, const char *text)
{
	put_byte(aml, STRING_PREFIX);
	put(aml, text, strlen(text) + 1u);
}

static unsigned hex_digit(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'A') + 10u;
}

/* Five bits a letter, then four digits; the bytes in the order of the text. */
void aml_eisa_id(struct aml *aml, const char *id)
{
	unsigned vendor = ((unsigned)(id[0] - '@') & 0x1fu) << 10 |
			  ((unsigned)(id[1] - '@') & 0x1fu) << 5 |
			  ((unsigned)(id[2] - '@') & 0x1fu);

	put_byte(aml, DWORD_PREFIX);
	put_byte(aml, vendor >> 8);
	put_byte(aml, vendor & 0xffu);
	put_byte(aml, hex_digit(id[3]) << 4 | hex_digit(id[4]));
	put_byte(aml, hex_digit(id[5]) << 4 | hex_digit(id[6]));
}

void aml_package(struct aml *aml, const uint8_t *values, uint8_t count)
{
	size_t mark;

	put_byte(aml, PACKAGE_OP);
	mark = aml->at;
	put_byte(aml, count);
	for (unsigned i = 0; i < count; i++)
		aml_integer(aml, values[i]);
	aml_end(aml, mark);
}

static void add(struct aml_resources *res, const void *bytes, size_t count)
{
	DIS_ASSERT(count <= sizeof(res->bytes) - res->at);
	memcpy(res->bytes + res->at, bytes, count);
	res->at += count;
}

/* 6.4.2.5 */
void aml_io(struct aml_resources *res, uint16_t port, uint8_t ports)
{
	const uint8_t low = (uint8_t)port, high = (uint8_t)(port >> 8);
	const uint8_t bytes[] = {0x47, IO_DECODE_16, low, high,
				 low,  high,         1,   ports};

	add(res, bytes, sizeof(bytes));
}

/* 6.4.2.1, without the byte of flags. */
void aml_irq(struct aml_resources *res, unsigned irq)
{
	unsigned mask = 1u << irq;
	const uint8_t bytes[] = {0x22, (uint8_t)mask, (uint8_t)(mask >> 8)};

	add(res, bytes, sizeof(bytes));
}

/* 6.4.3.4 */
void aml_memory(struct aml_resources *res, uint32_t gpa, uint32_t bytes)
{
	const uint8_t head[] = {0x86, 9, 0, MEMORY_WRITABLE};

	add(res, head, sizeof(head));
	add(res, &gpa, sizeof(gpa));
	add(res, &bytes, sizeof(bytes));
}

/* 6.4.3.6 */
void aml_interrupt(struct aml_resources *res, uint32_t gsi)
{
	const uint8_t bytes[] = {0x89, 6, 0, INTERRUPT_CONSUMER, 1};

	add(res, bytes, sizeof(bytes));
	add(res, &gsi, sizeof(gsi));
}

/* 6.4.2.9: a checksum of 0 is not looked at. */
void aml_resources_put(struct aml *aml, struct aml_resources *res)
{
	const uint8_t end[] = {0x79, 0};
	size_t mark;

	add(res, end, sizeof(end));
	put_byte(aml, BUFFER_OP);
	mark = aml->at;
	aml_integer(aml, res->at);
	put(aml, res->bytes, res->at);
	aml_end(aml, mark);
}
