/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `disvm run`, one row each; see option_table.h. */
#include "option_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <dis/units.h>

#include "hostcpus.h"
#include "option_devices.h"
#include "option_firmware.h"
#include "option_limits.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define MEM_MIN_BYTES (UINT64_C(1) << 20)
#define MEM_MAX_BYTES (UINT64_C(1) << 40)
#define PAGE_BYTES UINT64_C(4096)
#define TIME_LIMIT_MIN_NS DIS_MS_NS

int option_refuse(char *err, size_t err_size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err, err_size, fmt, args);
	va_end(args);
	return -EINVAL;
}

int option_string(char **field, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static int set_path(char **field, const char *text, char *err, size_t err_size)
{
	if (!*text)
		return option_refuse(err, err_size, "the file name is empty");
	return option_string(field, text);
}

static int set_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out,
		    char *err, size_t err_size)
{
	if (!dis_parse_uint(text, min, max, out))
		return 0;
	return option_refuse(err, err_size,
			     "'%s' is not a number from %" PRIu64
			     " to %" PRIu64,
			     text, min, max);
}

int option_duration(const char *text, uint64_t min_ns, uint64_t max_ns,
		    uint64_t *out_ns, char *err, size_t err_size)
{
	char min[32], max[32];
	uint64_t ns;

	if (dis_parse_duration(text, &ns))
		return option_refuse(err, err_size,
				     "'%s' is not a duration like 250us, 5ms "
				     "or 1s",
				     text);
	if (ns < min_ns)
		return option_refuse(
			err, err_size, "%s is shorter than %s", text,
			dis_format_duration(min_ns, min, sizeof(min)));
	if (ns > max_ns)
		return option_refuse(
			err, err_size, "%s is longer than %s", text,
			dis_format_duration(max_ns, max, sizeof(max)));
	*out_ns = ns;
	return 0;
}

static int set_size(const char *text, uint64_t min, uint64_t max, uint64_t *out,
		    char *err, size_t err_size)
{
	uint64_t bytes;
	int ret = dis_parse_size(text, &bytes);

	if (ret == -EINVAL)
		return option_refuse(err, err_size,
				     "'%s' is not a size like 4096, 64M or 2G",
				     text);
	if (ret || bytes < min || bytes > max)
		return option_refuse(err, err_size,
				     "%s is not from %" PRIu64 " to %" PRIu64
				     " bytes",
				     text, min, max);
	*out = bytes;
	return 0;
}

int option_word(const char *text, const char *const *words, size_t count,
		unsigned *out, char *err, size_t err_size)
{
	char list[128] = "";

	for (size_t i = 0; i < count; i++) {
		if (!strcmp(text, words[i])) {
			*out = (unsigned)i;
			return 0;
		}
		if (i)
			strncat(list, ", ", sizeof(list) - strlen(list) - 1);
		strncat(list, words[i], sizeof(list) - strlen(list) - 1);
	}
	return option_refuse(err, err_size, "'%s' is unknown (there is: %s)",
			     text, list);
}

static int set_kernel(struct option_values *v, const char *text, char *err,
		      size_t err_size)
{
	return set_path(&v->out->kernel, text, err, err_size);
}

static int set_initrd(struct option_values *v, const char *text, char *err,
		      size_t err_size)
{
	return set_path(&v->out->initrd, text, err, err_size);
}

static int set_cmdline(struct option_values *v, const char *text, char *err,
		       size_t err_size)
{
	(void)err;
	(void)err_size;
	return option_string(&v->out->cmdline, text);
}

static int set_vcpus(struct option_values *v, const char *text, char *err,
		     size_t err_size)
{
	uint64_t n = v->out->vcpus;
	int ret = set_uint(text, 1, RUN_VCPUS_MAX, &n, err, err_size);

	v->out->vcpus = (unsigned)n;
	return ret;
}

