/* SPDX-License-Identifier: Apache-2.0 */
/* A tap interface of the host; see tap.h. */
#include "io/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"

static const char *reason(int err)
{
	switch (err) {
	case ENODEV:
		return "there is no such interface";
	case EINVAL:
		return "is not a tap interface of one queue";
	case EBUSY:
		return "is in use already";
	default:
		return strerror(err);
	}
}

/* An interface of that name must be there already, or it would be made. */
static int attach(int fd, const char *name, int header_bytes)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

	size_t length = strlen(name);

	if (length >= sizeof(ifr.ifr_name) || !if_nametoindex(name))
		return -ENODEV;
	memcpy(ifr.ifr_name, name, length);
	if (ioctl(fd, TUNSETIFF, &ifr) ||
	    ioctl(fd, TUNSETVNETHDRSZ, &header_bytes) ||
	    ioctl(fd, TUNSETOFFLOAD, 0))
		return -errno;
	return 0;
}

int tap_open(const char *name, int header_bytes, char *err, size_t err_size)
{
	int fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int ret;

	if (fd < 0) {
		ret = errno;
		snprintf(err, err_size, TUN_PATH ": %s", strerror(ret));
		/* The codes that speak of the interface are not the device's. */
		return ret == ENODEV ? -ENXIO : -ret;
	}
	ret = attach(fd, name, header_bytes);
	if (!ret)
		return fd;
	close(fd);
	snprintf(err, err_size, "tap %s: %s", name, reason(-ret));
	return ret;
}
