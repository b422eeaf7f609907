# SPDX-License-Identifier: Apache-2.0
#
# Device trees: what a guest gets, a user's tree and overlays merged into it, and
# files that are refused in one line, exit 2, nothing left (R: CARD-6).

load helper

# compile NAME: NAME.dts, from standard input, to NAME.dtb.
compile() {
	cat >"$1.dts"
	dtc -q -@ -I dts -O dtb -o "$1.dtb" "$1.dts"
}

# dump [ARGUMENTS...]: the tree of the tiny guest in out.dtb, as text in out.dts.
dump() {
	run --separate-stderr "$DISVM" run --kernel "$TINY" --dump-dtb out.dtb \
		"$@" </dev/null
	expect_status 0
	[ -z "$output$stderr" ] || fail "printed: $output$stderr"
	dtc -q -I dtb -O dts -o out.dts out.dtb
}

# bad TEXT [ARGUMENTS...]: refused with TEXT.
bad() {
	local text=$1
	shift
	refused 2 "$text" run --kernel "$TINY" --serial file:serial.txt \
		--trace trace.json --report report.json "$@"
}

# bats test_tags=kvm
# R: CARD-6
@test "test_dtb_dump_has_cpus_intents_memory_and_devices" {
	dump --vcpus 3 --mem 48M --cmdline "work=idle" \
		--intent 1=interactive:target=2ms
	[ "$(fdtget out.dtb /chosen bootargs)" = "work=idle" ]
	[ "$(fdtget out.dtb /cpus/cpu@1 disvm,intent)" = interactive ]
	[ "$(fdtget out.dtb /cpus/cpu@1 disvm,latency-ns)" = "0 2000000" ]
	[ "$(fdtget -l out.dtb /cpus | wc -l)" -eq 3 ]
	[ "$(fdtget -t x out.dtb /memory@0 reg)" = "0 0 0 3000000" ]
	[ "$(fdtget -t x out.dtb /serial reg)" = "3f8 8" ]
}

# bats test_tags=kvm
@test "test_dtb_dump_runs_no_guest" {
	dump --serial file:serial.txt --cmdline "work=spin"
	[ ! -e serial.txt ]
}

# bats test_tags=kvm
@test "test_dtb_dump_to_a_missing_directory_is_refused" {
	refused 2 "--dump-dtb: none/out.dtb: No such file" \
		run --kernel "$TINY" --dump-dtb none/out.dtb
}

# bats test_tags=kvm
@test "test_dtb_dump_of_a_bad_overlay_leaves_nothing" {
	echo text >o.dtb
	refused 2 "o.dtb: not a flattened device tree" \
		run --kernel "$TINY" --dtb-overlay o.dtb --dump-dtb out.dtb
}

# bats test_tags=kvm
# R: CARD-6
@test "test_dtb_tree_and_overlays_are_merged_in_order" {
	compile tree <<-'END'
		/dts-v1/;
		/ {
			board { compatible = "x,board"; level = "tree"; };
			spot: spot { value = <5>; };
		};
	END
	compile first <<-'END'
		/dts-v1/;
		/plugin/;
		&{/board} { level = "first"; uses = <&spot>; };
	END
	compile second <<-'END'
		/dts-v1/;
		/plugin/;
		&{/board} { level = "second"; };
		&{/} { more { a = <1>; }; };
	END
	dump --dtb tree.dtb --dtb-overlay first.dtb --dtb-overlay second.dtb
	[ "$(fdtget out.dtb /board level)" = second ]
	[ "$(fdtget out.dtb /board uses)" = "$(fdtget out.dtb /spot phandle)" ]
	[ "$(fdtget out.dtb /more a)" = 1 ]
	[ "$(fdtget out.dtb / compatible)" = disvm,machine-1 ]
}

# bats test_tags=kvm
@test "test_dtb_own_dump_is_taken_again" {
	dump --vcpus 2
	mv out.dtb own.dtb
	dump --vcpus 2 --dtb own.dtb
	cmp <(dtc -q -I dtb -O dts own.dtb) out.dts
}

# bats test_tags=kvm
@test "test_dtb_dump_of_other_vcpus_is_refused" {
	dump --vcpus 2
	mv out.dtb own.dtb
	bad "own.dtb: device tree: /cpus: cpu@1 cannot be added" \
		--vcpus 1 --dtb own.dtb
}

# bats test_tags=kvm
# R: CARD-6
@test "test_dtb_guest_runs_with_a_merged_tree" {
	compile over <<-'END'
		/dts-v1/;
		/plugin/;
		&{/} { board { compatible = "x,board"; }; };
	END
	report --kernel "$TINY" --vcpus 2 --dtb-overlay over.dtb \
		--cmdline "work=idle time=1ms"
	holds '.vms[0].state == "finished"'
}

# bats test_tags=kvm
@test "test_dtb_in_a_configuration_file_is_merged" {
	compile over <<-'END'
		/dts-v1/;
		/plugin/;
		&{/} { board { level = "config"; }; };
	END
	echo '{"dtb-overlay": ["over.dtb"]}' >config.json
	dump --config-file config.json
	[ "$(fdtget out.dtb /board level)" = config ]
}

# bats test_tags=kvm
@test "test_dtb_overlay_that_changes_memory_is_refused" {
	compile over <<-'END'
		/dts-v1/;
		/plugin/;
		&{/memory@0} { reg = <0 0 1 0>; };
	END
	bad "over.dtb: device tree: /memory@0: reg is the machine's and cannot be changed" \
		--dtb-overlay over.dtb
}

# bats test_tags=kvm
@test "test_dtb_tree_with_other_command_line_is_refused" {
	compile tree <<-'END'
		/dts-v1/;
		/ { chosen { bootargs = "debug"; }; };
	END
	bad "tree.dtb: device tree: /chosen: bootargs is there already" \
		--dtb tree.dtb
}

# bats test_tags=kvm
@test "test_dtb_missing_file_is_refused" {
	bad "none.dtb: cannot open: No such file" --dtb none.dtb
}

# bats test_tags=kvm
@test "test_dtb_of_text_is_refused" {
	echo "not a tree, but quite some text, longer than a header" >t.dtb
	bad "t.dtb: not a flattened device tree" --dtb t.dtb
}

# bats test_tags=kvm
@test "test_dtb_larger_than_256_kib_is_refused" {
	truncate -s 300K t.dtb
	bad "t.dtb: file of 307200 bytes; at most 256 KiB are read" --dtb t.dtb
}

# bats test_tags=kvm
@test "test_dtb_truncated_is_refused" {
	dump
	head -c 300 out.dtb >t.dtb
	bad "t.dtb: device tree: truncated" --dtb t.dtb
}

# bats test_tags=kvm
@test "test_dtb_tree_as_overlay_is_refused" {
	dump
	bad "out.dtb: device tree: not an overlay" --dtb-overlay out.dtb
}

# bats test_tags=kvm
@test "test_dtb_overlay_with_unknown_label_is_refused" {
	compile over <<-'END'
		/dts-v1/;
		/plugin/;
		&nowhere { a = <1>; };
	END
	bad "over.dtb: device tree: overlay does not apply" --dtb-overlay over.dtb
}

@test "test_dtb_sixteen_overlays_are_refused" {
	compile over <<-'END'
		/dts-v1/;
		/plugin/;
		&{/} { a { }; };
	END
	local many=()
	for _ in {1..16}; do
		many+=(--dtb-overlay over.dtb)
	done
	bad "--dtb-overlay: more than 15 overlays" "${many[@]}"
}
