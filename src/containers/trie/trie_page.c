/* containers/trie/trie_page.c */
#include "containers/trie/trie_page.h"

#include <assert.h>
#include <string.h>

#include "base/word.h"

struct trie_page {
    struct trie_page *next, *previous; /* of its bin */
    uint64_t used;                     /* one bit per cell; the first cell is this struct */
    unsigned bin;                      /* its longest run of free cells */
};

struct trie_pages {
    size_t count;
    uint64_t bins; /* one bit for each bin that has a page */
    struct trie_page *bin[TRIE_PAGE_CELLS];
    struct trie_page *filling; /* takes leaves that are moved, one after the other; may be NULL */
};

_Static_assert(sizeof(struct trie_page) <= TRIE_PAGE_HEAD_BYTES, "the first cell holds the page's own");

enum { DIRECT_STEP_BYTES = 16, SPARSE_CELLS = TRIE_PAGE_CELLS * 7 / 8 };

/* --- pages and bins -------------------------------------------------------- */

/* Length of the longest run of clear bits; each step shortens all runs by one. */
static unsigned longest_free(uint64_t used) {
    unsigned longest = 0;
    for (uint64_t free = ~used; free != 0; free &= free >> 1)
        longest++;
    return longest;
}

/* First cell of the shortest run of at least `cells` free cells. */
static unsigned best_run(uint64_t used, unsigned cells) {
    unsigned best = 0, best_cells = TRIE_PAGE_CELLS + 1;
    for (uint64_t free = ~used; free != 0;) {
        const unsigned start = neap_word_lowest(free);
        const uint64_t after = ~(free >> start);
        const unsigned run = after == 0 ? TRIE_PAGE_CELLS - start : neap_word_lowest(after);
        if (run >= cells && run < best_cells) {
            best = start;
            best_cells = run;
        }
        if (start + run >= TRIE_PAGE_CELLS)
            break;
        free &= ~UINT64_C(0) << (start + run);
    }
    assert(best > 0);
    return best;
}

static void bin_remove(struct trie_pages *pages, struct trie_page *page) {
    if (page->previous)
        page->previous->next = page->next;
    else
        pages->bin[page->bin] = page->next;
    if (page->next)
        page->next->previous = page->previous;
    if (!pages->bin[page->bin])
        pages->bins &= ~(UINT64_C(1) << page->bin);
}

static void bin_insert(struct trie_pages *pages, struct trie_page *page) {
    page->bin = longest_free(page->used);
    page->previous = NULL;
    page->next = pages->bin[page->bin];
    if (page->next)
        page->next->previous = page;
    pages->bin[page->bin] = page;
    pages->bins |= UINT64_C(1) << page->bin;
}

/* Offset of a cell in its page. */
static size_t cell_offset(unsigned cell) {
    return TRIE_PAGE_HEAD_BYTES + (size_t)(cell - 1) * TRIE_CELL_BYTES;
}

static struct trie_page *page_of(struct neap__trie_place place) {
    return (struct trie_page *)(void *)((uint8_t *)place.address - cell_offset(place.cell));
}

static unsigned cells_for(size_t bytes) {
    return (unsigned)((bytes + TRIE_CELL_BYTES - 1) / TRIE_CELL_BYTES);
}

static void set_used(struct neap__trie_memory *memory, struct trie_page *page, uint64_t used) {
    struct trie_pages *pages = memory->pages;
    bin_remove(pages, page);
    page->used = used;
    if (used != 1) {
        bin_insert(pages, page);
        return;
    }
    if (pages->filling == page)
        pages->filling = NULL;
    pages->count--;
    neap__trie_memory_block_free(memory, page, TRIE_PAGE_BYTES);
}

static struct trie_page *page_new(struct neap__trie_memory *memory) {
    struct trie_page *page = neap__trie_memory_block(memory, TRIE_PAGE_BYTES);
    if (!page)
        return NULL;
    page->used = 1;
    bin_insert(memory->pages, page);
    memory->pages->count++;
    return page;
}

/* --- blocks ---------------------------------------------------------------- */

void *neap__trie_memory_block(struct neap__trie_memory *memory, size_t bytes) {
    void *block = memory->allocator.alloc(memory->allocator.context, bytes);
    if (block)
        memory->bytes += bytes;
    return block;
}

void neap__trie_memory_block_free(struct neap__trie_memory *memory, void *block, size_t bytes) {
    memory->allocator.free(memory->allocator.context, block, bytes);
    memory->bytes -= bytes;
}

static bool begin_pages(struct neap__trie_memory *memory) {
    if (!memory->pages && memory->bytes >= TRIE_PAGES_FROM_BYTES) {
        memory->pages = neap__trie_memory_block(memory, sizeof(*memory->pages));
        if (memory->pages)
            memset(memory->pages, 0, sizeof(*memory->pages));
    }
    return memory->pages != NULL;
}

