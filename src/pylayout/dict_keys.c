/* pylayout/dict_keys.c: decodes the head of a table of keys. */
#include "pylayout/dict_keys.h"

#include "pylayout/reading.h"

enum {
    HEAD_BYTES = 40,
    SIZE_OFFSET = 8, /* dk_size; dk_log2_size, dk_log2_index_bytes, dk_kind */
    LOG2_MOST = 40,
    ENTRY_GENERAL = 24, /* hash, key, value */
    ENTRY_NAMES = 16,   /* key, value */
};

static uint64_t index_bytes_of(uint64_t size) {
    unsigned width = size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8;
    return size * width;
}

bool neap__py_keys_read(const struct neap_memory *memory, const struct neap_py_version *version,
                        uint64_t address, struct neap__py_keys *keys) {
    unsigned char scratch[HEAD_BYTES];
    const unsigned char *head = address % NEAP_PY_WORD == 0 && address != 0
                                    ? neap_memory_at(memory, address, scratch, HEAD_BYTES)
                                    : NULL;
    if (!head)
        return false;
    uint64_t size, index_bytes;
    uint32_t entry_bytes = ENTRY_GENERAL;
    if (version->keys_log2) {
        unsigned log2_size = head[SIZE_OFFSET], log2_index = head[SIZE_OFFSET + 1];
        if (log2_size > LOG2_MOST || log2_index > LOG2_MOST + 3 || log2_index < log2_size)
            return false;
        size = UINT64_C(1) << log2_size;
        index_bytes = UINT64_C(1) << log2_index;
        if (head[SIZE_OFFSET + 2] != 0)
            entry_bytes = ENTRY_NAMES;
    } else {
        size = neap__py_u64(head, SIZE_OFFSET);
        if (size > UINT64_C(1) << LOG2_MOST || (size & (size - 1)) != 0)
            return false;
        index_bytes = index_bytes_of(size);
    }
    int64_t count = neap__py_i64(head, (size_t)version->keys_nentries);
    int64_t usable = neap__py_i64(head, (size_t)version->keys_usable);
    uint64_t room = size * 2 / 3;
    if (count < 0 || usable < 0 || (uint64_t)count > room || (uint64_t)usable > room)
        return false;
    *keys = (struct neap__py_keys){
        .address = address,
        .bytes = (uint64_t)version->keys_header + index_bytes + room * entry_bytes,
        .refcount = neap__py_u64(head, 0),
        .entries = address + (uint64_t)version->keys_header + index_bytes,
        .count = (uint64_t)count,
        .room = room,
        .shared_usable = (uint64_t)count + (uint64_t)usable,
        .entry_bytes = entry_bytes,
        .key_offset = entry_bytes == ENTRY_GENERAL ? NEAP_PY_WORD : 0,
    };
    return neap__py_in_space(address, keys->bytes);
}

bool neap__py_keys_entry(const struct neap_memory *memory, const struct neap__py_keys *keys, uint64_t index,
                         uint64_t *key, uint64_t *value) {
    unsigned char scratch[2 * NEAP_PY_WORD];
    const void *place = neap_memory_at(memory, keys->entries + index * keys->entry_bytes + keys->key_offset,
                                       scratch, sizeof(scratch));
    if (!place)
        return false;
    *key = neap__py_u64(place, 0);
    *value = neap__py_u64(place, NEAP_PY_WORD);
    return true;
}
