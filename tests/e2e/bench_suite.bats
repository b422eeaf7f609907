# SPDX-License-Identifier: Apache-2.0
#
# disvm bench all: one quick run of every bench, then what it wrote: tables or
# JSON, and the page as a browser shows it. Whether it works, never how fast.
# timeout: 600

# bats file_tags=kvm, host:bench

load helper

setup_file() {
	SUITE=$BATS_FILE_TMPDIR
	export SUITE
	local status=0
	timeout 400 "$DISVM" bench all --quick --rounds 1 --json \
		--html "$SUITE/page.html" >"$SUITE/all.json" \
		2>"$SUITE/progress" </dev/null || status=$?
	echo $status >"$SUITE/status"
	# What a browser makes of the page, in either scheme, as attributes.
	cat >"$SUITE/look.html" <<-'END'
		<!DOCTYPE html><title>look</title><body>
		<iframe id="page" src="page.html" width="1200" height="2000"></iframe>
		<script>
		const frame = document.getElementById("page");
		frame.onload = () => {
			const page = frame.contentDocument, all = q => [...page.querySelectorAll(q)];
			const seen = e => { const b = e.getBoundingClientRect();
				return b.width > 0 && b.height > 0; };
			const css = (e, p) => frame.contentWindow.getComputedStyle(e)[p];
			const put = (k, v) => document.body.setAttribute("data-" + k, v);
			put("background", css(page.body, "backgroundColor"));
			put("text", css(page.body, "color"));
			put("sections", all("section").filter(seen).map(s => s.id).join(" "));
			put("plots", all(".plot svg").filter(seen).length);
			put("empty-plots", all("svg").filter(e => !seen(e)).length);
			put("lines", all("#latency polyline").filter(seen).length);
			put("curves", all("#density polyline").length);
			put("strip", all(".strip rect").filter(seen).length);
			put("cells", all("table td").filter(seen).length);
			put("bad-points", all("polyline").filter(
				e => /nan|inf/i.test(e.getAttribute("points"))).length);
			put("colours", new Set(all("#latency polyline").map(
				e => css(e, "stroke"))).size);
			put("wide", page.documentElement.scrollWidth >
				page.documentElement.clientWidth);
		};
		</script></body>
	END
	local scheme
	# Of Chromium's settings: 0 is dark, 1 is light.
	for scheme in 0 1; do
		timeout 60 chromium --headless --no-sandbox --disable-gpu \
			--user-data-dir="$SUITE/profile" \
			--allow-file-access-from-files \
			--blink-settings=preferredColorScheme=$scheme \
			--virtual-time-budget=5000 --dump-dom \
			"file://$SUITE/look.html" >"$SUITE/dom$scheme" \
			2>"$SUITE/chromium$scheme" || true
	done
}

