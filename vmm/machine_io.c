/* SPDX-License-Identifier: Apache-2.0 */
/* Disks, networks, console and entropy of a guest; see machine_io.h. */
#include "machine_io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/virtio/block.h"
#include "dev/virtio/entropy.h"
#include "io/tap.h"
#include "machine_ata.h"
#include "machine_devices.h"

static const char *const disk_names[PC_VIRTIO_MAX] = {
	"disk0", "disk1", "disk2", "disk3", "disk4", "disk5", "disk6", "disk7"};
static const char *const net_names[PC_VIRTIO_MAX] = {
	"net0", "net1", "net2", "net3", "net4", "net5", "net6", "net7"};

static unsigned virtio_disks(const struct machine_io_spec *spec)
{
	return spec->ata ? 0 : spec->n_disks;
}

/* Of the virtio devices. */
static unsigned device_count(const struct machine_io_spec *spec)
{
	return virtio_disks(spec) + spec->n_nets + (spec->console ? 1u : 0u) +
	       (spec->entropy ? 1u : 0u);
}

static int open_taps(const struct machine_io_spec *spec,
		     struct machine_io_kind *io, enum machine_fault *fault,
		     char *err, size_t err_size)
{
	for (unsigned i = 0; i < spec->n_nets; i++) {
		int fd = tap_open(spec->nets[i].tap, VIRTIO_NET_HEADER_BYTES,
				  err, err_size);

		if (fd < 0) {
			if (fd != -ENODEV && fd != -EINVAL && fd != -EBUSY)
				*fault = MACHINE_FAULT_HOST;
			return fd;
		}
		io->taps[io->n_taps++] = fd;
	}
	return 0;
}

int machine_io_open(const struct machine_io_spec *spec,
		    struct machine_io_kind *io, enum machine_fault *fault,
		    char *err, size_t err_size)
{
	int ret;

	*fault = MACHINE_FAULT_HOST;
	io->images = calloc(PC_VIRTIO_MAX, sizeof(*io->images));
	if (!io->images) {
		snprintf(err, err_size, "out of memory");
		return -ENOMEM;
	}
	*fault = MACHINE_FAULT_INPUT;
	for (; io->n_images < spec->n_disks; io->n_images++) {
		const struct machine_disk *disk = &spec->disks[io->n_images];

		ret = image_open(disk->path, disk->read_only,
				 &io->images[io->n_images], err, err_size);
		if (ret)
			return ret;
	}
	ret = open_taps(spec, io, fault, err, err_size);
	if (ret || !(device_count(spec) + spec->n_disks))
		return ret;
	for (unsigned i = 0; i < device_count(spec); i++)
		io->places[io->n_places++] = (struct virtio_place){
			.gpa = PC_VIRTIO_GPA + (uint64_t)i * PC_VIRTIO_STRIDE,
			.bytes = PC_VIRTIO_BYTES,
			.gsi = PC_VIRTIO_GSI + i,
		};
	*fault = MACHINE_FAULT_HOST;
	ret = io_pool_create(&io->pool);
	if (ret)
		snprintf(err, err_size, "I/O threads: %s", strerror(-ret));
	return ret;
}

int machine_io_start(struct machine_io_kind *io)
{
	return io->pool ? io_pool_start(io->pool) : 0;
}

void machine_io_close(struct machine_io_kind *io)
{
	io_pool_destroy(io->pool);
	while (io->n_images)
		image_close(&io->images[--io->n_images]);
	while (io->n_taps)
		close(io->taps[--io->n_taps]);
	free(io->images);
	io->pool = NULL;
	io->images = NULL;
}

static void on_charge(void *ctx, unsigned vcpu, uint64_t ns)
{
	struct machine *machine = ctx;
	struct dis_vcpu *dis =
		__atomic_load_n(&machine->vcpus[vcpu].dis, __ATOMIC_ACQUIRE);

	/* A packet may come before the guest is bound to the scheduler. */
	if (dis)
		dis_vcpu_charge(dis, ns);
}

static void on_hold(void *ctx, unsigned vcpu)
{
	struct machine *machine = ctx;

	atomic_fetch_add(&machine->vcpus[vcpu].holds, 1);
}

