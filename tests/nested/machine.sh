#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# machine.sh SERIES CPUS DIR FILE... - do the jobs of DIR/jobs in a machine of our
# own, which has a KVM of its own.
#
# QEMU's emulator knows AMD's SVM with nested paging: this works without any KVM
# outside. With MACHINE_KVM it runs on that of the host. SERIES is that of the machine's
# kernel (kernel.sh). A job is a line: time limit in seconds, name, command. The commands find this directory, with the
# FILEs (absolute paths) and their libraries; the tree DIR/root is part of /.
#
# On standard output, as it happens, one line each:
#   kernel ABOUT
#   line TEXT       a job printed this
#   end NAME LOG    a job ended; all it printed is in LOG; in LOG.end are exit status,
#                   milliseconds, and those of them for which the machine had a CPU
#                   of the host
#   dead REASON     the machine ended before its jobs did, or fell silent; what
#                   its kernel said is in DIR/console.log
# Exit status: 0 if all jobs ended, however; else 1.
#
# Environment: MACHINE_MEM, its memory in MiB (1024); MACHINE_MODULES, modules to
# load beside KVM's; MACHINE_APPEND, more of the kernel's command line; MACHINE_KVM,
# the module of its KVM on a host that nests (accel.sh).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
series=$1 cpus=$2 dir=$3
shift 3
# A machine that boots, and each job beyond its own limit, may be silent for so long.
patience_s=120

dead() {
	echo "dead $*"
	exit 1
}

mkdir -p "$dir/root"
rm -rf "$dir/log" "$dir"/*.log
kernel=$("$here/kernel.sh" "$series" 2>"$dir/kernel.log") ||
	dead "no kernel: $(tail -n 1 "$dir/kernel.log")"
echo "kernel $(cat "$kernel/about")"

cp "$dir/jobs" "$dir/root/jobs"
{
	echo "mkdir -p '$PWD'; cd '$PWD'"
	for name in "${!DISVM@}" "${!CMOCKA_@}" {A,UB,T}SAN_OPTIONS; do
		[ -z "${!name:-}" ] || printf 'export %s=%q\n' "$name" "${!name}"
	done
} >"$dir/root/environment"
"$here/initrd.sh" "$kernel" "$dir/initrd" \
	"irqbypass kvm ${MACHINE_KVM:-kvm-amd} ${MACHINE_MODULES:-}" \
	"$dir/root" "$@" 2>"$dir/initrd.log" ||
	dead "no initrd: $(tail -n 1 "$dir/initrd.log")"

# A thread per CPU of the machine hangs the emulator sooner or later: one for all.
append="console=ttyS0 quiet panic=-1 oops=panic ${MACHINE_APPEND:-}"
if [ -n "${MACHINE_KVM:-}" ]; then
	accel=(-accel kvm -cpu host)
else
	accel=(-accel "tcg,thread=single" -cpu max,-cx16)
	# Its TSC is this host's. What the kernel makes of it against the emulated PIT may be
	# several times off on a busy host, and with it all of its time.
	"${CC:-gcc}" -O2 -o "$dir/tsc_khz" "$here/clock/tsc_khz.c" 2>"$dir/tsc_khz.log" ||
		dead "no tsc_khz: $(tail -n 1 "$dir/tsc_khz.log")"
	append+=" tsc=reliable tsc_early_khz=$("$dir/tsc_khz")"
fi

# A panic ends the machine (panic=-1, -no-reboot); silence ends it here. It does
# not outlive this shell, however that ends.
exec 3< <(exec setpriv --pdeathsig KILL qemu-system-x86_64 -M q35 "${accel[@]}" \
	-smp "$cpus" -m "${MACHINE_MEM:-1024}" -nographic -no-reboot -nodefaults \
	-serial "file:$dir/console.log" -serial stdio \
	-kernel "$kernel/vmlinux" -initrd "$dir/initrd" -append "$append" \
	</dev/null 2>"$dir/qemu.log")
machine=$!

limit_s() {
	awk -v name="$1" '$2 == name { print $1 }' "$dir/jobs"
}

# What the machine has had, whatever else the host does; nothing once it has ended.
cpu_ms() {
	local fields
	{ read -r fields <"/proc/$machine/stat"; } 2>/dev/null || return 0
	# Behind the name, which may have spaces.
	read -ra fields <<<"${fields##*) }"
	echo $(((fields[11] + fields[12]) * 1000 / $(getconf CLK_TCK)))
}

log=/dev/null status=0 left_s=$patience_s
while IFS= read -r -t "$left_s" line || { status=$? && false; }; do
	case $line in
	'#begin '*)
		name=${line#\#begin }
		log=$dir/log/$name
		mkdir -p "${log%/*}"
		: >"$log"
		began_ms=$(cpu_ms)
		left_s=$((patience_s + $(limit_s "$name")))
		;;
	'#end '*)
		read -r _ name result <<<"$line"
		ended_ms=$(cpu_ms)
		echo "$result ${ended_ms:+$((ended_ms - began_ms))}" >"$log.end"
		echo "end $name $log"
		log=/dev/null left_s=$patience_s
		;;
	'#done') exit 0 ;;
	'#dead '*) dead "${line#\#dead }" ;;
	*)
		printf '%s\n' "$line" >>"$log"
		printf 'line %s\n' "$line"
		;;
	esac
done <&3

[ "$status" -le 128 ] || dead "silent for $left_s s"
wait "$machine" || dead "qemu-system-x86_64: exit $?: $(tail -n 1 "$dir/qemu.log")"
dead "ended before its jobs"
