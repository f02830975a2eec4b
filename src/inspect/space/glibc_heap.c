/* inspect/space/glibc_heap.c: chunk headers of malloc/malloc.c, malloc/arena.c (glibc 2.26 on). */
#include "inspect/space/glibc_heap.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum {
    FLAG_IN_USE = 1, /* of the chunk before */
    FLAG_MAPPED = 2,
    FLAGS = 7,
    ALIGN = 16,
    TCACHE_BINS = 64,
    HEAD_MOST = 8192, /* heap_info and malloc_state in front of an arena's first chunk */
};

/* The state of one walk over an image. */
struct walker {
    struct neap_process_image *image;
    const struct neap_memory *memory;
    struct neap_glibc_facts *facts;
    uint64_t word; /* bytes: 4 or 8 */
    struct neap_image_span *claims;
    size_t count, room;
    bool out_of_memory;
    uint64_t steps; /* how many more steps from chunk to chunk all walks of this heap may make */
    uint64_t reach; /* end of the contiguous anonymous memory that is being searched */
};

static bool word_read(const struct walker *walker, uint64_t address, uint64_t *value) {
    uint64_t wide = 0;
    uint32_t narrow = 0;
    const void *place = neap_memory_at(
        walker->memory, address, walker->word == 8 ? (void *)&wide : (void *)&narrow, (size_t)walker->word);
    if (!place)
        return false;
    if (walker->word == 8)
        memcpy(&wide, place, 8);
    else
        memcpy(&narrow, place, 4);
    *value = walker->word == 8 ? wide : narrow;
    return true;
}

static void claim_add(struct walker *walker, uint64_t start, uint64_t end, enum neap_span_kind kind,
                      uint64_t used_bytes) {
    if (!NEAP_ARRAY_RESERVE(walker->claims, walker->room, walker->count + 1)) {
        walker->out_of_memory = true;
        return;
    }
    walker->claims[walker->count++] = (struct neap_image_span){
        .start = start, .end = end, .kind = kind, .has_use = true, .used_bytes = used_bytes};
    walker->facts->used_bytes += used_bytes;
    walker->facts->free_bytes += neap_process_image_resident(walker->image, start, end) - used_bytes;
}

/* --- chunks -------------------------------------------------------------------- */

/* Reads the chunk at `at`; false if there is none. */
static bool chunk_read(const struct walker *walker, uint64_t at, uint64_t end, uint64_t *bytes,
                       unsigned *flags) {
    uint64_t size;
    if (end - at < 2 * walker->word || !word_read(walker, at + walker->word, &size))
        return false;
    *flags = (unsigned)(size & FLAGS);
    *bytes = size & ~(uint64_t)FLAGS;
    return *bytes >= 2 * walker->word && *bytes % (2 * walker->word) == 0 && *bytes <= end - at &&
           !(*flags & FLAG_MAPPED);
}

/* The sums of a walk over chunks. */
struct walk {
    uint64_t chunks, free_bytes, resident_free_bytes;
};

/* Sets the bound for the walks of one heap: little more steps than it could have smallest chunks. */
static void steps_allow(struct walker *walker, uint64_t bytes) {
    walker->steps = bytes / walker->word + HEAD_MOST;
}

/* Walks from chunk to chunk; true if the last one ends at `end`. The last chunk is `top` and is free. For
 * any other chunk, a flag in the chunk after it says whether it is free. */
static bool chunks_walk(struct walker *walker, uint64_t start, uint64_t end, struct walk *walk) {
    uint64_t bytes, before = 0, at = start;
    unsigned flags;
    *walk = (struct walk){0};
    while (at < end) {
        if (walker->steps == 0 || !chunk_read(walker, at, end, &bytes, &flags))
            return false;
        walker->steps--;
        if (before > 0 && !(flags & FLAG_IN_USE)) {
            walk->free_bytes += before;
            walk->resident_free_bytes += neap_process_image_resident(walker->image, at - before, at);
        }
        walk->chunks++;
        before = bytes;
        at += bytes;
    }
    walk->free_bytes += before;
    walk->resident_free_bytes += neap_process_image_resident(walker->image, end - before, end);
    return walk->chunks > 0;
}

