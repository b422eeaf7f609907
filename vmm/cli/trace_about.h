/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Records of a trace that `disvm sim` needs and perfetto skips: metadata named
 * disvm_pool (the pool and the rules of each class), disvm_vcpu (an intent as
 * dis_intent_parse() reads it, "" if none was declared) and, behind those of its
 * vCPUs, disvm_vm (the shares of a VM).
 *
 * Place in the flow: called by trace.c right after the file was opened; read by
 * sim_trace.c.
 * Locking: none; the owner's.
 */
#ifndef DISVM_TRACE_ABOUT_H
#define DISVM_TRACE_ABOUT_H

#include <dis/domain.h>

#include "trace_file.h"

/** @cfg: policy NULL and quantum 0 stand for the default of the class. */
void trace_about_pool(struct trace_file *file,
		      const struct dis_domain_config *cfg);
void trace_about_vcpu(struct trace_file *file, unsigned vm_seq,
		      unsigned vcpu_seq, const struct dis_intent *intent);
/** Shares as in struct dis_vm_spec. */
void trace_about_shares(struct trace_file *file, unsigned vm_seq,
			unsigned min_permille, unsigned max_permille);

#endif
