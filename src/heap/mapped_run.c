/* heap/mapped_run.c: a sorted table of mappings. */
#include "heap/mapped_run.h"

#include <assert.h>
#include <string.h>

#include "heap/purge.h"
#include "os/limits.h"

enum {
    MAPPINGS_SHARE = 16,     /* the heap uses at most 1/16 of the mappings that a process may have */
    ROOM_SHARE = 8,          /* a mapping gets 1/8 more address space than its block needs */
    ROOM_BYTES_MAX = 1 << 20 /* but no more than this, because a huge page may put memory there */
};

static struct neap_layout_mapped_run *runs_of(const neap_heap_t *heap) {
    return (struct neap_layout_mapped_run *)(uintptr_t)heap->layout.mapped;
}

static size_t table_bytes(const neap_heap_t *heap) {
    size_t bytes = heap->layout.mapped_max * sizeof(struct neap_layout_mapped_run);
    return neap_word_round_up_size(bytes, neap_os_page_bytes());
}

/* Number of runs that start at or below `address`. */
static uint32_t rank_of(const neap_heap_t *heap, uint64_t address) {
    const struct neap_layout_mapped_run *runs = runs_of(heap);
    uint32_t low = 0, high = heap->layout.mapped_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (runs[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct neap_layout_mapped_run *neap__mapped_find(const neap_heap_t *heap, const void *pointer) {
    uint32_t rank = rank_of(heap, (uintptr_t)pointer);
    if (rank == 0)
        return NULL;
    struct neap_layout_mapped_run *run = runs_of(heap) + rank - 1;
    return (uintptr_t)pointer - run->address < run->mapped_bytes ? run : NULL;
}

static uint64_t pages_of(const neap_heap_t *heap, uint64_t bytes) {
    return bytes >> heap->page_shift;
}

/* Rounds `bytes` up to whole pages. 0 if no address space can hold that. */
static size_t whole_pages(const neap_heap_t *heap, size_t bytes) {
    size_t page = (size_t)1 << heap->page_shift;
    return bytes <= SIZE_MAX / 2 ? neap_word_round_up_size(bytes, page) : 0;
}

/* --- the table --- */

/* Makes the table with the first run. If that fails, the next call tries again. */
static bool table_open(neap_heap_t *heap) {
    if (heap->layout.mapped != 0)
        return true;
    uint64_t share = neap_os_mapping_limit() / MAPPINGS_SHARE;
    heap->layout.mapped_max = share < NEAP_LAYOUT_MAPPED_MAX ? (uint32_t)share : NEAP_LAYOUT_MAPPED_MAX;
    void *table;
    if (heap->layout.mapped_max == 0 || neap_os_map(table_bytes(heap), &table) != NEAP_OK)
        return false;
    neap_os_advise_huge(table, table_bytes(heap), false);
    heap->layout.mapped = (uintptr_t)table;
    return true;
}

static bool table_full(const neap_heap_t *heap) {
    return heap->layout.mapped_count == heap->layout.mapped_max;
}

static struct neap_layout_mapped_run *insert(neap_heap_t *heap, const struct neap_layout_mapped_run *run) {
    uint32_t rank = rank_of(heap, run->address);
    struct neap_layout_mapped_run *at = runs_of(heap) + rank;
    memmove(at + 1, at, (heap->layout.mapped_count - rank) * sizeof(*at));
    *at = *run;
    heap->layout.mapped_count++;
    return at;
}

static void take_out(neap_heap_t *heap, struct neap_layout_mapped_run *run) {
    size_t behind = heap->layout.mapped_count - (size_t)(run - runs_of(heap)) - 1;
    memmove(run, run + 1, behind * sizeof(*run));
    heap->layout.mapped_count--;
}

/* --- mappings --- */

static size_t room_of(size_t bytes) {
    return bytes / ROOM_SHARE < ROOM_BYTES_MAX ? bytes / ROOM_SHARE : ROOM_BYTES_MAX;
}

/* Makes a mapping of `bytes` with room to grow or, if the system refuses, without. None of its
 * pages is in memory. */
static bool map(const neap_heap_t *heap, size_t bytes, struct neap_layout_mapped_run *run) {
    void *address;
    size_t mapped = whole_pages(heap, bytes + room_of(bytes));
    if (neap_os_map(mapped, &address) != NEAP_OK) {
        mapped = bytes;
        if (neap_os_map(mapped, &address) != NEAP_OK)
            return false;
    }
    if (!heap->huge_allowed)
        neap_os_advise_huge(address, mapped, false);
    *run = (struct neap_layout_mapped_run){.address = (uintptr_t)address, .mapped_bytes = mapped};
    return true;
}

/* Makes the mapping of `run` at least `bytes` long and sorts its entry in again. Returns the entry.
 * NULL if the system refuses; nothing has changed then. */
static struct neap_layout_mapped_run *extend(neap_heap_t *heap, struct neap_layout_mapped_run *run,
                                             size_t bytes) {
    struct neap_layout_mapped_run longer = *run;
    void *from = (void *)(uintptr_t)run->address, *to;
    longer.mapped_bytes = whole_pages(heap, bytes + room_of(bytes));
    if (neap_os_remap(from, (size_t)run->mapped_bytes, (size_t)longer.mapped_bytes, &to) != NEAP_OK) {
        longer.mapped_bytes = bytes;
        if (neap_os_remap(from, (size_t)run->mapped_bytes, bytes, &to) != NEAP_OK)
            return NULL;
    }
    longer.address = (uintptr_t)to;
    take_out(heap, run);
    return insert(heap, &longer);
}

/* --- blocks --- */

/* The free run that fits best: the shortest that is long enough, else the longest. */
static struct neap_layout_mapped_run *best_free(const neap_heap_t *heap, size_t bytes) {
    struct neap_layout_mapped_run *runs = runs_of(heap), *best = NULL;
    for (uint32_t i = 0; heap->mapped_spare_pages > 0 && i < heap->layout.mapped_count; i++) {
        if (runs[i].run_bytes != 0)
            continue;
        bool fits = runs[i].mapped_bytes >= bytes, best_fits = best && best->mapped_bytes >= bytes;
        if (!best || (fits && !best_fits) ||
            (fits == best_fits && (runs[i].mapped_bytes < best->mapped_bytes) == fits))
            best = &runs[i];
    }
    return best;
}

/* Counts pages that come into memory, and how many of them are refaults. */
static void came(neap_heap_t *heap, uint64_t pages) {
    uint64_t again = pages < heap->mapped_purged_pages ? pages : heap->mapped_purged_pages;
    if (again > 0) {
        heap->mapped_purged_pages -= again;
        heap->layout.refaulted_pages += again;
        neap__purge_bounced(heap, again, neap__heap_ms(heap) - heap->mapped_purged_ms);
    }
    neap__purge_came(heap, pages);
}

/* Sets the length of the block of `run`, within the mapping; 0 frees it. Pages not touched before
 * must have been admitted. Pages in memory behind the block are spare from now on. */
static void set_length(neap_heap_t *heap, struct neap_layout_mapped_run *run, size_t bytes) {
    heap->layout.runs += bytes != 0;
    heap->layout.runs -= run->run_bytes != 0;
    heap->layout.run_bytes += bytes - run->run_bytes;
    heap->mapped_spare_pages -= pages_of(heap, run->touched_bytes - run->run_bytes);
    if (bytes > run->touched_bytes) {
        came(heap, pages_of(heap, bytes - run->touched_bytes));
        run->touched_bytes = bytes;
    }
    heap->mapped_spare_pages += pages_of(heap, run->touched_bytes - bytes);
    run->run_bytes = bytes;
    run->spare_ms = neap__heap_ms(heap);
}

/* Finds a free run and makes it long enough. NULL if there is none, or if the purge for admission
 * gave back the pages of the one found. */
static struct neap_layout_mapped_run *reuse(neap_heap_t *heap, size_t bytes) {
    struct neap_layout_mapped_run *run = best_free(heap, bytes);
    if (!run)
        return NULL;
    struct neap_layout_mapped_run found = *run;
    uint64_t more = bytes > found.touched_bytes ? pages_of(heap, bytes - found.touched_bytes) : 0;
    if (!neap__purge_admit(heap, more))
        return NULL;
    run = neap__mapped_find(heap, (void *)(uintptr_t)found.address);
    if (!run || run->run_bytes != 0 || run->touched_bytes != found.touched_bytes)
        return NULL;
    return run->mapped_bytes >= bytes ? run : extend(heap, run, bytes);
}

void *neap__mapped_alloc(neap_heap_t *heap, size_t bytes, bool *zero) {
    struct neap_layout_mapped_run fresh, *run;
    bytes = whole_pages(heap, bytes);
    if (bytes == 0 || !table_open(heap))
        return NULL;
    run = reuse(heap, bytes);
    if (zero)
        *zero = !run;
    if (!run) {
        if (table_full(heap) || !neap__purge_admit(heap, pages_of(heap, bytes)) || !map(heap, bytes, &fresh))
            return NULL;
        run = insert(heap, &fresh);
    }
    set_length(heap, run, bytes);
    return (void *)(uintptr_t)run->address;
}

/* Admits the pages that the run at `block` lacks for `bytes`. False if they would pass the heap's
 * limit. The first round may purge spare pages of the run itself at a high-water mark, and then more
 * pages must be admitted: hence a second round. */
static bool admit_growth(neap_heap_t *heap, const void *block, size_t bytes) {
    for (int purged = 0; purged < 2; purged++) {
        const struct neap_layout_mapped_run *run = neap__mapped_find(heap, block);
        if (bytes > run->touched_bytes &&
            !neap__purge_admit(heap, pages_of(heap, bytes - run->touched_bytes)))
            return false;
    }
    return true;
}

void *neap__mapped_resize(neap_heap_t *heap, struct neap_layout_mapped_run *run, size_t bytes) {
    void *block = (void *)(uintptr_t)run->address;
    bytes = whole_pages(heap, bytes);
    if (bytes == 0 || !admit_growth(heap, block, bytes))
        return NULL;
    run = neap__mapped_find(heap, block); /* the purge may have moved its entry */
    if (bytes > run->mapped_bytes)
        run = extend(heap, run, bytes);
    if (!run)
        return NULL;
    set_length(heap, run, bytes);
    return (void *)(uintptr_t)run->address;
}

void neap__mapped_free(neap_heap_t *heap, struct neap_layout_mapped_run *run) {
    set_length(heap, run, 0);
}

/* --- giving back --- */

bool neap__mapped_reclaim(neap_heap_t *heap, uint32_t now_ms, uint32_t decay_ms, uint32_t pages_max,
                          struct neap_os_range *range) {
    struct neap_layout_mapped_run *runs = runs_of(heap);
    for (uint32_t i = 0; heap->mapped_spare_pages > 0 && i < heap->layout.mapped_count; i++) {
        uint64_t pages = pages_of(heap, runs[i].touched_bytes - runs[i].run_bytes);
        if (pages == 0 || now_ms - runs[i].spare_ms < decay_ms)
            continue;
        pages = pages < pages_max ? pages : pages_max;
        runs[i].touched_bytes -= pages << heap->page_shift;
        heap->mapped_spare_pages -= pages;
        heap->layout.resident_pages -= pages;
        heap->layout.purged_pages += pages;
        if (decay_ms > 0) { /* only a purge by decay counts for bounces: the decay did not cause others */
            heap->mapped_purged_pages += pages;
            heap->mapped_purged_ms = now_ms;
        }
        *range = (struct neap_os_range){(void *)(uintptr_t)(runs[i].address + runs[i].touched_bytes),
                                        (size_t)pages << heap->page_shift};
        return true;
    }
    return false;
}

/* A mapping that the system refuses to unmap stays in the table. */
void neap__mapped_unmap(neap_heap_t *heap) {
    struct neap_layout_mapped_run *runs = runs_of(heap);
    for (uint32_t i = heap->layout.mapped_count; i-- > 0;) {
        size_t kept = (size_t)runs[i].touched_bytes;
        if (kept > 0)
            kept = whole_pages(heap, kept + room_of(kept));
        if (kept >= runs[i].mapped_bytes || neap_os_release((char *)(uintptr_t)runs[i].address + kept,
                                                            (size_t)runs[i].mapped_bytes - kept) != NEAP_OK)
            continue;
        runs[i].mapped_bytes = kept;
        if (kept == 0)
            take_out(heap, &runs[i]);
    }
}

void neap__mapped_release_all(neap_heap_t *heap) {
    const struct neap_layout_mapped_run *runs = runs_of(heap);
    for (uint32_t i = 0; i < heap->layout.mapped_count; i++)
        neap_os_release((void *)(uintptr_t)runs[i].address, (size_t)runs[i].mapped_bytes);
    if (heap->layout.mapped != 0)
        neap_os_release((void *)(uintptr_t)heap->layout.mapped, table_bytes(heap));
}