/* Counts free blocks in the cache of a thread, which look used by their flags. The cache is the first chunk
 * of the arena in which the thread began: counts, then lists, for sizes of 2 words + 16 n. */
static uint64_t cache_bytes(const struct walker *walker, uint64_t first, uint64_t end) {
    uint16_t counts[TCACHE_BINS];
    uint64_t bytes, sum = 0, expected = TCACHE_BINS * (2 + walker->word) + walker->word;
    unsigned flags;
    if (!chunk_read(walker, first, end, &bytes, &flags) || bytes != (expected + ALIGN - 1) / ALIGN * ALIGN)
        return 0;
    if (walker->memory->read(walker->memory->context, first + 2 * walker->word, counts, sizeof(counts)) !=
        NEAP_OK)
        return 0;
    uint64_t least = walker->word == 8 ? 32 : 16;
    for (unsigned i = 0; i < TCACHE_BINS; i++)
        sum += counts[i] * (least + (uint64_t)i * ALIGN);
    return sum;
}

static void heap_claim(struct walker *walker, uint64_t start, uint64_t first, uint64_t end,
                       enum neap_span_kind kind, const struct walk *walk) {
    uint64_t resident = neap_process_image_resident(walker->image, start, end);
    uint64_t idle = walk->resident_free_bytes + cache_bytes(walker, first, end);
    walker->facts->chunks += walk->chunks;
    claim_add(walker, start, end, kind, idle < resident ? resident - idle : 0);
}

/* --- the three places ------------------------------------------------------------ */

static bool is_main(const struct neap_image_mapping *mapping) {
    return strcmp(mapping->path, "[heap]") == 0;
}

/* The heap that grows by brk. In a forked process it consists of several mappings: the inherited part and
 * the later growth. Used bytes are distributed evenly over them. */
static void main_claim(struct walker *walker, size_t first_mapping) {
    const struct neap_image_mapping *mapping = &walker->image->mappings[first_mapping], *last = mapping;
    const struct neap_image_mapping *end = walker->image->mappings + walker->image->mapping_count;
    struct walk walk;
    while (last + 1 < end && is_main(last + 1) && last[1].start == last->end)
        last++;
    uint64_t first = mapping->start;
    steps_allow(walker, last->end - first);
    while (!chunks_walk(walker, first, last->end, &walk)) {
        first += walker->word;
        if (first >= mapping->start + ALIGN) {
            walker->facts->broken++;
            return;
        }
    }
    uint64_t resident = neap_process_image_resident(walker->image, mapping->start, last->end);
    uint64_t idle = walk.resident_free_bytes + cache_bytes(walker, first, last->end);
    double used = idle < resident ? 1 - (double)idle / (double)resident : 0;
    for (; mapping <= last; mapping++) {
        uint64_t part = neap_process_image_resident(walker->image, mapping->start, mapping->end);
        claim_add(walker, mapping->start, mapping->end, NEAP_SPAN_GLIBC_MAIN,
                  (uint64_t)((double)part * used));
    }
    walker->facts->chunks += walk.chunks;
    walker->facts->arenas++;
}

/* A heap of another arena. It is aligned to its largest size and begins with a heap_info: arena, heap before,
 * size. */
static bool arena_claim(struct walker *walker, const struct neap_image_mapping *mapping) {
    uint64_t largest = walker->word == 8 ? UINT64_C(64) << 20 : UINT64_C(1) << 20;
    uint64_t arena, bytes, start = mapping->start;
    struct walk walk;
    if (start % largest != 0 || !word_read(walker, start, &arena) ||
        !word_read(walker, start + 2 * walker->word, &bytes))
        return false;
    if (arena % walker->word != 0 || arena == 0 || bytes < ALIGN || bytes > mapping->end - start ||
        bytes > largest || bytes % walker->image->page_bytes != 0)
        return false;
    uint64_t head_end = start + (bytes < HEAD_MOST ? bytes : HEAD_MOST);
    steps_allow(walker, bytes);
    for (uint64_t first = start + 4 * walker->word; first < head_end; first += walker->word)
        if (chunks_walk(walker, first, start + bytes, &walk)) {
            heap_claim(walker, start, first, start + bytes, NEAP_SPAN_GLIBC_ARENA, &walk);
            walker->facts->arenas++;
            return true;
        }
    walker->facts->broken++;
    return false;
}

