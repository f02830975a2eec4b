/* advice/size_measured.c: fills, measures and ends the containers. */
#include "advice/size_measured.h"

#include <neap/frozen_trie.h>

enum { MAPPED_ENTRIES = 200000 }; /* in all maps together, if one has fewer, so that their mean is reliable */

static void maps_drop(struct neap_size_measured *store) {
    while (store->map_count > 0)
        neap_map_destroy(store->maps[--store->map_count]);
}

static void trie_drop(struct neap_size_measured *store) {
    neap_trie_destroy(store->trie);
    store->trie = NULL;
}

static void trie_note(struct neap_size_measured *store, int error) {
    store->unmade |= error == NEAP_ERROR_MEMORY ? NEAP_MEASURED_TRIE | NEAP_MEASURED_FROZEN : 0;
}

static void maps_make(struct neap_size_measured *store, enum neap_kind key, enum neap_kind value,
                      uint64_t entries) {
    uint64_t wanted = MAPPED_ENTRIES / (entries + 1) + 1;
    while (store->map_count < wanted && store->map_count < NEAP_MEASURED_MAPS_MOST) {
        neap_map_t *map = neap_map_new(key, value, NULL);
        if (!map) {
            store->unmade |= store->map_count ? 0 : NEAP_MEASURED_MAP;
            return;
        }
        store->maps[store->map_count++] = map;
    }
}

void neap_size_measured_open(struct neap_size_measured *store, unsigned wanted, enum neap_kind key,
                             enum neap_kind value, uint64_t entries, uint64_t most_bytes) {
    bool texts = key == NEAP_KIND_STR || key == NEAP_KIND_BYTES;
    *store = (struct neap_size_measured){.most_bytes = most_bytes};
    if (wanted & NEAP_MEASURED_MAP)
        maps_make(store, key, value, entries);
    if ((wanted & NEAP_MEASURED_TRIE) && texts) {
        store->trie = neap_trie_new(key, value, NULL);
        trie_note(store, store->trie ? NEAP_OK : NEAP_ERROR_MEMORY);
    }
}

bool neap_size_measured_add(struct neap_size_measured *store, union neap_item key, union neap_item value) {
    bool maps_fail = false;
    store->count++;
    for (unsigned i = 0; i < store->map_count; i++) {
        int error = neap_map_put(store->maps[i], key, value, NULL);
        store->unmade |= error == NEAP_ERROR_MEMORY ? NEAP_MEASURED_MAP : 0;
        maps_fail |= error != NEAP_OK || neap_map_bytes(store->maps[i]) > store->most_bytes;
    }
    if (maps_fail)
        maps_drop(store);
    if (store->trie) {
        int error = neap_trie_set(store->trie, key, value);
        trie_note(store, error);
        if (error != NEAP_OK || neap_trie_bytes(store->trie) > store->most_bytes)
            trie_drop(store);
    }
    return store->map_count || store->trie;
}

static uint64_t maps_mean(const struct neap_size_measured *store) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < store->map_count; i++) {
        if (neap_map_count(store->maps[i]) != store->count)
            return 0;
        sum += neap_map_bytes(store->maps[i]);
    }
    return store->map_count ? sum / store->map_count : 0;
}

struct neap_size_measured_bytes neap_size_measured_close(struct neap_size_measured *store) {
    struct neap_size_measured_bytes bytes = {.map = maps_mean(store)};
    maps_drop(store); /* before the frozen trie is made, so that there are never three containers */
    if (store->trie && neap_trie_count(store->trie) == store->count) {
        bytes.trie = neap_trie_bytes(store->trie);
        neap_frozen_trie_t *frozen = neap_trie_freeze(store->trie, NULL);
        if (frozen)
            bytes.frozen = neap_frozen_trie_bytes(frozen);
        else
            store->unmade |= NEAP_MEASURED_FROZEN;
        neap_frozen_trie_destroy(frozen);
    }
    trie_drop(store);
    bytes.unmade = store->unmade;
    return bytes;
}
