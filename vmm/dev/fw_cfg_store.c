/* SPDX-License-Identifier: Apache-2.0 */
/* Items and files of fw_cfg; see fw_cfg_store.h. */
#include "fw_cfg_store.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* By ports, and by DMA. */
#define VERSION 3u

/* Among the items: the first of fw_cfg_store_init(). */
#define DIRECTORY_AT 0u

/* Of the directory; all numbers are big endian. */
struct dir_head {
	uint32_t count;
};

struct dir_entry {
	uint32_t bytes;
	uint16_t key;
	uint16_t reserved;
	char name[FW_CFG_NAME_BYTES];
};
_Static_assert(sizeof(struct dir_entry) == 64, "as specified");

const struct fw_cfg_item *fw_cfg_store_find(const struct fw_cfg_store *store,
					    uint16_t key)
{
	for (unsigned i = 0; i < store->n; i++)
		if (store->items[i].key == key)
			return &store->items[i];
	return NULL;
}

int fw_cfg_store_add(struct fw_cfg_store *store, uint16_t key, const void *data,
		     size_t bytes)
{
	struct fw_cfg_item item = {.key = key, .bytes = (uint32_t)bytes};

	if (fw_cfg_store_find(store, key))
		return -EEXIST;
	if (store->n == FW_CFG_ITEMS_MAX || bytes > UINT32_MAX)
		return -ENOSPC;
	item.data = malloc(bytes ? bytes : 1);
	if (!item.data)
		return -ENOMEM;
	if (bytes)
		memcpy(item.data, data, bytes);
	store->items[store->n++] = item;
	return 0;
}

static int append_to_directory(struct fw_cfg_store *store,
			       const struct dir_entry *entry)
{
	struct fw_cfg_item *dir = &store->items[DIRECTORY_AT];
	const struct dir_head head = {htobe32(store->n_files + 1)};
	uint8_t *data = realloc(dir->data, dir->bytes + sizeof(*entry));

	if (!data)
		return -ENOMEM;
	memcpy(data, &head, sizeof(head));
	memcpy(data + dir->bytes, entry, sizeof(*entry));
	dir->data = data;
	dir->bytes += sizeof(*entry);
	return 0;
}

int fw_cfg_store_add_file(struct fw_cfg_store *store, const char *name,
			  const void *data, size_t bytes)
{
	uint16_t key = (uint16_t)(FW_CFG_FILES + store->n_files);
	struct dir_entry entry = {.bytes = htobe32((uint32_t)bytes),
				  .key = htobe16(key)};
	size_t length = strlen(name);
	int ret;

	if (length >= sizeof(entry.name))
		return -ENAMETOOLONG;
	memcpy(entry.name, name, length);
	ret = fw_cfg_store_add(store, key, data, bytes);
	if (ret)
		return ret;
	ret = append_to_directory(store, &entry);
	if (ret) {
		free(store->items[--store->n].data);
		return ret;
	}
	store->n_files++;
	return 0;
}

int fw_cfg_store_init(struct fw_cfg_store *store)
{
	const struct dir_head head = {0};
	const uint32_t version = htole32(VERSION);
	int ret;

	memset(store, 0, sizeof(*store));
	ret = fw_cfg_store_add(store, FW_CFG_DIRECTORY, &head, sizeof(head));
	if (!ret)
		ret = fw_cfg_store_add(store, FW_CFG_SIGNATURE, "QEMU", 4);
	if (!ret)
		ret = fw_cfg_store_add(store, FW_CFG_ID, &version,
				       sizeof(version));
	if (ret)
		fw_cfg_store_free(store);
	return ret;
}

void fw_cfg_store_free(struct fw_cfg_store *store)
{
	for (unsigned i = 0; i < store->n; i++)
		free(store->items[i].data);
	memset(store, 0, sizeof(*store));
}
