/* inspect/space/memory_account.c: sums the spans, and divides them by the figures of the census. */
#include "inspect/space/memory_account.h"

#include <assert.h>

struct sums {
    uint64_t resident[NEAP_SPAN_KINDS], used[NEAP_SPAN_KINDS];
};

/* A page of zeros that was only read is reported as present but does not count in the RSS. If a mapping
 * has more present pages than RSS, the surplus is subtracted from its largest span. */
static uint64_t surplus_of(const struct neap_process_image *image, const struct neap_image_mapping *mapping) {
    uint64_t shown = neap_process_image_resident(image, mapping->start, mapping->end);
    return shown > mapping->rss_bytes ? shown - mapping->rss_bytes : 0;
}

static void sums_make(const struct neap_process_image *image, struct sums *sums) {
    *sums = (struct sums){{0}, {0}};
    for (size_t i = 0; i < image->span_count;) {
        size_t mapping = image->spans[i].mapping;
        uint64_t surplus = surplus_of(image, &image->mappings[mapping]), largest = 0;
        enum neap_span_kind largest_kind = image->spans[i].kind;
        for (; i < image->span_count && image->spans[i].mapping == mapping; i++) {
            const struct neap_image_span *span = &image->spans[i];
            uint64_t bytes = neap_process_image_resident(image, span->start, span->end);
            sums->resident[span->kind] += bytes;
            sums->used[span->kind] += span->has_use ? span->used_bytes : bytes;
            if (bytes > largest) {
                largest = bytes;
                largest_kind = span->kind;
            }
        }
        sums->resident[largest_kind] -= surplus;
    }
}

/* --- lines ------------------------------------------------------------------- */

static void line_add(struct neap_memory_account *account, const char *name, const char *title,
                     uint64_t bytes) {
    assert(account->line_count < NEAP_ACCOUNT_LINES_MAX);
    if (bytes > 0)
        account->lines[account->line_count++] = (struct neap_account_line){name, title, bytes};
}

/* Adds a line of at most *left bytes and subtracts it, so that the lines of a span never exceed it. */
static void part_add(struct neap_memory_account *account, uint64_t *left, const char *name, const char *title,
                     uint64_t bytes) {
    uint64_t part = bytes < *left ? bytes : *left;
    line_add(account, name, title, part);
    *left -= part;
}

static void heap_lines(const struct sums *sums, const struct neap_account_heap *heap,
                       struct neap_memory_account *account) {
    uint64_t left = sums->resident[NEAP_SPAN_ARENA] + sums->resident[NEAP_SPAN_REGION];
    if (heap && heap->known) {
        part_add(account, &left, "objects", "live objects", heap->object_bytes);
        part_add(account, &left, "buffers", "their buffers: dict tables, list arrays ...",
                 heap->buffer_bytes);
        part_add(account, &left, "parked", "objects kept for reuse on free lists", heap->parked_bytes);
        part_add(account, &left, "unclassified", "live blocks of another kind", heap->unknown_bytes);
        part_add(account, &left, "free_blocks", "free blocks between live ones", heap->free_block_bytes);
        part_add(account, &left, "free_pools", "free pools", heap->free_pool_bytes);
        part_add(account, &left, "headers", "pool headers and alignment", heap->header_bytes);
        line_add(account, "heap_rest", "the rest of arenas and regions", left);
    } else {
        uint64_t used = sums->used[NEAP_SPAN_ARENA] + sums->used[NEAP_SPAN_REGION];
        part_add(account, &left, "heap_used", "blocks in use in Python's heap", used);
        line_add(account, "heap_free", "free memory of Python's heap", left);
    }
    line_add(account, "heap_tables", "tables of Neap's heap", sums->resident[NEAP_SPAN_REGION_TABLES]);
}

static void glibc_lines(const struct sums *sums, const struct neap_account_heap *heap,
                        struct neap_memory_account *account) {
    static const enum neap_span_kind places[] = {NEAP_SPAN_GLIBC_MAIN, NEAP_SPAN_GLIBC_ARENA,
                                                 NEAP_SPAN_GLIBC_MAPPED};
    uint64_t resident = 0, used = 0;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        resident += sums->resident[places[i]];
        used += sums->used[places[i]];
    }
    used = used < resident ? used : resident;
    uint64_t left = used;
    if (heap && heap->known) {
        part_add(account, &left, "glibc_objects", "live objects in glibc's heap", heap->glibc_object_bytes);
        part_add(account, &left, "glibc_buffers", "their buffers in glibc's heap", heap->glibc_buffer_bytes);
    }
    line_add(account, "glibc_used", "glibc's heap: other blocks in use", left);
    line_add(account, "glibc_free", "glibc's heap: free", resident - used);
}

void neap_memory_account_make(const struct neap_process_image *image, const struct neap_account_heap *heap,
                              struct neap_memory_account *account) {
    static const struct {
        enum neap_span_kind kind;
        const char *name, *title;
    } others[] = {
        {NEAP_SPAN_PYTHON_FRAMES, "python_frames", "frames of Python functions"},
        {NEAP_SPAN_STACK, "stacks", "stacks of threads"},
        {NEAP_SPAN_DATA, "data", "variables of programs and libraries"},
        {NEAP_SPAN_CODE, "code", "program code"},
        {NEAP_SPAN_FILE, "files", "files, read only"},
        {NEAP_SPAN_SHARED, "shared", "shared with other processes"},
        {NEAP_SPAN_NAMED, "named", "anonymous memory with a name"},
        {NEAP_SPAN_KERNEL, "kernel", "the kernel's own"},
        {NEAP_SPAN_RESERVED, "reserved", "without access, and in memory"},
    };
    struct sums sums;
    uint64_t explained = 0;
    *account = (struct neap_memory_account){0};
    for (size_t i = 0; i < image->mapping_count; i++)
        account->rss_bytes += image->mappings[i].rss_bytes;
    sums_make(image, &sums);
    heap_lines(&sums, heap, account);
    glibc_lines(&sums, heap, account);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        line_add(account, others[i].name, others[i].title, sums.resident[others[i].kind]);
    for (size_t i = 0; i < account->line_count; i++)
        explained += account->lines[i].bytes;
    assert(explained <= account->rss_bytes);
    /* Unclaimed anonymous memory is the part that this account cannot explain. */
    account->lines[account->line_count++] =
        (struct neap_account_line){"unexplained", "unexplained: anonymous memory without a known owner",
                                   explained < account->rss_bytes ? account->rss_bytes - explained : 0};
}
