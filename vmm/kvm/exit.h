/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Decoding of KVM exits: one place that says what each means.
 *
 * Place in the flow: called after KVM_RUN returned 0; calls the bus, the local
 * APIC and the MSR code; answers the scheduler.
 */
#ifndef DISVM_EXIT_H
#define DISVM_EXIT_H

#include "kvm/vcpu.h"

/** Lower-case name of @kind, as in reports. */
const char *exit_kind_name(enum exit_kind kind);

/** Kind of an exit_reason of KVM. */
enum exit_kind exit_kind_of(uint32_t reason);

/** Has KVM still to end the instruction? It does so in the next KVM_RUN. */
bool exit_is_unfinished(const struct kvm_run *run);

/** Handles the exit in vcpu->run; @result is CONTINUE before. */
void exit_decode(struct kvm_vcpu *vcpu, struct dis_run_result *result);

#endif
