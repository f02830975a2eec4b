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

void neap__copy_work_add(struct neap__copy_work *work, bool shared, uint64_t address, unsigned char *here,
                         uint64_t bytes) {
    struct neap__copy_pieces *pieces = shared ? &work->shared : &work->alone;
    while (bytes > 0 && !work->out_of_memory) {
        uint64_t part = bytes < PIECE_BYTES ? bytes : PIECE_BYTES;
        if (!NEAP_ARRAY_RESERVE(pieces->list, pieces->room, pieces->count + 1)) {
            work->out_of_memory = true;
            return;
        }
        pieces->list[pieces->count++] = (struct neap_os_process_piece){address, here, (size_t)part};
        address += part;
        here += part;
        bytes -= part;
    }
}

void neap__copy_work_clear(struct neap__copy_work *work) {
    free(work->alone.list);
    free(work->shared.list);
    *work = (struct neap__copy_work){0};
}

static bool turn_take(struct neap__copy_pieces *pieces, size_t *first, size_t *count) {
    *first = __atomic_fetch_add(&pieces->next, TURN_PIECES, __ATOMIC_RELAXED);
    if (*first >= pieces->count)
        return false;
    *count = pieces->count - *first < TURN_PIECES ? pieces->count - *first : TURN_PIECES;
    return true;
}

static void *populate_run(void *context) {
    struct neap__copy_work *work = context;
    size_t first, count;
    while (turn_take(&work->alone, &first, &count))
        for (size_t i = first; i < first + count; i++)
            neap_os_populate(work->alone.list[i].out, work->alone.list[i].bytes);
    return NULL;
}

static bool failed(const struct neap__copy_work *work) {
    return __atomic_load_n(&work->error, __ATOMIC_RELAXED) != NEAP_OK;
}

static void note(struct neap__copy_work *work, int error, uint64_t missing_bytes) {
    if (error != NEAP_OK)
        __atomic_store_n(&work->error, error, __ATOMIC_RELAXED);
    __atomic_fetch_add(&work->missing_bytes, missing_bytes, __ATOMIC_RELAXED);
}

static void *gather_run(void *context) {
    struct neap__copy_work *work = context;
    size_t first, count;
    while (!failed(work) && turn_take(&work->alone, &first, &count)) {
        uint64_t missing = 0;
        int error = neap_os_process_gather(work->process, work->alone.list + first, count, &missing);
        note(work, error, missing);
    }
    while (!failed(work) && turn_take(&work->shared, &first, &count))
        for (size_t i = first; i < first + count && !failed(work); i++) {
            uint64_t missing = 0;
            int error = neap_os_process_sift(work->process, &work->shared.list[i], &missing);
            note(work, error, missing);
        }
    return NULL;
}

/* Starts helpers if there is enough to do; without them the caller does all the work. */
static int work_run(struct neap__copy_work *work, void *(*run)(void *)) {
    pthread_t threads[THREADS - 1];
    int started = 0;
    if (work->out_of_memory)
        return NEAP_ERROR_MEMORY;
    work->alone.next = work->shared.next = 0;
    while (work->alone.count + work->shared.count > TURN_PIECES && started < THREADS - 1 &&
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

/* The bits of 64 pages that are of that kind. */
static uint64_t word_of(const struct neap_image_mapping *mapping, enum neap__copy_pages pages, uint64_t i) {
    uint64_t all = mapping->rss_bytes > 0 ? ~UINT64_C(0) : 0;
    uint64_t resident = mapping->resident ? mapping->resident[i] : all;
    uint64_t shared = mapping->shared ? mapping->shared[i] : 0;
    switch (pages) {
    case NEAP__COPY_ALONE:
        return resident & ~shared;
    case NEAP__COPY_SHARED:
        return resident & shared;
    default:
        return ~(resident | (mapping->swapped ? mapping->swapped[i] : 0));
    }
}

/* The first page from `page` on that is of that kind, or is not (`is`); `count` if there is none. */
static uint64_t page_find(const struct neap_image_mapping *mapping, enum neap__copy_pages pages,
                          uint64_t page, uint64_t count, bool is) {
    while (page < count) {
        uint64_t word = word_of(mapping, pages, page / 64);
        word = (is ? word : ~word) & ~UINT64_C(0) << (page % 64);
        if (word != 0) {
            uint64_t found = page / 64 * 64 + neap_word_lowest(word);
            return found < count ? found : count;
        }
        page = (page / 64 + 1) * 64;
    }
    return count;
}

void neap__copy_runs(const struct neap_process_image *image, const struct neap_image_mapping *mapping,
                     enum neap__copy_pages pages, void (*visit)(void *context, uint64_t start, uint64_t end),
                     void *context) {
    uint64_t page = image->page_bytes, count = (mapping->end - mapping->start) / page;
    for (uint64_t at = page_find(mapping, pages, 0, count, true); at < count;) {
        uint64_t end = page_find(mapping, pages, at, count, false);
        visit(context, mapping->start + at * page, mapping->start + end * page);
        at = page_find(mapping, pages, end, count, true);
    }
}
