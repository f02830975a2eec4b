/* inspect/process/copy_work.c: two threads take the pieces in turns. */
#include "inspect/process/copy_work.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/word.h"
#include "os/memory.h"

enum {
    THREADS = 2,
    PIECE_BYTES = 1 << 20,
    TURN_PIECES = 16, /* many small pieces go in one call; large ones fill half a cache */
};

void neap__copy_work_add(struct neap__copy_work *work, uint64_t address, unsigned char *here,
                         uint64_t bytes) {
    while (bytes > 0 && !work->out_of_memory) {
        uint64_t part = bytes < PIECE_BYTES ? bytes : PIECE_BYTES;
        if (!NEAP_ARRAY_RESERVE(work->pieces, work->room, work->count + 1)) {
            work->out_of_memory = true;
            return;
        }
        work->pieces[work->count++] = (struct neap_os_process_memory_piece){address, here, (size_t)part};
        address += part;
        here += part;
        bytes -= part;
    }
}

void neap__copy_work_clear(struct neap__copy_work *work) {
    free(work->pieces);
    *work = (struct neap__copy_work){0};
}

static bool turn_take(struct neap__copy_work *work, size_t *first, size_t *count) {
    *first = __atomic_fetch_add(&work->next, TURN_PIECES, __ATOMIC_RELAXED);
    if (*first >= work->count)
        return false;
    *count = work->count - *first < TURN_PIECES ? work->count - *first : TURN_PIECES;
    return true;
}

static void *populate_run(void *context) {
    struct neap__copy_work *work = context;
    size_t first, count;
    while (turn_take(work, &first, &count))
        for (size_t i = first; i < first + count; i++)
            neap_os_populate(work->pieces[i].out, work->pieces[i].bytes);
    return NULL;
}

static void *gather_run(void *context) {
    struct neap__copy_work *work = context;
    size_t first, count;
    while (__atomic_load_n(&work->error, __ATOMIC_RELAXED) == NEAP_OK && turn_take(work, &first, &count)) {
        uint64_t missing = 0;
        int error = neap_os_process_memory_gather(work->pid, work->pieces + first, count, &missing);
        if (error != NEAP_OK)
            __atomic_store_n(&work->error, error, __ATOMIC_RELAXED);
        __atomic_fetch_add(&work->missing_bytes, missing, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* Starts helpers if there is enough to do; without them the caller does all the work. */
static int work_run(struct neap__copy_work *work, void *(*run)(void *)) {
    pthread_t threads[THREADS - 1];
    int started = 0;
    if (work->out_of_memory)
        return NEAP_ERROR_MEMORY;
    work->next = 0;
    while (work->count > TURN_PIECES && started < THREADS - 1 &&
           pthread_create(&threads[started], NULL, run, work) == 0)
        started++;
    run(work);
    while (started > 0)
        pthread_join(threads[--started], NULL);
    return work->error;
}

int neap__copy_work_gather(struct neap__copy_work *work) {
    return work_run(work, gather_run);
}

int neap__copy_work_populate(struct neap__copy_work *work) {
    return work_run(work, populate_run);
}

/* --- runs of pages --------------------------------------------------------- */

/* The first page from `page` on whose bit is `set`; `pages` if there is none. */
static uint64_t page_find(const uint64_t *bits, uint64_t page, uint64_t pages, bool set) {
    while (page < pages) {
        uint64_t word = (set ? bits[page / 64] : ~bits[page / 64]) & ~UINT64_C(0) << (page % 64);
        if (word != 0) {
            uint64_t found = page / 64 * 64 + neap_word_lowest(word);
            return found < pages ? found : pages;
        }
        page = (page / 64 + 1) * 64;
    }
    return pages;
}

void neap__copy_runs(const struct neap_process_image *image, const struct neap_image_mapping *mapping,
                     bool present, void (*visit)(void *context, uint64_t start, uint64_t end),
                     void *context) {
    uint64_t page = image->page_bytes, pages = (mapping->end - mapping->start) / page;
    if (!mapping->resident || mapping->swap_bytes > 0) {
        bool all = mapping->rss_bytes > 0 || mapping->swap_bytes > 0;
        if (all == present)
            visit(context, mapping->start, mapping->end);
        return;
    }
    for (uint64_t at = page_find(mapping->resident, 0, pages, present); at < pages;) {
        uint64_t end = page_find(mapping->resident, at, pages, !present);
        visit(context, mapping->start + at * page, mapping->start + end * page);
        at = page_find(mapping->resident, end, pages, present);
    }
}
