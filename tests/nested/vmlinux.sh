#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# vmlinux.sh BZIMAGE FILE - unpack the kernel proper, an ELF, of a bzImage.
#
# Where it lies and how long it is says the setup header (Linux,
# Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length);
# how it is packed, its first bytes; how long it becomes, its last four, which
# the packers' own formats do not know.
set -euo pipefail
image=${1:?usage: vmlinux.sh BZIMAGE FILE}
out=${2:?usage: vmlinux.sh BZIMAGE FILE}

die() {
	echo "vmlinux.sh: $image: $*" >&2
	exit 1
}

field() { # offset, bytes
	od -An -v -tu"$2" -j "$1" -N "$2" "$image" | tr -d ' '
}

# "HdrS", and version 2.08, the first with a payload.
[ "$(field 0x202 4)" = $((0x53726448)) ] || die "no Linux setup header"
[ "$(field 0x206 2)" -ge $((0x208)) ] || die "older than boot protocol 2.08"
sectors=$(field 0x1f1 1)
at=$((((sectors ? sectors : 4) + 1) * 512 + $(field 0x248 4)))
length=$(field 0x24c 4)
[ $((at + length)) -le "$(stat -c %s "$image")" ] || die "the payload ends past the file"
bytes=$(field $((at + length - 4)) 4)

case $(od -An -v -tx1 -j "$at" -N 4 "$image" | tr -d ' ') in
02214c18) unpack=(lz4 -dc) ;;
fd377a58) unpack=(xz -dc) ;;
28b52ffd) unpack=(zstd -dc) ;;
*) die "packed in an unknown way" ;;
esac
tail -c +$((at + 1)) "$image" | head -c $((length - 4)) | "${unpack[@]}" >"$out" ||
	[ "${PIPESTATUS[2]}" -eq 0 ] || die "${unpack[0]} failed"
[ "$(stat -c %s "$out")" -eq "$bytes" ] || die "unpacks to another length than $bytes"
[ "$(head -c 4 "$out")" = $'\177ELF' ] || die "is no ELF inside"
