# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What tests/run.sh does in nested machines; sourced by it, reports by its report
# and tap_report (R: CARD-10).

# nested_jobs BUILD IMAGE FACTOR: kvm, then disvm itself with either executor, as
# jobs of machine.sh. A guest costs some hundred times what it does on a host, so
# where tests want many, a few of them have to do. disvm is confined with the initramfs
# as its root, which cannot be replaced; not where sanitizers do what is forbidden then.
nested_jobs() {
	local build=$1 image=$2 factor=$3 confine=off source name
	[ "$build" != build ] || confine=full
	for source in tests/kvm/test_*.c; do
		name=$(basename "$source" .c)
		echo "$(($(limit_s "$source" 120) * factor)) kvm/$name" \
			"DISVM_TEST_FEWER=${DISVM_TEST_FEWER:-25} $build/tests/kvm/$name"
	done
	for name in dis-user threads-user threads-kernel; do
		echo "$((120 * factor)) run/$name" \
			"$build/disvm run --kernel $image --vcpus 4 --copies 2" \
			"--confine $confine --executor ${name%-*} --irqchip ${name#*-}" \
			"--intent 1=interactive:target=1ms" \
			"--cmdline 'work=hog work@1=sleep:1ms time=500ms'"
	done
}

# linux_jobs BUILD FACTOR CASE...: Linux guests, judged by linux/check.sh or, where
# there is one, by the program test_linux_CASE.
linux_jobs() {
	local build=$1 factor=$2 name program command
	shift 2
	for name in "$@"; do
		program=$build/tests/nested/test_linux_$name
		command="exec /linux/check.sh $name $PWD/$build/disvm"
		[ ! -x "$program" ] || command="DISVM_TEST_LINUX=/linux $program"
		echo $((180 * factor)) "linux/$name" $command
	done
}