/* The end of the contiguous anonymous memory from span `i` on. A block may have two mappings, because
 * madvise (MADV_HUGEPAGE) divides a mapping. */
static uint64_t reach_of(const struct neap_process_image *image, size_t i) {
    while (i + 1 < image->span_count && image->spans[i + 1].start == image->spans[i].end &&
           image->spans[i + 1].kind == NEAP_SPAN_ANONYMOUS)
        i++;
    return image->spans[i].end;
}

/* Whether a block with a mapping of its own begins at a page: its size is whole pages, and M is its only
 * flag. If the alignment of blocks is more than two words, the head lies later by the difference and
 * contains it. From 2.43 on the size leaves out two words at the end of the last page, as in other chunks. */
static bool mapped_at(const struct walker *walker, uint64_t at, uint64_t reach, uint64_t *bytes) {
    uint64_t page = walker->image->page_bytes, shift = ALIGN - 2 * walker->word, before, size;
    if (!word_read(walker, at + shift, &before) || !word_read(walker, at + shift + walker->word, &size))
        return false;
    *bytes = size - FLAG_MAPPED + shift;
    if (*bytes % page == page - 2 * walker->word)
        *bytes += 2 * walker->word;
    return before == shift && (size & FLAGS) == FLAG_MAPPED && *bytes % page == 0 && *bytes >= page &&
           *bytes <= reach - at;
}

/* Claims the part of a block in each mapping. */
static void mapped_take(struct walker *walker, uint64_t start, uint64_t end) {
    while (start < end) {
        const struct neap_image_span *span = neap_process_image_span(walker->image, start);
        uint64_t part = span->end < end ? span->end : end;
        claim_add(walker, start, part, NEAP_SPAN_GLIBC_MAPPED,
                  neap_process_image_resident(walker->image, start, part));
        start = part;
    }
    walker->facts->mapped_blocks++;
}

/* Finds the blocks in one span; *done is the end of the last one found. */
static void mapped_claim(struct walker *walker, size_t i, uint64_t *done) {
    const struct neap_image_span *span = &walker->image->spans[i];
    uint64_t at = span->start > *done ? span->start : *done, bytes;
    if (span->start >= walker->reach) /* else the span continues the memory that was already searched */
        walker->reach = reach_of(walker->image, i);
    while ((at = neap_process_image_next(walker->image, at, span->end)) < span->end) {
        if (!mapped_at(walker, at, walker->reach, &bytes)) {
            at += walker->image->page_bytes;
            continue;
        }
        mapped_take(walker, at, at + bytes);
        at += bytes;
        *done = at;
    }
}

int neap_glibc_heap_claim(struct neap_process_image *image, const struct neap_memory *memory,
                          struct neap_glibc_facts *facts) {
    *facts = (struct neap_glibc_facts){0};
    struct walker walker = {.image = image, .memory = memory, .facts = facts, .word = image->pointer_bytes};
    uint64_t done = 0;
    for (size_t i = 0; i < image->span_count; i++) {
        const struct neap_image_span *span = &image->spans[i];
        const struct neap_image_mapping *mapping = &image->mappings[span->mapping];
        if (mapping->rss_bytes == 0 || strncmp(mapping->access, "rw", 2) != 0)
            continue;
        bool whole = span->start == mapping->start && span->end == mapping->end;
        bool goes_on = i > 0 && is_main(&image->mappings[span[-1].mapping]) && span[-1].end == span->start;
        if (whole && span->kind == NEAP_SPAN_NAMED && is_main(mapping) && !goes_on)
            main_claim(&walker, span->mapping);
        else if (span->kind == NEAP_SPAN_ANONYMOUS &&
                 !(span->start == mapping->start && arena_claim(&walker, mapping)))
            mapped_claim(&walker, i, &done);
    }
    int error = walker.out_of_memory ? NEAP_ERROR_MEMORY
                                     : neap_process_image_claim_all(image, walker.claims, walker.count);
    free(walker.claims);
    return error;
}
