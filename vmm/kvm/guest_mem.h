/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Guest-physical memory as the host sees it.
 *
 * Place in the flow: made by the VM build, filled by the loaders, read by
 * devices. RAM lies from 0 to at most GUEST_MEM_LOW_MAX, the rest from 4 GiB.
 *
 * Invariant: a host pointer to guest memory comes only from guest_mem_ptr(),
 * which checks the whole range. What a running guest wrote is copied out with
 * guest_mem_read() once, then the copy is checked.
 */
#ifndef DISVM_GUEST_MEM_H
#define DISVM_GUEST_MEM_H

#include <stdint.h>
#include <stddef.h>

#define GUEST_MEM_LOW_MAX (UINT64_C(3) << 30)
#define GUEST_MEM_HIGH_GPA (UINT64_C(4) << 30)

/** @base: @size_bytes of host memory; low and high part are contiguous in it. */
struct guest_mem {
	uint8_t *base;
	uint64_t size_bytes;
};

/** Bytes of RAM below 3 GiB. */
uint64_t guest_mem_low_bytes(const struct guest_mem *mem);

/**
 * guest_mem_ptr - host pointer to [gpa, gpa + len), or NULL if any byte of it
 * is not RAM or the range crosses from the low part into the hole. len 0 is
 * allowed within RAM.
 */
void *guest_mem_ptr(const struct guest_mem *mem, uint64_t gpa, uint64_t len);

/** Copy out of / into guest memory. Return: 0 or -EFAULT, nothing copied. */
int guest_mem_read(const struct guest_mem *mem, uint64_t gpa, void *buf,
		   uint64_t len);
int guest_mem_write(const struct guest_mem *mem, uint64_t gpa, const void *buf,
		    uint64_t len);

#endif
