/* advice/size_measured.h: what the same entries take in containers of Neap's: real ones are
 * made of them, and measured.
 *
 *     entries of the target ── copied ──> neap_map_t   ──> bytes
 *                                    └──> neap_trie_t  ──> bytes ── frozen ──> bytes
 *
 * What keys have in common, and how full groups and leaves come to be, depends on all of
 * them and on their order: no formula on fewer figures is as true, and one on all of them
 * is the container. It is reached by its public header, as anybody's.
 *
 * A container that grows beyond `most_bytes` is given up: it saves nothing, and no target
 * may make us take more memory than it has. One thread.
 */
#ifndef NEAP_ADVICE_SIZE_MEASURED_H
#define NEAP_ADVICE_SIZE_MEASURED_H

#include <neap/map.h>
#include <neap/trie.h>

enum { NEAP_MEASURED_MAP = 1, NEAP_MEASURED_TRIE = 2, NEAP_MEASURED_MAPS_MOST = 16 };

/* A zeroed one has no containers. */
struct neap_size_measured {
    neap_map_t *maps[NEAP_MEASURED_MAPS_MOST];
    unsigned map_count; /* 0: not wanted, or given up */
    neap_trie_t *trie;  /* NULL: the same */
    uint64_t count;     /* entries that were put */
    uint64_t most_bytes;
};

/* Bytes of each, of maps the mean; 0: not wanted, or given up. */
struct neap_size_measured_bytes {
    uint64_t map, trie, frozen;
};

/* Makes the containers that are wanted, for so many entries; without memory there are fewer. A trie is
 * for keys of texts. Maps of few entries differ by their seeds, so of these there are several. */
void neap_size_measured_open(struct neap_size_measured *store, unsigned wanted, enum neap_kind key,
                             enum neap_kind value, uint64_t entries, uint64_t most_bytes);

/* Puts an entry of these kinds into each. False if none is left. */
bool neap_size_measured_add(struct neap_size_measured *store, union neap_item key, union neap_item value);

/* Measures the containers and ends them; one in which an entry took another's place does not hold the
 * same, and has none. */
struct neap_size_measured_bytes neap_size_measured_close(struct neap_size_measured *store);

#endif
