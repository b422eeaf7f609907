#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# kvm-usable.sh DEVICE - can KVM be used there: is there a VM with a vCPU to be had?
#
# A device node may be there without a KVM behind it, or with one whose processor
# another hypervisor keeps. Prints why not. Exit status: 0 if it can, else 1.
set -euo pipefail

# What is not there, opening must not create.
[ -c "$1" ] || {
	echo "$1 is missing, or no device"
	exit 1
}

# Perl is part of every Debian. KVM_GET_API_VERSION, KVM_CREATE_VM, KVM_CREATE_VCPU.
exec perl -e '
	my $name = shift;
	sub refuse { print "$name @_\n"; exit 1 }
	open(my $kvm, "+<", $name) or refuse "may not be opened: $!";
	(ioctl($kvm, 0xae00, 0) // 0) == 12 or refuse "is not that of KVM";
	my $fd = ioctl($kvm, 0xae01, 0) or refuse "gives no VM: $!";
	open(my $vm, "+<&=", int($fd)) or refuse "gives no VM: $!";
	ioctl($vm, 0xae41, 0) or refuse "gives no vCPU: $!";
' "$1"