# bench NAME FILTER: FILTER is true of this bench's object.
bench() {
	[ -s "$SUITE/all.json" ] || fail "nothing written" "$(cat "$SUITE/progress")"
	jq -e --arg name "$1" ".benches[] |
		select(.schema == \"disvm.bench.\" + \$name + \"/1\") | $2" \
		"$SUITE/all.json" >/dev/null ||
		fail "$1: does not hold: $2" "$(head -c 3000 "$SUITE/all.json")"
}

# look SCHEME ATTRIBUTE: what the browser said.
look() {
	local value
	value=$(grep -o "data-$2=\"[^\"]*\"" "$SUITE/dom$1" | head -n 1)
	[ -n "$value" ] || fail "no data-$2" "$(cat "$SUITE/dom$1" "$SUITE/chromium$1")"
	value=${value#*\"}
	echo "${value%\"}"
}

# contenders NAME CASE MEASURE CONTENDER...: each has the figure, or a reason
# of its own why it has none in this very case.
contenders() {
	local name=$1 case=$2 measure=$3 contender title
	declare -A cases=([k0]=alone [k4]="4 busy guests" [seven]="the other seven"
		[u50]="50 % of each core" [n16]="16 busy vCPUs"
		[x4]="4 vCPUs on 1 core" [alone]=alone [one]="one at a time"
		[burst]="5 at once" [most]="at the end")
	declare -A titles=([dis]=DIS [early]="DIS, early entry" [warm]="DIS, warm"
		[threads]=threads [nice]="threads, nice -20"
		[slice]="threads, 100 us slice" [fifo]="threads, SCHED_FIFO"
		[batch]="threads, Batch, 10 ms"
		[deadline]="threads, SCHED_DEADLINE" [qemu]=QEMU)
	title=${cases[$case]}
	[ -n "$title" ] || fail "no title of case $case"
	shift 3
	for contender in "$@"; do
		bench "$name" ".figures.${case}_${contender}_$measure != null or
			any(.not_possible[], .remarks[]; .case == \"$title\" and
				.contender == \"${titles[$contender]}\" and
				(.reason | length) > 0)"
	done
}

@test "test_bench_all_runs_every_bench" {
	[ "$(cat "$SUITE/status")" -eq 0 ] || fail "$(cat "$SUITE/progress")"
	jq -e '.schema == "disvm.bench.all/1" and
		([.benches[].schema | split(".")[2] | split("/")[0]] ==
		["switch", "latency", "neighbour", "deadline", "throughput",
		"lockholder", "pingpong", "spawn", "density"])' "$SUITE/all.json" ||
		fail "$(head -c 2000 "$SUITE/all.json")"
	grep -q "density (9 of 9)" "$SUITE/progress" || fail "$(cat "$SUITE/progress")"
}

@test "test_bench_all_has_host_load_and_sound_figures" {
	[ -s "$SUITE/all.json" ] || fail "nothing written"
	jq -e 'all(.benches[]; .quick and .rounds == 1 and .load.wall_ns > 0 and
		(.host | .kernel, .kvm_backend, .cpus, .commit | length > 0) and
		(.figures | length > 0))' "$SUITE/all.json" >/dev/null ||
		fail "$(head -c 3000 "$SUITE/all.json")"
	jq -e '[.benches[].figures[] | to_entries |
		map(select(.key | test("^(min|median|max)_"))) | map(.value)] |
		all(length == 3 and .[0] <= .[1] and .[1] <= .[2] and .[0] >= 0)' \
		"$SUITE/all.json" >/dev/null || fail "a spread is none"
}

@test "test_bench_latency_has_every_contender" {
	contenders latency k0 p50 dis early threads nice slice fifo deadline qemu
	contenders latency k4 p999 dis early threads nice slice fifo deadline qemu
	bench latency '.figures.k4_dis_p99 | .min_ns > 0'
	bench latency '.figures.k4_dis_busy | .min_per_s > 0'
	bench latency '.figures.k0_dis_busy == null'
	bench latency '.figures | .k0_dis_exits.min_count > 0 and
		.k0_qemu_exits == null'
	bench latency '.ratios.k4_p99_to_threads | .median > 0 and
		.of == "k4_dis_p99" and .to == "k4_threads_p99"'
	bench latency '.figures | .k4_dis_p50.target_ns == 60000 and
		.k4_early_p50.target_ns == 20000 and .k0_dis_p50.met == null'
	bench latency '.ratios | .k4_p99_early_to_fifo == null or
		.k4_p99_early_to_fifo.of == "k4_early_p99"'
	bench latency '[.curves[] | select(.panel == "4 busy guests" and
		.name == "DIS")] | length == 1 and
		(.[0].y | last == 1 and . == sort)'
}

@test "test_bench_neighbour_has_before_and_after" {
	contenders neighbour seven p99_after dis threads nice slice fifo deadline qemu
	bench neighbour '.figures | .seven_dis_p99_before.min_ns > 0 and
		.seven_dis_p99_after.min_ns > 0 and
		.seven_dis_growth.target_ratio == 1.5'
}

