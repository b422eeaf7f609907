/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of guests; see option_devices.h. */
#include "option_devices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define READ_ONLY ",ro"
#define MAC_MULTICAST 1u

static int too_many(char *err, size_t err_size)
{
	return option_refuse(err, err_size, "there are %u of them already",
			     RUN_DEVICES_MAX);
}

int set_disk(struct option_values *v, const char *text, char *err,
	     size_t err_size)
{
	struct run_options *o = v->out;
	size_t length = strlen(text), suffix = strlen(READ_ONLY);
	struct run_disk disk = {0};

	if (length >= suffix && !strcmp(text + length - suffix, READ_ONLY)) {
		disk.read_only = true;
		length -= suffix;
	}
	if (!length)
		return option_refuse(err, err_size, "the file name is empty");
	if (o->n_disks == RUN_DEVICES_MAX)
		return too_many(err, err_size);
	disk.path = strndup(text, length);
	if (!disk.path)
		return -ENOMEM;
	o->disks[o->n_disks++] = disk;
	return 0;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = strchr(digits, c | 0x20);

	return c && at ? (int)(at - digits) : -1;
}

/* Six pairs with colons, of one station. */
static bool parse_mac(const char *text, uint8_t mac[6])
{
	for (unsigned i = 0; i < 6; i++, text += 3) {
		int high = hex_digit(text[0]);
		int low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return false;
		mac[i] = (uint8_t)(high * 16 + low);
	}
	return true;
}

static int set_net_key(struct run_net *net, const char *word, char *err,
		       size_t err_size)
{
	static const uint8_t none[6];

	if (!strncmp(word, "tap=", 4) && word[4])
		return option_string(&net->tap, word + 4);
	if (strncmp(word, "mac=", 4) != 0)
		return option_refuse(err, err_size,
				     "'%s' is not tap=NAME or mac=ADDRESS",
				     word);
	if (!parse_mac(word + 4, net->mac) || net->mac[0] & MAC_MULTICAST ||
	    !memcmp(net->mac, none, sizeof(none)))
		return option_refuse(err, err_size,
				     "'%s' is not the address of a station "
				     "like 52:54:00:12:34:56",
				     word + 4);
	net->has_mac = true;
	return 0;
}

int set_net(struct option_values *v, const char *text, char *err,
	    size_t err_size)
{
	struct run_options *o = v->out;
	struct run_net net = {0};
	char *copy = strdup(text), *rest = copy;
	int ret = copy ? 0 : -ENOMEM;

	while (!ret && rest)
		ret = set_net_key(&net, strsep(&rest, ","), err, err_size);
	free(copy);
	if (!ret && !net.tap)
		ret = option_refuse(err, err_size, "tap=NAME is missing");
	if (!ret && o->n_nets == RUN_DEVICES_MAX)
		ret = too_many(err, err_size);
	if (ret)
		free(net.tap);
	else
		o->nets[o->n_nets++] = net;
	return ret;
}

int set_console(struct option_values *v, const char *text, char *err,
		size_t err_size)
{
	return option_output(text, &v->out->console, &v->out->console_path, err,
			     err_size);
}

int set_entropy(struct option_values *v, const char *text, char *err,
		size_t err_size)
{
	static const char *const words[] = {"off", "on"};
	unsigned i = v->out->entropy;
	int ret = option_word(text, words, 2, &i, err, err_size);

	v->out->entropy = i;
	return ret;
}

int option_devices_check(const struct run_options *o, char *err, size_t err_size)
{
	unsigned n = o->n_disks + o->n_nets + o->entropy +
		     (o->console != RUN_OUTPUT_NONE);

	if (n > RUN_DEVICES_MAX)
		return option_refuse(err, err_size,
				     "disks, networks, console and entropy: "
				     "%u devices, at most %u are possible",
				     n, RUN_DEVICES_MAX);
	for (unsigned i = 0; i < o->n_disks && o->copies > 1; i++)
		if (!o->disks[i].read_only)
			return option_refuse(err, err_size,
					     "--disk %s: %u copies would write "
					     "it; they can have it as %s,ro",
					     o->disks[i].path, o->copies,
					     o->disks[i].path);
	if (o->n_nets && o->copies > 1)
		return option_refuse(err, err_size,
				     "--net tap=%s: a tap is for one guest, "
				     "not for %u copies",
				     o->nets[0].tap, o->copies);
	return 0;
}

void option_devices_free(struct run_options *o)
{
	for (unsigned i = 0; i < o->n_disks; i++)
		free(o->disks[i].path);
	for (unsigned i = 0; i < o->n_nets; i++)
		free(o->nets[i].tap);
	free(o->console_path);
}
