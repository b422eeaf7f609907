/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Linux's setup header and the page of boot parameters ("zero page") that it is
 * part of: places and flags of the fields that we read or write.
 *
 * Place in the flow: bzimage.c reads the header in the file, linux_params.c
 * copies it into the guest's page.
 *
 * Source: Linux, Documentation/arch/x86/boot.rst and zero-page.rst. Offsets are
 * the same in the file and in the page.
 */
#ifndef DISVM_BOOT_LINUX_SETUP_H
#define DISVM_BOOT_LINUX_SETUP_H

/* The page alone. */
#define LINUX_RSDP_AT 0x070u           /* 8 bytes, protocol 2.14 */
#define LINUX_EXT_RAMDISK_IMAGE 0x0c0u /* 4: upper half of the address */
#define LINUX_EXT_RAMDISK_SIZE 0x0c4u
#define LINUX_EXT_CMDLINE 0x0c8u
#define LINUX_E820_COUNT 0x1e8u /* 1 */
#define LINUX_E820_TABLE 0x2d0u /* 128 entries of 20 bytes */
#define LINUX_E820_ENTRY_BYTES 20u
#define LINUX_PAGE_BYTES 4096u

/* The header. */
#define LINUX_HEADER_AT 0x1f1u
#define LINUX_SETUP_SECTS 0x1f1u   /* 1 */
#define LINUX_SYSSIZE 0x1f4u       /* 4: units of 16 bytes */
#define LINUX_VIDEO_MODE 0x1fau    /* 2 */
#define LINUX_BOOT_FLAG 0x1feu     /* 2 */
#define LINUX_JUMP_LENGTH 0x201u   /* 1: the header ends this far behind */
#define LINUX_MAGIC 0x202u         /* 4 */
#define LINUX_VERSION 0x206u       /* 2 */
#define LINUX_LOADER_TYPE 0x210u   /* 1 */
#define LINUX_LOAD_FLAGS 0x211u    /* 1 */
#define LINUX_RAMDISK_IMAGE 0x218u /* 4 */
#define LINUX_RAMDISK_SIZE 0x21cu  /* 4 */
#define LINUX_CMDLINE 0x228u       /* 4 */
#define LINUX_INITRD_MAX 0x22cu    /* 4: highest address of its last byte */
#define LINUX_XLOAD_FLAGS 0x236u   /* 2 */
#define LINUX_CMDLINE_SIZE 0x238u  /* 4: longest, without its NUL */
#define LINUX_SETUP_DATA 0x250u    /* 8 */
#define LINUX_PREF_ADDRESS 0x258u  /* 8 */
#define LINUX_INIT_SIZE 0x260u     /* 4 */
/* All of the above; and where other fields of the page begin. */
#define LINUX_HEADER_MIN_END 0x264u
#define LINUX_HEADER_MAX_END 0x290u

#define LINUX_BOOT_FLAG_VALUE 0xaa55u
#define LINUX_MAGIC_VALUE 0x53726448u /* "HdrS" */
#define LINUX_VERSION_MIN 0x020cu     /* 2.12: xloadflags */
#define LINUX_LOADED_HIGH 0x01u
#define LINUX_KERNEL_64 0x01u
/** Of the 64-bit entry behind the start of the protected-mode part. */
#define LINUX_ENTRY_64 0x200u
/** "A loader without a number of its own"; "the video mode that is set". */
#define LINUX_LOADER_UNKNOWN 0xffu
#define LINUX_VIDEO_NORMAL 0xffffu

/** struct setup_data in front of a device tree: next, type, length. */
#define LINUX_SETUP_DATA_BYTES 16u
#define LINUX_SETUP_DTB 2u

/** Segments of the GDT that a kernel is entered with. */
#define LINUX_BOOT_CS 0x10u
#define LINUX_BOOT_DS 0x18u
#define LINUX_GDT_BYTES 32u

#endif