static int set_mem(struct option_values *v, const char *text, char *err,
		   size_t err_size)
{
	uint64_t bytes = 0;
	int ret = set_size(text, MEM_MIN_BYTES, MEM_MAX_BYTES, &bytes, err,
			   err_size);

	if (ret)
		return ret;
	if (bytes % PAGE_BYTES)
		return option_refuse(err, err_size,
				     "%s is not a multiple of 4 KiB", text);
	v->out->mem_bytes = bytes;
	return 0;
}

static int set_copies(struct option_values *v, const char *text, char *err,
		      size_t err_size)
{
	uint64_t n = v->out->copies;
	int ret = set_uint(text, 1, RUN_COPIES_MAX, &n, err, err_size);

	v->out->copies = (unsigned)n;
	return ret;
}

/*
 * The list of vCPUs in front of the class, if there is one: up to the first
 * '=', unless that belongs to a parameter, which stands behind a ':'.
 */
static int split_vcpus(const char *text, struct option_intent *intent,
		       const char **class_text, char *err, size_t err_size)
{
	size_t length = strcspn(text, ":=");
	char *list;
	int ret;

	*class_text = text;
	intent->all = text[length] != '=';
	if (intent->all)
		return 0;
	*class_text = text + length + 1;
	list = strndup(text, length);
	if (!list)
		return -ENOMEM;
	ret = dis_parse_list(list, RUN_VCPUS_MAX, intent->vcpus);
	if (ret == -ERANGE)
		ret = option_refuse(err, err_size,
				    "'%s' names a vCPU beyond %u", list,
				    RUN_VCPUS_MAX - 1);
	else if (ret)
		ret = option_refuse(err, err_size,
				    "'%s' is not a list of vCPUs like 0-3,8",
				    list);
	free(list);
	return ret;
}

static int set_intent(struct option_values *v, const char *text, char *err,
		      size_t err_size)
{
	struct option_intent intent = {0}, *intents;
	const char *class_text;
	int ret;

	ret = split_vcpus(text, &intent, &class_text, err, err_size);
	if (ret)
		return ret;
	ret = dis_intent_parse(class_text, &intent.intent, err, err_size);
	if (ret)
		return ret;
	intents = reallocarray(v->intents, v->n_intents + 1, sizeof(*intents));
	if (!intents)
		return -ENOMEM;
	v->intents = intents;
	intent.text = strdup(text);
	if (!intent.text)
		return -ENOMEM;
	intents[v->n_intents++] = intent;
	return 0;
}

static int set_cpus(struct option_values *v, const char *text, char *err,
		    size_t err_size)
{
	struct hostcpus host;
	int ret = hostcpus_read(&host, err, err_size);

	if (ret)
		return ret;
	return hostcpus_choose(&host, text, DIS_CORES_MAX, v->out->cpus,
			       &v->out->n_cpus, err, err_size);
}

static int set_slab_vms(struct option_values *v, const char *text, char *err,
			size_t err_size)
{
	return set_uint(text, 1, RUN_COPIES_MAX, &v->out->slab_vms, err,
			err_size);
}

static int set_slab_vcpus(struct option_values *v, const char *text, char *err,
			  size_t err_size)
{
	return set_uint(text, 1, (uint64_t)RUN_COPIES_MAX * RUN_VCPUS_MAX,
			&v->out->slab_vcpus, err, err_size);
}

static int set_slab_mem(struct option_values *v, const char *text, char *err,
			size_t err_size)
{
	return set_size(text, 1, RUN_COPIES_MAX * MEM_MAX_BYTES,
			&v->out->slab_mem_bytes, err, err_size);
}

static int set_executor(struct option_values *v, const char *text, char *err,
			size_t err_size)
{
	static const char *const words[] = {
		[RUN_EXECUTOR_DIS] = "dis",
		[RUN_EXECUTOR_THREADS] = "threads",
	};
	unsigned i = v->out->executor;
	int ret = option_word(text, words, COUNT(words), &i, err, err_size);

	v->out->executor = (enum run_executor)i;
	return ret;
}