# nested_end LABEL LIMIT_S NAME LOG: report a job that ended.
nested_end() {
	local rc ms
	case $3 in
	run/*)
		read -r rc ms _ <"$4.end"
		report "$1$3" $((rc == 0)) $((rc != 0)) "$ms" \
			"$([ "$rc" -eq 0 ] || echo "exit $rc")" "$4"
		;;
	*) tap_report "$1$3" "$2" "$4" ;;
	esac
}

# nested_accel BUILD IMAGE: once, before the first machine: what machines run on.
# Sets $nested_kvm to the module of their KVM where the host's nests and a guest ran
# in a machine on it; empty is QEMU's emulator. Says which, and why.
nested_accel() {
	local dir=$PWD/build/nested/run/probe why rc
	[ -z "${nested_kvm+set}" ] || return 0
	nested_kvm=
	if why=$(tests/nested/accel.sh); then
		mkdir -p "$dir"
		echo "60 probe $1/disvm run --kernel $2 --cmdline 'work=idle time=1ms'" >"$dir/jobs"
		rm -rf "$dir/log"
		MACHINE_KVM=$why tests/nested/machine.sh 6.12 1 "$dir" "$PWD/$2" \
			"$PWD/$1/disvm" >"$dir/out"
		if read -r rc _ 2>/dev/null <"$dir/log/probe.end" && [ "$rc" = 0 ]; then
			nested_kvm=$why
			echo "  machines run on this host's KVM, theirs is $why"
			return
		fi
		why="no guest ran in a machine on this host's KVM, see $dir"
	fi
	echo "  machines run in QEMU's emulator: $why"
}

# nested_start LABEL BUILD FACTOR SERIES CPUS [CASE...]: begin all jobs in a machine
# with a kernel of that series, and these cases of linux_jobs with the same kernel as
# guest. What comes of them goes to the directory $nested_dir.
nested_start() {
	local build=$2 series=$4 cpus=$5 image=images/tiny.elf dir
	local linux=("${@:6}") flavours=()
	[ "$build" = build ] || image=$build/tiny.elf
	nested_accel "$build" "$image"
	nested_dir="$PWD/build/nested/run/${1// /}$4-$5"
	dir=$nested_dir
	mkdir -p "$dir"
	nested_jobs "$build" "$image" $(($3 * 3)) >"$dir/jobs"
	if [ "${#linux[@]}" -gt 0 ]; then
		linux_jobs "$build" $(($3 * 3)) "${linux[@]}" >>"$dir/jobs"
		[[ " ${linux[*]} " != *" standard "* ]] || flavours=(amd64)
		tests/nested/linux.sh "$series" "$dir/root" "${flavours[@]}" 2>"$dir/linux.log" ||
			report "$1$4/$5 linux.sh" 0 1 0 "no guest" "$dir/linux.log"
	fi
	nested_boot "$1$4/$5 " "$series" "$cpus" "$PWD/$image" \
		"$PWD/$build"/{disvm,tests/{kvm,nested}/test_*,tests/modules/*.so}
}

# nested_boot LABEL SERIES CPUS FILE...: the machine for the jobs in $nested_dir.
nested_boot() {
	local series=$2 cpus=$3
	echo "$1" >"$nested_dir/label"
	shift 3
	now_ms >"$nested_dir/start"
	# There before anybody follows it.
	: >"$nested_dir/events"
	MACHINE_KVM=$nested_kvm MACHINE_MODULES=tun tests/nested/machine.sh \
		"$series" "$cpus" "$nested_dir" "$@" >"$nested_dir/events" &
	echo $! >"$nested_dir/pid"
}

# nested_events DIR...: what goes on in the machines begun there, as it comes; in front
# of each line the number of its directory.
nested_events() {
	local n=0 dir
	for dir in "$@"; do
		tail -n +1 -f --pid="$(<"$dir/pid")" "$dir/events" | sed -u "s/^/$n /" &
		n=$((n + 1))
	done
	wait
}

# nested_follow DIR...: report the jobs begun there as they end. Those that a machine did
# not come to have failed; why, and its console's end, is shown. Each case is shown as
# it ends if $nested_cases is set.
nested_follow() {
	local dirs=("$@") n word name rest labels=() why=()
	local -A left=()
	for n in "${!dirs[@]}"; do
		IFS= read -r "labels[n]" <"${dirs[n]}/label"
		why[n]="no verdict"
		while read -r word name _; do
			left[$n $name]=$word
		done <"${dirs[n]}/jobs"
	done
	while read -r n word name rest; do
		case $word in
		kernel) echo "  ${labels[n]}$name $rest" ;;
		line)
			[ -z "${nested_cases:-}" ] ||
				grep -E '^(not )?ok ' <<<"$name $rest" | sed 's/^/    /'
			;;
		end)
			nested_end "${labels[n]}" "${left[$n $name]}" "$name" "$rest"
			unset "left[$n $name]"
			;;
		dead) why[n]="$name $rest" ;;
		esac
	done < <(nested_events "${dirs[@]}")
	for n in "${!dirs[@]}"; do
		rest=$(printf '%s\n' "${!left[@]}" | grep -c "^$n ")
		[ "$rest" -gt 0 ] || continue
		tail -n 40 "${dirs[n]}/console.log" >"$tmp/log" 2>/dev/null
		report "${labels[n]}machine" 0 "$rest" \
			$(($(now_ms) - $(<"${dirs[n]}/start"))) "${why[n]}" "$tmp/log"
	done
}

# nested ARGUMENTS...: nested_start and nested_follow.
nested() {
	nested_start "$@"
	nested_follow "$nested_dir"
}

# What bats and its tests call, beside busybox.
nested_bats_programs=(awk base64 bash basename bats cat chmod cmp comm cp cut date dd diff
	dirname dtc env fdtget find flock fuser grep head id ip jq kill ln ls mkdir mkfifo
	mktemp mv nice nproc od pgrep printf prlimit ps qemu-system-x86_64 readlink realpath
	rm rmdir script sed seq setpriv sha256sum sleep sort stat strip tail taskset tee
	timeout touch tr truncate unshare wc)

# seconds_of SOURCE TESTS: that its tests take in a machine, about: 2 s each, if the file
# does not tell ("in a nested machine: 60 s").
seconds_of() {
	local own
	own=$(grep -om1 -E '^# in a nested machine: [0-9]+ s' "$1" | grep -oE '[0-9]+')
	echo "${own:-$((2 * $2))}"
}

# nested_bats FILTER SOURCE...: those tests of bats files that FILTER lets through, in two
# machines at once, as the emulator has one thread. No file is in both.
nested_bats() {
	local filter=$1 source tests seconds total=0 n load=(0 0) dirs=() example
	shift
	example=$PWD/build/nested/example
	nested_accel build images/tiny.elf
	for n in 0 1; do
		dirs[n]=$PWD/build/nested/run/bats$n
		mkdir -p "${dirs[n]}/root/bin" "${dirs[n]}/root/tmp"
		ln -sf /usr/bin/bash "${dirs[n]}/root/bin/bash"
		: >"${dirs[n]}/jobs"
	done
	rm -rf "$example"
	tests/tools/build-example.sh "$example" >"$tmp/log" 2>&1 ||
		report "e2e/build-example.sh" 0 1 0 "no example" "$tmp/log"
	while read -r seconds tests source; do
		n=$((load[1] < load[0]))
		load[n]=$((load[n] + seconds))
		total=$((total + tests))
		echo "$(($(limit_s "$source" 300) * 3)) e2e/$(basename "$source" .bats)" \
			"DISVM_TEST_FEWER=${DISVM_TEST_FEWER:-25}" \
			"DISVM_TEST_EXAMPLE=$example PATH=/usr/bin:\$PATH" \
			"bats --tap --filter-tags $filter $source" >>"${dirs[n]}/jobs"
	done < <(for source in "$@"; do
		tests=$(bats --count --filter-tags "$filter" "$source")
		echo "$(seconds_of "$source" "$tests") $tests $source"
	done | sort -rn)
	echo "  $total tests of $# files in two nested machines, about" \
		"$((load[0] > load[1] ? load[0] : load[1])) s:"
	for n in 0 1; do
		[ -s "${dirs[n]}/jobs" ] || {
			unset "dirs[n]"
			continue
		}
		nested_dir=${dirs[n]}
		MACHINE_MEM=2048 nested_boot "6.12/2 " 6.12 2 \
			"${nested_bats_programs[@]/#//usr/bin/}" \
			/usr/lib/bats-core/* /usr/libexec/bats-core/* \
			/usr/share/qemu/{bios-microvm,linuxboot_dma,multiboot_dma,pvh,kvmvapic}.bin \
			/usr/share/qemu/qboot.rom \
			/usr/share/seabios/bios{,-256k}.bin "$PWD"/images/*.{elf,img} \
			"$PWD"/tests/e2e/*.ba* "$PWD"/build/{disvm,guest/*.elf} \
			"$PWD"/build/tests/{boot,modules}/* "$example"/*.so
	done
	nested_follow "${dirs[@]}"
}
