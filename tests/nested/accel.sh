#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# accel.sh - could a machine of ours run on this host's KVM and have a KVM of its own?
#
# Prints the module of that KVM, kvm-amd or kvm-intel, if the host's says that it
# nests; whether it works, a machine has to show (nested_accel in group.sh). Else
# prints why not.
#
# Environment: DISVM_TEST_KVM for /dev/kvm; ACCEL_CPUINFO and ACCEL_MODULES for
# /proc/cpuinfo and /sys/module. Exit status: 0 if it could, else 1.
set -euo pipefail
kvm=${DISVM_TEST_KVM:-/dev/kvm}
cpuinfo=${ACCEL_CPUINFO:-/proc/cpuinfo}
modules=${ACCEL_MODULES:-/sys/module}

no() {
	echo "$*"
	exit 1
}

has_flag() {
	grep -qE "^flags[[:space:]]*:.* $1( |\$)" "$cpuinfo"
}

# What is not there, the redirection would create.
[ -c "$kvm" ] && (: <>"$kvm") 2>/dev/null || no "$kvm is missing or may not be opened"
if has_flag svm; then
	name=kvm_amd
elif has_flag vmx; then
	name=kvm_intel
else
	no "the processor has neither svm nor vmx"
fi
case $(cat "$modules/$name/parameters/nested" 2>/dev/null) in
Y | 1) echo "${name/_/-}" ;;
*) no "$name does not nest" ;;
esac
