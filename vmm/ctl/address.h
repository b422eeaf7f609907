/* SPDX-License-Identifier: Apache-2.0 */
/* Where a control socket is; shared by server.c and client.c. */
#ifndef DISVM_CTL_ADDRESS_H
#define DISVM_CTL_ADDRESS_H

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Return: 0, -ENAMETOOLONG, -ENOENT for "", which would be a name without a file. */
static inline int ctl_address(const char *path, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(out->sun_path))
		return -ENAMETOOLONG;
	memcpy(out->sun_path, path, strlen(path));
	return *path ? 0 : -ENOENT;
}

#endif
