/* advice/size_measured.h: measures the memory that the same entries take in Neap's containers, by
 * filling real ones.
 *
 *     entries of the target ── copied ──> neap_map_t   ──> bytes
 *                                    └──> neap_trie_t  ──> bytes ── frozen ──> bytes
 *
 * The size depends on the common parts of all keys, and on how full groups and leaves become,
 * which depends on the order of insertion. A formula would have to repeat the container. So
 * this file fills containers through their public headers.
 *
 * A container that grows beyond `most_bytes` is given up. It would save nothing, and this
 * bounds the memory that a target can make Neap take. One thread.
 */
#ifndef NEAP_ADVICE_SIZE_MEASURED_H
#define NEAP_ADVICE_SIZE_MEASURED_H

#include <neap/map.h>
#include <neap/trie.h>

enum {
    NEAP_MEASURED_MAP = 1,
    NEAP_MEASURED_TRIE = 2,
    NEAP_MEASURED_FROZEN = 4,
    NEAP_MEASURED_MAPS_MOST = 16
};

/* A zeroed one has no containers. */
struct neap_size_measured {
    neap_map_t *maps[NEAP_MEASURED_MAPS_MOST];
    unsigned map_count; /* 0: not wanted, or given up */
    neap_trie_t *trie;  /* NULL: not wanted, or given up */
    uint64_t count;     /* entries that were added */
    uint64_t most_bytes;
    unsigned unmade; /* NEAP_MEASURED_...: given up, because there was too little memory */
};

/* Bytes of each container; for maps the mean of several. 0: not wanted, or given up. */
struct neap_size_measured_bytes {
    uint64_t map, trie, frozen;
    unsigned unmade; /* NEAP_MEASURED_...: 0 above because there was too little memory */
};

/* Makes the containers in `wanted` for `entries` entries; if there is no memory, there are fewer. A trie
 * is made for text keys only. The size of a small map depends on its seed, so several are made. */
void neap_size_measured_open(struct neap_size_measured *store, unsigned wanted, enum neap_kind key,
                             enum neap_kind value, uint64_t entries, uint64_t most_bytes);

/* Adds an entry to each container. False if no container is left. */
bool neap_size_measured_add(struct neap_size_measured *store, union neap_item key, union neap_item value);

/* Measures the containers and ends them. If an entry replaced another one, the container does not hold
 * the same contents, and its size is 0. */
struct neap_size_measured_bytes neap_size_measured_close(struct neap_size_measured *store);

#endif