@test "test_bench_deadline_counts_jobs_and_misses" {
	contenders deadline u50 missed dis threads nice slice fifo deadline qemu
	bench deadline '.figures | .u50_dis_jobs.min_per_s > 0 and
		.u50_dis_missed.max_permille <= 1000 and
		.u50_dis_periods.min_count > 0 and .u50_dis_stalled.min_count >= 0'
}

@test "test_bench_deadline_at_95_percent_allows_no_miss" {
	bench deadline '.figures | .u95_dis_missed |
		. == null or .target_permille == 0 and
		.met == (.max_permille == 0)'
	bench deadline '.figures | .u95_dis_missed == null or
		.u95_dis_periods.min_count > 0'
}

# The kernel's own admission: 95 % of each core is beyond what it grants.
@test "test_bench_deadline_refused_tuning_is_reported" {
	bench deadline '.figures.u95_deadline_missed == null and
		any(.not_possible[]; .contender == "threads, SCHED_DEADLINE" and
		(.reason | test("SCHED_DEADLINE")))'
}

@test "test_bench_throughput_has_work_and_fairness" {
	contenders throughput n16 work dis threads nice batch qemu
	bench throughput '.figures | .n16_dis_work.min_per_s > 0 and
		.n16_dis_jain.min_index > 0 and .n16_dis_jain.max_index <= 1'
}

@test "test_bench_lockholder_needs_cores" {
	contenders lockholder x4 locks dis threads nice slice batch qemu
	bench lockholder '.figures.x4_dis_locks.min_per_s > 0'
	[ "$(nproc)" -ge 4 ] ||
		bench lockholder 'any(.not_possible[]; .reason |
			test("4 cores are needed"))'
}

@test "test_bench_pingpong_counts_trips" {
	contenders pingpong alone trips dis threads nice fifo qemu
	bench pingpong '.figures | .alone_dis_trips.min_per_s > 0 and
		.load_dis_p50.min_ns > 0 and .alone_dis_exits.min_count > 0'
}

@test "test_bench_spawn_ready_is_after_first_instruction" {
	contenders spawn one ready dis warm threads qemu
	contenders spawn burst rate dis
	bench spawn '[.figures | .one_bare_first, .one_dis_first, .burst_dis_rate] |
		all(.[]; . == null or (.min_ns // .min_per_s) > 0)'
	bench spawn 'all(.figures | [.one_dis_first, .one_dis_ready],
			[.one_threads_first, .one_threads_ready];
		.[0] == null or .[0].min_ns < .[1].min_ns)'
	bench spawn '.ratios.one_first_to_bare | . == null or .target == 1.25'
}

@test "test_bench_of_starts_counts_what_was_left_out" {
	local name
	for name in spawn density; do
		bench $name 'if .unwatched == "" then all(.figures[]; .stalls >= 0)
			else all(.figures[]; .stalls == null) end'
	done
}

@test "test_bench_spawn_warm_guests_start_and_are_recycled" {
	contenders spawn burst rate warm
	bench spawn '.figures.one_warm_first == null or (.figures |
		.one_warm_first.min_ns > 0 and
		.one_warm_first.min_ns < .one_warm_ready.min_ns and
		.one_warm_recycle.min_ns > 0 and .one_dis_recycle == null)'
	bench spawn '.ratios.one_warm_first_to_bare | . == null or .target == 0.25'
}

@test "test_bench_density_has_curves_by_number_of_guests" {
	contenders density most guests dis threads qemu
	bench density '.figures | .most_dis_guests.min_count == 10 and
		.most_dis_guest.min_bytes > 40000'
	contenders density most spawn dis
	bench density '[.curves[] | select(.name == "DIS" and
		.panel == "probe p50")] | .[0].x == [1, 10]'
}

@test "test_bench_density_compares_early_and_late_starts" {
	bench density '.figures | .early_dis_guests.min_count == 1 and
		.late_dis_guests.min_count == 10 and
		.late_dis_first == .most_dis_first and
		.late_threads_first == null'
	contenders density most first dis threads
	bench density '.figures | [.late_dis_first, .early_dis_first,
		.early_threads_first] | all(.[]; . == null or .min_ns > 0)'
	bench density '.ratios.first_late_to_early | . == null or .target == 2 and
		.of == "late_dis_first" and .to == "early_dis_first"'
}