static void on_release(void *ctx, unsigned vcpu)
{
	struct machine *machine = ctx;

	atomic_fetch_sub(&machine->vcpus[vcpu].holds, 1);
	dis_vcpu_wake(machine->vcpus[vcpu].dis);
}

static void on_broken(void *ctx)
{
	const struct machine *machine = ctx;
	const struct machine_io_spec *spec = &machine->kind->spec.io;

	if (spec->broken)
		spec->broken(spec->ctx);
}

static void on_console(void *ctx, const void *data, size_t len)
{
	const struct machine *machine = ctx;
	const struct machine_io_spec *spec = &machine->kind->spec.io;

	spec->console(spec->ctx, machine->seq, data, len);
}

/* Of the device that comes next. */
static struct virtio_config config_of(struct machine *machine, const char *name,
				      unsigned priority)
{
	return (struct virtio_config){
		.name = name,
		.mem = &machine->vm.mem,
		.irq = machine_irq_line(
			machine, machine->kind->io.places[machine->io.n].gsi),
		.pool = machine->kind->io.pool,
		.account = &machine->io.account,
		.priority = priority,
		.hold = on_hold,
		.release = on_release,
		.broken = on_broken,
		.ctx = machine,
	};
}

/* @dev is ready to be used. */
static int put_on_bus(struct machine *machine, struct virtio_dev *dev)
{
	unsigned i = machine->io.n;

	machine->io.devs[machine->io.n++] = dev;
	return io_bus_add(&machine->mmio, machine->kind->io.places[i].gpa,
			  PC_VIRTIO_BYTES, &virtio_mmio_ops, dev);
}

static int add_disks(struct machine *machine)
{
	const struct machine_kind *kind = machine->kind;
	struct machine_io *io = &machine->io;
	int ret = 0;

	if (kind->spec.io.ata)
		return kind->io.n_images ? machine_ata_add(machine) : 0;
	for (unsigned i = 0; i < kind->io.n_images && !ret; i++) {
		struct virtio_config config = config_of(
			machine, disk_names[i], kind->spec.io.disk_priority);

		ret = virtio_block_init(&io->disks[i], &kind->io.images[i],
					&config);
		if (!ret)
			ret = put_on_bus(machine, &io->disks[i].dev);
	}
	return ret;
}

static int add_nets(struct machine *machine)
{
	const struct machine_kind *kind = machine->kind;
	struct machine_io *io = &machine->io;
	int ret = 0;

	for (unsigned i = 0; i < kind->io.n_taps && !ret; i++) {
		struct virtio_config config = config_of(
			machine, net_names[i], kind->spec.io.net_priority);

		ret = virtio_net_init(&io->nets[i], kind->io.taps[i],
				      kind->spec.io.nets[i].mac, &config);
		if (!ret)
			ret = put_on_bus(machine, &io->nets[i].dev);
	}
	return ret;
}

static int add_console(struct machine *machine)
{
	struct virtio_config config =
		config_of(machine, "console", IO_PRIORITY_DEFAULT);
	int ret = virtio_console_init(machine->io.console, on_console, machine,
				      &config);

	return ret ? ret : put_on_bus(machine, &machine->io.console->dev);
}

static int add_entropy(struct machine *machine)
{
	struct virtio_config config =
		config_of(machine, "entropy", IO_PRIORITY_DEFAULT);
	int ret = virtio_entropy_init(machine->io.entropy, &config);

	return ret ? ret : put_on_bus(machine, machine->io.entropy);
}

static bool allocate(const struct machine_io_spec *spec, struct machine_io *io)
{
	if (virtio_disks(spec))
		io->disks = calloc(virtio_disks(spec), sizeof(*io->disks));
	if (spec->n_nets)
		io->nets = calloc(spec->n_nets, sizeof(*io->nets));
	if (spec->console)
		io->console = calloc(1, sizeof(*io->console));
	if (spec->entropy)
		io->entropy = calloc(1, sizeof(*io->entropy));
	return (!virtio_disks(spec) || io->disks) &&
	       (!spec->n_nets || io->nets) && (!spec->console || io->console) &&
	       (!spec->entropy || io->entropy);
}

