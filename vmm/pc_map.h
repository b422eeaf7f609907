/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where everything is in our PC: I/O ports, addresses outside RAM, interrupt
 * inputs (global system interrupts: 0 to 15 are the ISA's, which the 8259 pair
 * and the I/O APIC both have; 16 to 23 the I/O APIC alone has).
 *
 * Place in the flow: machine_devices.c puts devices there; ACPI tables, device
 * tree and memory map say so to the guest. Depends on nothing.
 *
 * Invariant: ranges of one space do not overlap. RAM ends at 3 GiB at the latest
 * (kvm/guest_mem.h).
 */
#ifndef DISVM_PC_MAP_H
#define DISVM_PC_MAP_H

#include <stdint.h>

#define PC_COM1_PORT 0x3f8u
#define PC_COM1_GSI 4u

/** 8259 pair, its trigger modes (ELCR), 8254, system control port B. */
#define PC_PIC1_PORT 0x20u
#define PC_PIC2_PORT 0xa0u
#define PC_ELCR_PORT 0x4d0u
#define PC_PIT_PORT 0x40u
#define PC_PORT_B 0x61u
#define PC_PIT_GSI 0u
/** Of the I/O APIC, where all other inputs have the pin of their number. */
#define PC_PIT_PIN 2u
#define PC_I8042_DATA_PORT 0x60u
#define PC_I8042_COMMAND_PORT 0x64u
#define PC_KEYBOARD_GSI 1u
#define PC_MOUSE_GSI 12u
/** System control port A; reset control register. */
#define PC_PORT_A 0x92u
#define PC_RESET_CONTROL_PORT 0xcf9u
#define PC_CMOS_PORT 0x70u
#define PC_RTC_GSI 8u
/** The first ISA disk controller. */
#define PC_ATA_PORT 0x1f0u
#define PC_ATA_CONTROL_PORT 0x3f6u
#define PC_ATA_GSI 14u
/** Firmware's log (reads as 0xe9), and its configuration (fw_cfg). */
#define PC_DEBUG_PORT 0x402u
#define PC_FW_CFG_PORT 0x510u

/** ACPI 6.5, 4.8.3.7: sleep control and status; and a reset register. */
#define PC_SLEEP_CONTROL_PORT 0x600u
#define PC_SLEEP_STATUS_PORT 0x601u
#define PC_RESET_PORT 0x602u
#define PC_RESET_VALUE 1u
/** The value of SLP_TYPx in the DSDT's _S5_. */
#define PC_SLEEP_TYPE_S5 5u

/** virtio over MMIO: device i has a page and an input of its own. */
#define PC_VIRTIO_GPA UINT64_C(0xd0000000)
#define PC_VIRTIO_STRIDE 0x1000u
#define PC_VIRTIO_BYTES 0x200u
#define PC_VIRTIO_MAX 8u
#define PC_VIRTIO_GSI 16u

#define PC_IOAPIC_GPA UINT64_C(0xfec00000)
#define PC_IOAPIC_BYTES 0x1000u
#define PC_LAPIC_GPA UINT64_C(0xfee00000)
#define PC_LAPIC_BYTES 0x1000u

#define PC_ISA_GSIS 16u
/** Of the 8259 pair itself; no device can have it. */
#define PC_CASCADE_GSI 2u
#define PC_GSIS 24u

#endif
