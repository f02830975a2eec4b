/* containers/trie/trie_page.h: pages that hold the leaves of a larger trie.
 *
 *     page of 4080 B:  [ links, used | leaf      | free | leaf   | free       ]
 *     used, one bit      1             1 1 1 1 1   0 0    1 1 1    0 0 0 0 0
 *     per 64-byte cell
 *                        bin = its longest run of free cells, here 5
 *
 * Leaves grow and shrink often and have all sizes. As blocks of the heap they would
 * leave behind slabs of sizes that few leaves still have. In a page, any leaf fits
 * into any gap. A new leaf goes to the page with the shortest sufficient longest gap.
 * Leaves that move out of sparse pages are placed one after the other in new pages,
 * so that these are full. A page without a leaf is freed.
 *
 * The leaves of a small trie, and leaves longer than a page, are blocks of their own;
 * their cell is 0.
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
    TRIE_PAGE_HEAD_BYTES = TRIE_CELL_BYTES - NEAP_SHARED_LINK_BYTES, /* size of the first cell */
    TRIE_PAGE_BYTES = TRIE_CELL_BYTES * TRIE_PAGE_CELLS - NEAP_SHARED_LINK_BYTES,
    TRIE_PAGES_FROM_BYTES = 16 << 10, /* a trie uses pages from this size on */
};

struct trie_pages;

/* The memory of a trie. */
struct neap__trie_memory {
    struct neap_allocator allocator;
    struct trie_pages *pages; /* NULL: none yet */
    size_t bytes;             /* blocks from the allocator: pages, leaves and nodes */
};

/* The memory of a leaf: `cell` is the index in its page, or 0. */
struct neap__trie_place {
    void *address; /* NULL: no memory */
    size_t room_bytes;
    uint8_t cell;
};

/* Allocates room for a leaf of at least `bytes`. */
struct neap__trie_place neap__trie_memory_alloc(struct neap__trie_memory *memory, size_t bytes);
/* The same for a leaf that is moved out of a sparse page. */
struct neap__trie_place neap__trie_memory_alloc_dense(struct neap__trie_memory *memory, size_t bytes);
void neap__trie_memory_free(struct neap__trie_memory *memory, struct neap__trie_place place);

/* Reduces the room of a place without moving it, if that frees any cells. */
void neap__trie_memory_shrink(struct neap__trie_memory *memory, struct neap__trie_place *place, size_t bytes);

/* Allocates a block outside of pages, for a node. */
void *neap__trie_memory_block(struct neap__trie_memory *memory, size_t bytes);
void neap__trie_memory_block_free(struct neap__trie_memory *memory, void *block, size_t bytes);

/* Whether the page of a leaf is sparse, so that the leaf should be moved. */
bool neap__trie_memory_is_sparse(const struct neap__trie_memory *memory, struct neap__trie_place place);

/* Bytes of pages and of the tables that find them. */
size_t neap__trie_memory_page_bytes(const struct neap__trie_memory *memory);

/* Frees the tables. There must be no leaves left. */
void neap__trie_memory_end(struct neap__trie_memory *memory);

/* Verifies the pages, and that `cells` cells are in use. */
bool neap__trie_memory_check(const struct neap__trie_memory *memory, size_t cells, const char **why);

#endif