int machine_io_add(struct machine *machine)
{
	const struct machine_io_spec *spec = &machine->kind->spec.io;
	struct machine_io *io = &machine->io;
	int ret = 0;

	io->account = (struct io_account){.charge = on_charge, .ctx = machine};
	io_bucket_init(&io->account.bucket, spec->bandwidth);
	if (!allocate(spec, io))
		ret = -ENOMEM;
	if (!ret)
		ret = add_disks(machine);
	if (!ret)
		ret = add_nets(machine);
	if (!ret && spec->console)
		ret = add_console(machine);
	if (!ret && spec->entropy)
		ret = add_entropy(machine);
	if (ret)
		machine_io_remove(machine);
	return ret;
}

int machine_io_connect(struct machine *machine)
{
	const struct virtio_place *places = machine->kind->io.places;
	int ret = 0;

	for (unsigned i = 0; i < machine->io.n && machine->vm.ncpus == 1; i++) {
		ret = virtio_notify_fd(machine->io.devs[i]);
		if (ret >= 0)
			ret = kvm_vm_notify(&machine->vm,
					    places[i].gpa + VIRTIO_MMIO_NOTIFY,
					    ret);
		if (ret)
			return ret;
	}
	for (unsigned i = 0; i < machine->kind->io.n_taps && !ret; i++)
		ret = virtio_net_connect(&machine->io.nets[i]);
	return ret;
}

static void set_disk_priority(struct machine *machine, unsigned priority)
{
	struct machine_io *io = &machine->io;

	for (unsigned i = 0; io->disks && i < machine->kind->io.n_images; i++)
		io_source_set_priority(&io->disks[i].dev.source, priority);
	for (unsigned i = 0; io->ata && i < io->ata->n; i++)
		io_source_set_priority(&io->ata->blocks[i].source, priority);
}

void machine_io_set_limits(struct machine *machine,
			   const struct machine_io_limits *limits)
{
	const struct machine_io_kind *kind = &machine->kind->io;
	struct machine_io *io = &machine->io;

	if (limits->disk_priority >= 0)
		set_disk_priority(machine, (unsigned)limits->disk_priority);
	for (unsigned i = 0; limits->net_priority >= 0 && i < kind->n_taps; i++)
		io_source_set_priority(&io->nets[i].dev.source,
				       (unsigned)limits->net_priority);
	if (limits->has_bandwidth)
		io_account_set_rate(kind->pool, &io->account, limits->bandwidth);
}

void machine_io_stop(struct machine *machine)
{
	struct machine_io *io = &machine->io;

	for (unsigned i = 0; i < io->n && !io->stopped; i++)
		virtio_stop(io->devs[i]);
	machine_ata_stop(machine);
	io->stopped = true;
}

/* The VM's descriptor may serve another guest. */
static void disconnect(struct machine *machine)
{
	const struct virtio_place *places = machine->kind->io.places;

	for (unsigned i = 0; i < machine->io.n; i++)
		if (machine->io.devs[i]->notify_fd >= 0)
			kvm_vm_notify_end(&machine->vm,
					  places[i].gpa + VIRTIO_MMIO_NOTIFY,
					  machine->io.devs[i]->notify_fd);
}

void machine_io_remove(struct machine *machine)
{
	struct machine_io *io = &machine->io;

	machine_io_stop(machine);
	disconnect(machine);
	machine_ata_remove(machine);
	for (unsigned i = 0; i < io->n; i++)
		virtio_destroy(io->devs[i]);
	free(io->disks);
	free(io->nets);
	free(io->console);
	free(io->entropy);
	*io = (struct machine_io){.stopped = true};
}

bool machine_io_trouble(struct machine *machine, char *text, size_t size)
{
	struct machine_io *io = &machine->io;

	for (unsigned i = 0; i < io->n; i++) {
		if (io->told >> i & 1u)
			continue;
		virtio_trouble(io->devs[i], text, size);
		if (!*text)
			continue;
		io->told |= 1u << i;
		return true;
	}
	return false;
}
