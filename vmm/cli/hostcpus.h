/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which CPUs of the host this process may use, and lists of them as text.
 *
 * Place in the flow: read while options are parsed; from then on the rest
 * speaks of cores of the pool.
 *
 * Locking: none.
 */
#ifndef DISVM_HOSTCPUS_H
#define DISVM_HOSTCPUS_H

#include <stddef.h>
#include <stdint.h>

/** Host CPU numbers that a list may name: 0 .. HOSTCPUS_MAX - 1. */
#define HOSTCPUS_MAX 8192u
#define HOSTCPUS_WORDS (HOSTCPUS_MAX / 64u)

/** @online, @allowed: bitmaps; @allowed is this process's affinity. */
struct hostcpus {
	uint64_t online[HOSTCPUS_WORDS];
	uint64_t allowed[HOSTCPUS_WORDS];
};

/**
 * hostcpus_read - ask the host.
 *
 * Return: 0, or -errno with @err saying what could not be read.
 */
int hostcpus_read(struct hostcpus *out, char *err, size_t err_size);

/**
 * hostcpus_choose - CPUs of a list, checked against the host.
 * @text: "0-3,8", or "all": those that are online and allowed, the first @max.
 * @cpus: ascending host CPU numbers, written on success only.
 *
 * Return: 0, or -EINVAL with @err naming the CPU that is not there.
 */
int hostcpus_choose(const struct hostcpus *host, const char *text, unsigned max,
		    unsigned *cpus, unsigned *n_cpus, char *err,
		    size_t err_size);

#define HOSTCPUS_NODES_MAX 1024u

/**
 * hostcpus_read_node - CPUs of a NUMA node.
 * @words: bitmap of HOSTCPUS_WORDS; empty for a node of memory only.
 *
 * Return: 0, -EINVAL when there is no such node, or -errno; with @err.
 */
int hostcpus_read_node(unsigned node, uint64_t *words, char *err,
		       size_t err_size);

/** @n ascending numbers as "0-3,8"; cut at @size; returns @buf. */
const char *hostcpus_format(const unsigned *cpus, unsigned n, char *buf,
			    size_t size);

#endif
