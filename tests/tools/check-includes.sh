#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# check-includes.sh [TREE] - hold the direction of includes.
#
#   include/dis     nothing of the project but <dis/...>
#   include/disvm   <stdint.h> alone
#   sched           <dis/...>, its own "..." headers, libc, <bsd/...>, and
#                   <linux/futex.h>, for which libc has no header
#   vmm             not sched's private headers; vmm/kvm is the only place with
#                   <linux/kvm.h>
#   guest           <disvm/...>, its own, <stddef.h>, <stdint.h>, <stdbool.h>,
#                   <stdarg.h>: nothing of the host
#
# Without TREE it checks the repository, after it has seen each rule refuse a
# tree that breaks it: a check that cannot fail proves nothing.
# Exit status: 0 holds, 1 broken (one line each on standard error).
set -euo pipefail
export LC_ALL=C

# refuse TREE DIR REGEX WHY: no include in DIR matches REGEX.
# require TREE DIR REGEX WHY: each include in DIR matches REGEX.
# The regular expression sees the name with its brackets or quotes.
includes() { # tree, dir
	[ -d "$1/$2" ] || return 0
	find "$1/$2" -name '*.[chS]' -exec grep -HnE '^[[:space:]]*#[[:space:]]*include' {} + |
		sed -E 's/^([^:]+:[0-9]+):[[:space:]]*#[[:space:]]*include[[:space:]]*([<"][^>"]*[>"]).*/\1 \2/' || true
}
complain() { # why; reads "place name"
	local place name
	while read -r place name; do
		echo "$place: includes $name: $1" >&2
		broken=1
	done
}
refuse() {
	complain "$4" < <(includes "$1" "$2" | grep -E -- "^[^ ]+ $3" || true)
}
require() {
	complain "$4" < <(includes "$1" "$2" | grep -vE -- "^[^ ]+ $3" || true)
}

check_tree() {
	local tree=$1
	broken=0

	require "$tree" include/disvm '<stdint\.h>' \
		'include/disvm depends on <stdint.h> alone'
	refuse "$tree" include/dis '(<(disvm|linux)/|")' \
		'include/dis knows nothing of the monitor and has no private headers'
	refuse "$tree" sched '(<(disvm|asm)/|<linux/[^>]*(kvm|vhost|virtio)|<(libfdt|jansson|capstone)|"(\.\./|[^"]*/))' \
		'sched knows neither KVM nor devices, only <dis/...> and its own headers'
	refuse "$tree" vmm '"[^"]*sched/' \
		'vmm and sched meet in <dis/...> only'
	local room
	for room in boot dev diag io ctl cli bench; do
		refuse "$tree" "vmm/$room" '<(linux|asm)/kvm' \
			'vmm/kvm is the only place that speaks to KVM'
	done
	# The guest finds its own headers by any of its directories.
	local own
	own=$(find "$tree/guest" -name '*.h' -printf '|([^">]*/)?%f' 2>/dev/null | sed 's/\./\\./g')
	require "$tree" guest "([<\"](disvm/[^>]*|std(int|def|bool|arg)\\.h$own)[>\"])" \
		'guest is freestanding: <disvm/...> and its own headers'
	refuse "$tree" guest '[<"](\.\./)*(vmm|sched|dis)/' \
		'guest does not see the monitor'

	# A header of sched is private: vmm must not find one by its bare name.
	local header name
	for header in "$tree"/sched/*.h; do
		[ -e "$header" ] || continue
		name=${header##*/}
		[ -n "$(find "$tree/vmm" -name "$name" 2>/dev/null)" ] ||
			refuse "$tree" vmm "\"$name\"" 'a private header of sched'
	done
	return "$broken"
}

# One bad include per line: where it stands, what it says.
self_test() {
	local tmp dir name
	tmp=$(mktemp -d)
	# shellcheck disable=SC2064 # the path of now
	trap "rm -rf '$tmp'" EXIT
	while read -r dir name; do
		rm -rf "$tmp/tree"
		mkdir -p "$tmp/tree/$dir" "$tmp/tree/sched"
		: >"$tmp/tree/sched/slab.h"
		echo "#include $name" >"$tmp/tree/$dir/bad.c"
		if check_tree "$tmp/tree" 2>/dev/null; then
			echo "check-includes: self-test: $dir may include $name" >&2
			return 1
		fi
	done <<-'END'
		sched <disvm/guest_abi.h>
		sched <linux/kvm.h>
		sched "kvm/guest_mem.h"
		sched "../vmm/kvm/guest_mem.h"
		sched <libfdt.h>
		include/dis <disvm/guest_abi.h>
		include/dis "slab.h"
		include/disvm <dis/types.h>
		include/disvm <stdio.h>
		vmm/dev <linux/kvm.h>
		vmm/io <linux/kvm.h>
		vmm/boot <linux/kvm.h>
		vmm/cli <linux/kvm_para.h>
		vmm/diag <linux/kvm.h>
		vmm/bench <linux/kvm.h>
		vmm/kvm "../sched/slab.h"
		vmm/kvm "../../sched/slab.h"
		vmm/cli "slab.h"
		sched <linux/kvm_para.h>
		guest <stdio.h>
		guest <libfdt.h>
		guest <dis/types.h>
		guest "nowhere.h"
		guest "../vmm/kvm/guest_mem.h"
	END
	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree/sched" "$tmp/tree/vmm/kvm" "$tmp/tree/guest/user"
	printf '#include <%s>\n' dis/types.h stdlib.h bsd/sys/tree.h linux/futex.h \
		>"$tmp/tree/sched/good.c"
	: >"$tmp/tree/guest/user/user.h"
	printf '#include <%s>\n' disvm/guest_abi.h stdint.h user.h user/user.h \
		>"$tmp/tree/guest/good.c"
	printf '#include <%s>\n' linux/kvm.h dis/types.h disvm/guest_abi.h >"$tmp/tree/vmm/kvm/good.c"
	if ! check_tree "$tmp/tree"; then
		echo "check-includes: self-test: a good tree is refused" >&2
		return 1
	fi
}

if [ $# -gt 0 ]; then
	check_tree "$1"
else
	self_test
	check_tree .
fi