static int set_irqchip(struct option_values *v, const char *text, char *err,
		       size_t err_size)
{
	static const char *const words[] = {
		[RUN_IRQCHIP_USER] = "user",
		[RUN_IRQCHIP_KERNEL] = "kernel",
	};
	unsigned i = v->out->irqchip;
	int ret = option_word(text, words, COUNT(words), &i, err, err_size);

	v->out->irqchip = (enum run_irqchip)i;
	return ret;
}

static int set_confine(struct option_values *v, const char *text, char *err,
		       size_t err_size)
{
	static const char *const words[] = {
		[RUN_CONFINE_AUTO] = "auto",
		[RUN_CONFINE_FULL] = "full",
		[RUN_CONFINE_OFF] = "off",
	};
	unsigned i = v->out->confine;
	int ret = option_word(text, words, COUNT(words), &i, err, err_size);

	v->out->confine = (enum run_confine)i;
	return ret;
}

static int set_time_limit(struct option_values *v, const char *text, char *err,
			  size_t err_size)
{
	if (!strcmp(text, "none")) {
		v->out->time_limit_ns = DIS_NEVER_NS;
		return 0;
	}
	return option_duration(text, TIME_LIMIT_MIN_NS, DIS_NEVER_NS,
			       &v->out->time_limit_ns, err, err_size);
}

int option_output(const char *text, enum run_output *to, char **path, char *err,
		  size_t err_size)
{
	if (!strncmp(text, "file:", 5)) {
		*to = RUN_OUTPUT_FILE;
		return set_path(path, text + 5, err, err_size);
	}
	if (!strcmp(text, "stdio"))
		*to = RUN_OUTPUT_STDIO;
	else if (!strcmp(text, "none"))
		*to = RUN_OUTPUT_NONE;
	else
		return option_refuse(err, err_size,
				     "'%s' is not stdio, none or file:PATH",
				     text);
	free(*path);
	*path = NULL;
	return 0;
}

static int set_serial(struct option_values *v, const char *text, char *err,
		      size_t err_size)
{
	return option_output(text, &v->out->serial, &v->out->serial_path, err,
			     err_size);
}

static int set_report(struct option_values *v, const char *text, char *err,
		      size_t err_size)
{
	size_t length = strlen(text);
	bool file = length > 5 && !strcmp(text + length - 5, ".json");

	/* A misspelt word must not become a file. */
	if (!file && strcmp(text, "text") != 0 && strcmp(text, "json") != 0)
		return option_refuse(err, err_size,
				     "'%s' is not text, json or a file name "
				     "that ends in .json",
				     text);
	v->out->report_json = file || !strcmp(text, "json");
	if (file)
		return set_path(&v->out->report_path, text, err, err_size);
	free(v->out->report_path);
	v->out->report_path = NULL;
	return 0;
}

static int set_trace(struct option_values *v, const char *text, char *err,
		     size_t err_size)
{
	return set_path(&v->out->trace_path, text, err, err_size);
}

static int set_control(struct option_values *v, const char *text, char *err,
		       size_t err_size)
{
	return set_path(&v->out->control_path, text, err, err_size);
}

