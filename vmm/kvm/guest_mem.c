/* SPDX-License-Identifier: Apache-2.0 */
/* Guest-physical addresses to host pointers; see guest_mem.h. */
#include "guest_mem.h"

#include <errno.h>
#include <string.h>

uint64_t guest_mem_low_bytes(const struct guest_mem *mem)
{
	return mem->size_bytes < GUEST_MEM_LOW_MAX ? mem->size_bytes
						   : GUEST_MEM_LOW_MAX;
}

void *guest_mem_ptr(const struct guest_mem *mem, uint64_t gpa, uint64_t len)
{
	uint64_t low = guest_mem_low_bytes(mem);
	uint64_t high = mem->size_bytes - low;
	uint64_t offset;

	if (gpa <= low && len <= low - gpa)
		return mem->base + gpa;
	if (gpa < GUEST_MEM_HIGH_GPA)
		return NULL;
	offset = gpa - GUEST_MEM_HIGH_GPA;
	if (offset > high || len > high - offset)
		return NULL;
	return mem->base + low + offset;
}

int guest_mem_read(const struct guest_mem *mem, uint64_t gpa, void *buf,
		   uint64_t len)
{
	const void *src = guest_mem_ptr(mem, gpa, len);

	if (!src)
		return -EFAULT;
	memcpy(buf, src, len);
	return 0;
}

int guest_mem_write(const struct guest_mem *mem, uint64_t gpa, const void *buf,
		    uint64_t len)
{
	void *dst = guest_mem_ptr(mem, gpa, len);

	if (!dst)
		return -EFAULT;
	memcpy(dst, buf, len);
	return 0;
}