@test "test_bench_page_renders_in_light_and_dark" {
	local scheme
	for scheme in 0 1; do
		[ "$(look $scheme sections)" = "switch latency neighbour deadline throughput lockholder pingpong spawn density" ] ||
			fail "$(look $scheme sections)"
		[ "$(look $scheme plots)" -ge 9 ] || fail "$(look $scheme plots) plots"
		[ "$(look $scheme empty-plots)" -eq 0 ] || fail "empty plots"
		[ "$(look $scheme lines)" -ge 4 ] || fail "$(look $scheme lines) lines"
		[ "$(look $scheme curves)" -ge 7 ] || fail "$(look $scheme curves) curves"
		[ "$(look $scheme strip)" -ge 2 ] || fail "$(look $scheme strip) blocks"
		[ "$(look $scheme cells)" -ge 100 ] || fail "$(look $scheme cells) cells"
		[ "$(look $scheme bad-points)" -eq 0 ] || fail "points that are no numbers"
		[ "$(look $scheme colours)" -ge 3 ] || fail "$(look $scheme colours) colours"
		[ "$(look $scheme wide)" = false ] || fail "wider than the window"
	done
	[ "$(look 1 background)" = "rgb(255, 255, 255)" ] || fail "$(look 1 background)"
	[ "$(look 0 background)" = "rgb(13, 17, 23)" ] || fail "$(look 0 background)"
	[ "$(look 0 text)" != "$(look 1 text)" ] || fail "text has one colour"
}

@test "test_bench_without_qemu_says_so" {
	run --separate-stderr env PATH=/nowhere "$DISVM" bench throughput --quick \
		--rounds 1
	expect_status 0
	[[ $output == *"QEMU: not possible here: qemu-system-x86_64 is not installed"* ]] ||
		fail "$output"
}

@test "test_bench_scene_on_one_cpu_works" {
	run --separate-stderr taskset -c "$(taskset -cp $$ | sed 's/.*[ ,-]//')" \
		"$DISVM" bench lockholder --quick --rounds 1
	expect_status 0
	[[ $output == *"4 vCPUs on 1 core"* ]] || fail "$output"
	[[ $output == *"2 cores are needed, 1 may be used"* ]] || fail "$output"
}

# of_bench PATTERN: processes of this session that it fits.
of_bench() {
	pgrep -s 0 -f "$1" || true
}

# hold_scene PID: a scene of bench PID stands still while its guest is alive: one
# of QEMU's, which is another program, or without QEMU the first that comes.
hold_scene() {
	local guest scene
	for _ in $(seq 3000); do
		if command -v qemu-system-x86_64 >/dev/null; then
			guest=$(of_bench "qemu-system.*memory-backend=mem" | head -n 1)
			scene=$([ -z "$guest" ] || ps -o ppid= -p "$guest" || true)
		else
			scene=$(pgrep -P "$1" || true)
			guest=$scene
		fi
		if [ -n "$scene" ] && kill -STOP $scene; then
			# Not of what has ended meanwhile.
			[ ! -e "/proc/$guest/exe" ] || return 0
			kill -CONT $scene
		fi
		sleep 0.02
	done
	fail "no guest ever ran"
}

@test "test_bench_killed_leaves_no_guests" {
	local pid left
	"$DISVM" bench throughput --quick --rounds 100 >/dev/null 2>&1 &
	pid=$!
	hold_scene $pid
	kill -9 $pid
	wait $pid || true
	for _ in $(seq 50); do
		left=$(of_bench "bench throughput|qemu-system.*memory-backend=mem")
		[ -z "$left" ] && return 0
		sleep 0.1
	done
	kill -9 $left
	fail "left: $left"
}
