/* containers/trie/trie_page.h: where the leaves of a larger trie lie.
 *
 *     page of 4080 B:  [ links, used | leaf      | free | leaf   | free       ]
 *     used, a bit a      1             1 1 1 1 1   0 0    1 1 1    0 0 0 0 0
 *     cell of 64 bytes
 *                        bin = its longest run of free cells, here 5
 *
 * Leaves grow and shrink all the time and come in every size. Blocks of the heap,
 * one size class each, would leave behind them pages of sizes that few leaves have
 * any more; here any leaf fits in any gap. A leaf goes where the longest gap is the
 * shortest that will do. What moves out of a sparse page is put one after the other
 * into new ones, which are then full. A page without a leaf is freed.
 *
 * The leaves of a small trie, and those that are longer than a page, are blocks of
 * their own: cell 0.
 */
#ifndef NEAP_CONTAINERS_TRIE_TRIE_PAGE_H
#define NEAP_CONTAINERS_TRIE_TRIE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "containers/common/container_memory.h"

enum {
    TRIE_CELL_BYTES = 64,
    TRIE_PAGE_CELLS = 64,
    TRIE_PAGE_HEAD_BYTES = TRIE_CELL_BYTES - NEAP_SHARED_LINK_BYTES, /* its first cell, shorter by this */
    TRIE_PAGE_BYTES = TRIE_CELL_BYTES * TRIE_PAGE_CELLS - NEAP_SHARED_LINK_BYTES,
    TRIE_PAGES_FROM_BYTES = 16 << 10, /* a trie of that size begins to use pages */
};

struct trie_pages;

/* The memory of a trie. */
struct neap__trie_memory {
    struct neap_allocator allocator;
    struct trie_pages *pages; /* NULL: none yet */
    size_t bytes;             /* blocks from the allocator: pages, leaves and nodes */
};

/* A place in memory: `cell` of its page, or 0. */
struct neap__trie_place {
    void *address; /* NULL: no memory */
    size_t room_bytes;
    uint8_t cell;
};

/* Room for a leaf of `bytes`, at least. */
struct neap__trie_place neap__trie_memory_alloc(struct neap__trie_memory *memory, size_t bytes);
/* The same for a leaf that moves to where it is dense. */
struct neap__trie_place neap__trie_memory_alloc_dense(struct neap__trie_memory *memory, size_t bytes);
void neap__trie_memory_free(struct neap__trie_memory *memory, struct neap__trie_place place);

/* Makes a place smaller where it is, if that frees anything: its room is then less. */
void neap__trie_memory_shrink(struct neap__trie_memory *memory, struct neap__trie_place *place, size_t bytes);

/* A block of its own, as nodes are. */
void *neap__trie_memory_block(struct neap__trie_memory *memory, size_t bytes);
void neap__trie_memory_block_free(struct neap__trie_memory *memory, void *block, size_t bytes);

/* Whether a leaf would do well to move: its page is sparse. */
bool neap__trie_memory_is_sparse(const struct neap__trie_memory *memory, struct neap__trie_place place);

/* Bytes of pages, with what finds them. */
size_t neap__trie_memory_page_bytes(const struct neap__trie_memory *memory);

/* Frees what is left when no leaf is. */
void neap__trie_memory_end(struct neap__trie_memory *memory);

/* Whether all pages are where they should be, and their cells in use are `cells`. */
bool neap__trie_memory_check(const struct neap__trie_memory *memory, size_t cells, const char **why);

#endif