const struct option_row option_rows[] = {
	{"kernel", "FILE", NULL, false,
	 "Linux bzImage, or ELF kernel with a PVH note or a multiboot "
	 "header; without, a firmware boots from a disk",
	 set_kernel},
	{"firmware", "FILE", NULL, false,
	 "PC firmware to start with, and disks are ATA disks; with disks and no "
	 "kernel /usr/share/seabios/bios-256k.bin",
	 set_firmware},
	{"firmware-log", "on|off", "off", false,
	 "show what the firmware logs, among the serial output",
	 set_firmware_log},
	{"initrd", "FILE", NULL, false,
	 "file handed to the guest as its first boot module", set_initrd},
	{"cmdline", "STRING", "", false, "command line of the guest",
	 set_cmdline},
	{"dtb", "FILE", NULL, false,
	 "device tree whose nodes are added to the machine's", option_set_dtb},
	{"dtb-overlay", "FILE", NULL, true,
	 "overlay to apply to the device tree; repeatable, in this order",
	 option_set_dtb_overlay},
	{"dump-dtb", "FILE", NULL, false,
	 "write the device tree that the guests would get, and exit",
	 option_set_dump_dtb},
	{"vcpus", "N", "1", false, "vCPUs of each guest, 1 to 256", set_vcpus},
	{"mem", "SIZE", "32M", false,
	 "memory of each guest, 1M to 1T, a multiple of 4K", set_mem},
	{"copies", "N", "1", false, "guests to boot, 1 to 100000", set_copies},
	{"intent", "[VCPULIST=]CLASS[:key=value,...]", NULL, true,
	 "what vCPUs are for: system, realtime:period=DUR,wcet=DUR"
	 "[,deadline=DUR], interactive[:target=DUR], batch or background; "
	 "each also takes cores=LIST, weight=N (1 to 65536), priority=N (0 to "
	 "255), slice=DUR (not realtime), min=N and max=N (per mille of a core "
	 "in any 100 ms); "
	 "repeatable, the last one for a vCPU counts; batch with the default "
	 "quantum if none does",
	 set_intent},
	{"vm-min", "N", NULL, false,
	 "each guest gets N per mille of a core in any 100 ms, an equal part "
	 "for each vCPU that wants it",
	 set_vm_min},
	{"vm-max", "N", NULL, false,
	 "no guest gets more than N per mille of a core in any 100 ms, over "
	 "all its vCPUs",
	 set_vm_max},
	{"numa-node", "N", NULL, false,
	 "memory and CPUs of this NUMA node of the host only", set_numa_node},
	{"cpus", "LIST", "all", false,
	 "host CPUs to run on, at most 64; core i of the pool is the i-th of "
	 "them; all: those this process may use",
	 set_cpus},
	{"quantum", "DUR", "5ms", false,
	 "slice of vCPUs without declared intent, 100us to 10s",
	 option_set_quantum},
	{"class-quantum", "CLASS=DUR", NULL, true,
	 "slice of a class's declared vCPUs, 100us to 10s; not of realtime, "
	 "whose slice is its wcet; repeatable; default: 1ms for system, 4ms "
	 "for interactive, 10ms for batch, 50ms for background",
	 option_set_class_quantum},
	{"floor", "CLASS=N", NULL, true,
	 "per mille of a core that a class keeps against more urgent ones, 0 "
	 "to 500, in sum at most 1000; not of system; repeatable; default: 50 "
	 "for interactive, batch and background, 0 for realtime",
	 option_set_floor},
	{"policy", "CLASS=NAME", NULL, true,
	 "order within a class: rr (round robin), priority (with aging), edf "
	 "(earliest deadline first), fair (by virtual deadline), or that of a "
	 "module; default: edf for realtime, rr for the others",
	 option_set_policy},
	{"policy-module", "FILE.so", NULL, true,
	 "load a policy from this file; repeatable; when it misbehaves, the "
	 "class returns to its default",
	 option_set_policy_module},
	{"slices", "adaptive|fixed", "adaptive", false,
	 "adaptive: a burst that by its history ends soon after its slice is "
	 "let end, in batch and background",
	 option_set_slices},
	{"counters", "on|off", "off", false,
	 "count in detail what the scheduler looks at and how long messages "
	 "wait",
	 option_set_counters},
	{"tenant", "NAME", "default", false,
	 "whose guests these are: sums of the report go by it",
	 option_set_tenant},
	{"slab-vms", "N", NULL, false,
	 "most guests at a time (default: as many as --copies)", set_slab_vms},
	{"slab-vcpus", "N", NULL, false,
	 "most vCPUs at a time (default: what the copies need)", set_slab_vcpus},
	{"slab-mem", "SIZE", NULL, false,
	 "most guest memory in sum (default: what the copies need)",
	 set_slab_mem},
	{"mem-limit", "SIZE", NULL, false,
	 "refuse guests with more memory than this", set_mem_limit},
	{"io-priority", "N", NULL, false,
	 "turn of the guests' disks among all devices, 0 (first) to 7 "
	 "(default: 4)",
	 set_io_priority},
	{"net-priority", "N", NULL, false,
	 "turn of the guests' networks among all devices, 0 (first) to 7 "
	 "(default: 4)",
	 set_net_priority},
	{"mem-bandwidth", "SIZE", NULL, false, "not supported, refused",
	 set_mem_bandwidth},
	{"io-bandwidth", "SIZE", NULL, false,
	 "most bytes per second that each guest moves, over all its disks and "
	 "networks",
	 set_io_bandwidth},
	{"executor", "dis|threads", "dis", false,
	 "who schedules: dis, or the host's kernel, with one thread per vCPU",
	 set_executor},
	{"irqchip", "user|kernel", "user", false,
	 "where the guest's interrupt controller is; kernel only with "
	 "--executor threads",
	 set_irqchip},
	{"confine", "auto|full|off", "auto", false,
	 "take files, networks, rights and most system calls from the process "
	 "once the guests are built: as far as this host permits, or wholly, or "
	 "not at all",
	 set_confine},
	{"time-limit", "DUR", "none", false,
	 "stop the guests after this time, at least 1ms", set_time_limit},
	{"serial", "stdio|none|file:PATH", "stdio", false,
	 "where serial output of the guests goes; stdio: to standard output, "
	 "or to standard error with --report json",
	 set_serial},
	{"disk", "FILE[,ro]", NULL, true,
	 "a disk: a raw image or a block device, to be written or read only; "
	 "repeatable",
	 set_disk},
	{"net", "tap=NAME[,mac=ADDRESS]", NULL, true,
	 "a network device on a tap interface of the host; repeatable", set_net},
	{"console", "stdio|none|file:PATH", "none", false,
	 "a virtio console, and where its output goes", set_console},
	{"entropy", "on|off", "off", false,
	 "a device with random numbers of the host", set_entropy},
	{"config-file", "FILE.json", NULL, false,
	 "JSON object with these options as keys; the command line wins", NULL},
	{"report", "text|json|FILE.json", "text", false,
	 "report at the end, on standard output or in a file", set_report},
	{"trace", "FILE.json", NULL, false,
	 "record what ran when, for ui.perfetto.dev", set_trace},
	{"control", "SOCKET", NULL, false,
	 "listen there for disvm ls, set, stop and the like", set_control},
	{"profile", "on|off", "off", false,
	 "sample each running guest's code 1000 times a second; the report "
	 "then shows its hot instructions, annotated",
	 option_set_profile},
	{"help", NULL, NULL, false, "show this text", NULL},
};
const size_t option_row_count = COUNT(option_rows);
_Static_assert(COUNT(option_rows) <= 64, "a bit of @given for each row");

const struct option_row *option_find(const char *name)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (!strcmp(option_rows[i].name, name))
			return &option_rows[i];
	return NULL;
}

int option_apply(struct option_values *values, const struct option_row *row,
		 const char *origin, const char *text, char *err,
		 size_t err_size)
{
	char why[768] = "";
	int ret = row->set(values, text, why, sizeof(why));

	if (!ret)
		values->given |= UINT64_C(1) << (row - option_rows);
	else
		snprintf(err, err_size, "%s: %s", origin,
			 ret == -ENOMEM ? "out of memory" : why);
	return ret;
}

bool option_given(const struct option_values *values, const char *name)
{
	return values->given >> (option_find(name) - option_rows) & 1;
}