static struct neap__trie_place place_in(struct neap__trie_memory *memory, struct trie_page *page,
                                        unsigned cells) {
    struct neap__trie_place place = {NULL, 0, 0};
    if (!page)
        return place;
    place.cell = (uint8_t)best_run(page->used, cells);
    place.room_bytes = (size_t)cells * TRIE_CELL_BYTES;
    place.address = (uint8_t *)page + cell_offset(place.cell);
    set_used(memory, page, page->used | neap_word_span(place.cell, place.cell + cells - 1));
    return place;
}

static struct neap__trie_place place_of_its_own(struct neap__trie_memory *memory, size_t bytes) {
    const size_t room = neap_word_round_up_size(bytes, DIRECT_STEP_BYTES);
    return (struct neap__trie_place){neap__trie_memory_block(memory, room), room, 0};
}

struct neap__trie_place neap__trie_memory_alloc(struct neap__trie_memory *memory, size_t bytes) {
    const unsigned cells = cells_for(bytes);
    if (cells >= TRIE_PAGE_CELLS || !begin_pages(memory))
        return place_of_its_own(memory, bytes);
    const uint64_t fitting = memory->pages->bins & ~UINT64_C(0) << cells;
    struct trie_page *page = fitting == 0 ? page_new(memory) : memory->pages->bin[neap_word_lowest(fitting)];
    return place_in(memory, page, cells);
}

struct neap__trie_place neap__trie_memory_alloc_dense(struct neap__trie_memory *memory, size_t bytes) {
    const unsigned cells = cells_for(bytes);
    if (cells >= TRIE_PAGE_CELLS || !begin_pages(memory))
        return place_of_its_own(memory, bytes);
    struct trie_pages *pages = memory->pages;
    if (!pages->filling || pages->filling->bin < cells)
        pages->filling = page_new(memory);
    return place_in(memory, pages->filling, cells);
}

void neap__trie_memory_free(struct neap__trie_memory *memory, struct neap__trie_place place) {
    if (place.cell == 0) {
        neap__trie_memory_block_free(memory, place.address, place.room_bytes);
        return;
    }
    struct trie_page *page = page_of(place);
    const unsigned last = place.cell + cells_for(place.room_bytes) - 1;
    set_used(memory, page, page->used & ~neap_word_span(place.cell, last));
}

void neap__trie_memory_shrink(struct neap__trie_memory *memory, struct neap__trie_place *place,
                              size_t bytes) {
    if (place->cell == 0) {
        const size_t room = neap_word_round_up_size(bytes, DIRECT_STEP_BYTES);
        if (room + place->room_bytes / 8 > place->room_bytes)
            return;
        void *smaller =
            memory->allocator.realloc(memory->allocator.context, place->address, place->room_bytes, room);
        if (!smaller)
            return;
        memory->bytes -= place->room_bytes - room;
        place->address = smaller;
        place->room_bytes = room;
        return;
    }
    const unsigned cells = cells_for(bytes), had = cells_for(place->room_bytes);
    if (cells == had)
        return;
    struct trie_page *page = page_of(*place);
    set_used(memory, page, page->used & ~neap_word_span(place->cell + cells, place->cell + had - 1u));
    place->room_bytes = (size_t)cells * TRIE_CELL_BYTES;
}

bool neap__trie_memory_is_sparse(const struct neap__trie_memory *memory, struct neap__trie_place place) {
    if (place.cell == 0)
        return memory->pages && cells_for(place.room_bytes) < TRIE_PAGE_CELLS;
    return neap_word_count(page_of(place)->used) < SPARSE_CELLS;
}

size_t neap__trie_memory_page_bytes(const struct neap__trie_memory *memory) {
    if (!memory->pages)
        return 0;
    return sizeof(*memory->pages) + memory->pages->count * TRIE_PAGE_BYTES;
}

void neap__trie_memory_end(struct neap__trie_memory *memory) {
    if (memory->pages) {
        assert(memory->pages->count == 0);
        neap__trie_memory_block_free(memory, memory->pages, sizeof(*memory->pages));
    }
    memory->pages = NULL;
    assert(memory->bytes == 0);
}

bool neap__trie_memory_check(const struct neap__trie_memory *memory, size_t cells, const char **why) {
    size_t found = 0, count = 0;
    *why = "leaves lie in pages, and there are none";
    if (!memory->pages)
        return cells == 0;
    *why = "a page of leaves is in the wrong bin";
    for (unsigned bin = 0; bin < TRIE_PAGE_CELLS; bin++) {
        const struct trie_page *page = memory->pages->bin[bin], *before = NULL;
        if ((memory->pages->bins >> bin & 1) != (page != NULL))
            return false;
        for (; page; before = page, page = page->next) {
            if (page->bin != bin || longest_free(page->used) != bin || page->previous != before)
                return false;
            found += neap_word_count(page->used) - 1;
            count++;
        }
    }
    *why = "the cells of leaves in use are not those of the leaves";
    return found == cells && count == memory->pages->count;
}
