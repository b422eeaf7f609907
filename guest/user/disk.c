/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk:N: writes the first N sectors of the first disk, each with its number and that
 * of the pass, flushes, says so, and reads them back; then the next pass. Each request
 * counts as work and is timed. What goes wrong is said, with the status of the device,
 * and ends the work.
 * fault:disk: gives the disk a chain without end.
 */
#include <task.h>
#include <virtio.h>

static void fill(uint64_t sector, uint64_t pass)
{
	for (unsigned i = 0; i < SECTOR_BYTES / 8; i += 2) {
		disk_data[i] = pass;
		disk_data[i + 1] = sector;
	}
}

static bool is_filled(uint64_t sector, uint64_t pass)
{
	for (unsigned i = 0; i < SECTOR_BYTES / 8; i += 2)
		if (disk_data[i] != pass || disk_data[i + 1] != sector)
			return false;
	return true;
}

/* Of the request that failed, for disk_run() to say: stacks are small. */
static const char *failed;
static uint32_t failed_status;

/* Timed. Return: is all well, and time left? */
static bool request(struct task *task, uint32_t type, uint64_t sector,
		    const char *name)
{
	uint64_t from = rdtsc(), now;
	uint32_t status = disk_request(type, sector, run.end_tsc);

	now = rdtsc();
	if (status == DISK_TOO_LATE || task_over(task, now))
		return false;
	report_of(task)->work++;
	task_record(task, ticks_to_ns(now - from));
	failed = name;
	failed_status = status;
	return !status;
}

static bool pass(struct task *task, uint64_t number)
{
	uint64_t sectors = task->arg[0];

	for (uint64_t i = 0; i < sectors; i++) {
		fill(i, number);
		if (!request(task, DISK_WRITE, i, "write"))
			return false;
	}
	if (!request(task, DISK_FLUSH, 0, "flush"))
		return false;
	task_print_status(task, "disk", "flushed, pass", (int32_t)number);
	for (uint64_t i = 0; i < sectors; i++) {
		fill(0, 0);
		if (!request(task, DISK_READ, i, "read"))
			return false;
		if (!is_filled(i, number)) {
			failed = "read back otherwise, sector plus 1";
			failed_status = (uint32_t)i + 1;
			return false;
		}
	}
	return true;
}

void disk_run(struct task *task)
{
	if (disk_open() < task->arg[0])
		die(EXIT_USAGE, "disk", "has fewer sectors");
	for (uint64_t number = 1; pass(task, number); number++)
		;
	if (failed_status)
		task_print_status(task, "disk", failed, (int32_t)failed_status);
}

void fault_disk_run(struct task *task)
{
	disk_open();
	task_print(task, disk_misuse(run.end_tsc)
				 ? "the disk has stopped"
				 : "misuse of the disk had no effect");
}
