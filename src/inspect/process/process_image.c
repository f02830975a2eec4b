/* inspect/process/process_image.c: spans over mappings. */
#include "inspect/process/process_image.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/word.h"
#include "os/held_file.h"

static const struct {
    const char *name, *title;
} kinds[NEAP_SPAN_KINDS] = {
    [NEAP_SPAN_ANONYMOUS] = {"anonymous", "other anonymous memory"},
    [NEAP_SPAN_ARENA] = {"arena", "arenas of CPython"},
    [NEAP_SPAN_REGION] = {"region", "Neap's heap"},
    [NEAP_SPAN_REGION_TABLES] = {"region_tables", "tables of Neap's heap"},
    [NEAP_SPAN_GLIBC_MAIN] = {"glibc_main", "glibc's heap"},
    [NEAP_SPAN_GLIBC_ARENA] = {"glibc_arena", "glibc's heaps of threads"},
    [NEAP_SPAN_GLIBC_MAPPED] = {"glibc_mapped", "glibc's large blocks"},
    [NEAP_SPAN_STACK] = {"stack", "stacks of threads"},
    [NEAP_SPAN_PYTHON_FRAMES] = {"python_frames", "frames of Python functions"},
    [NEAP_SPAN_NAMED] = {"named", "memory with a name of its own"},
    [NEAP_SPAN_CODE] = {"code", "program code"},
    [NEAP_SPAN_FILE] = {"file", "files, read only"},
    [NEAP_SPAN_DATA] = {"data", "variables of programs and libraries"},
    [NEAP_SPAN_SHARED] = {"shared", "shared with other processes"},
    [NEAP_SPAN_KERNEL] = {"kernel", "the kernel's own"},
    [NEAP_SPAN_RESERVED] = {"reserved", "reserved address space"},
};

const char *neap_span_kind_title(enum neap_span_kind kind) {
    assert(kind < NEAP_SPAN_KINDS);
    return kinds[kind].title;
}

const char *neap_span_kind_name(enum neap_span_kind kind) {
    assert(kind < NEAP_SPAN_KINDS);
    return kinds[kind].name;
}

void neap_process_image_clear(struct neap_process_image *image) {
    for (size_t i = 0; i < image->mapping_count; i++) {
        free(image->mappings[i].resident);
        free(image->mappings[i].shared);
        free(image->mappings[i].swapped);
    }
    for (size_t i = 0; i < image->file_count; i++)
        neap_os_held_file_close(&image->files[i]);
    free(image->files);
    free(image->mappings);
    free(image->spans);
    free(image->threads);
    free(image->texts);
    *image = (struct neap_process_image){0};
}

/* --- finding ------------------------------------------------------------- */

/* Index of the first mapping that ends after `address`. */
static size_t mapping_at(const struct neap_process_image *image, uint64_t address) {
    size_t low = 0, high = image->mapping_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (image->mappings[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The same for spans. */
static size_t span_at(const struct neap_process_image *image, uint64_t address) {
    size_t low = 0, high = image->span_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (image->spans[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct neap_image_mapping *neap_process_image_mapping(const struct neap_process_image *image,
                                                            uint64_t address) {
    size_t i = mapping_at(image, address);
    return i < image->mapping_count && image->mappings[i].start <= address ? &image->mappings[i] : NULL;
}

const struct neap_image_span *neap_process_image_span(const struct neap_process_image *image,
                                                      uint64_t address) {
    size_t i = span_at(image, address);
    return i < image->span_count && image->spans[i].start <= address ? &image->spans[i] : NULL;
}

/* --- what is in memory ----------------------------------------------------- */

/* Number of set bits in [first, last] of a bitmap. */
static uint64_t bits_between(const uint64_t *bits, uint64_t first, uint64_t last) {
    uint64_t first_word = first / 64, last_word = last / 64, count = 0;
    for (uint64_t i = first_word; i <= last_word; i++) {
        unsigned low = i == first_word ? (unsigned)(first % 64) : 0;
        unsigned high = i == last_word ? (unsigned)(last % 64) : 63;
        count += neap_word_count(bits[i] & neap_word_span(low, high));
    }
    return count;
}

/* Resident bytes of [start, end) within a mapping. */
static uint64_t mapping_resident(const struct neap_image_mapping *mapping, uint64_t page, uint64_t start,
                                 uint64_t end) {
    if (mapping->rss_bytes == 0 || start >= end)
        return 0;
    if (!mapping->resident)
        return end - start;
    uint64_t first = (start - mapping->start) / page, last = (end - 1 - mapping->start) / page;
    uint64_t bytes = bits_between(mapping->resident, first, last) * page;
    if (mapping->resident[first / 64] >> (first % 64) & 1)
        bytes -= start - (mapping->start + first * page);
    if (mapping->resident[last / 64] >> (last % 64) & 1)
        bytes -= mapping->start + (last + 1) * page - end;
    return bytes;
}

uint64_t neap_process_image_resident(const struct neap_process_image *image, uint64_t start, uint64_t end) {
    uint64_t bytes = 0;
    for (size_t i = mapping_at(image, start); i < image->mapping_count; i++) {
        const struct neap_image_mapping *mapping = &image->mappings[i];
        if (mapping->start >= end)
            break;
        bytes += mapping_resident(mapping, image->page_bytes, start > mapping->start ? start : mapping->start,
                                  end < mapping->end ? end : mapping->end);
    }
    return bytes;
}

/* neap_process_image_next within one mapping; `end` is at most the end of the mapping. */
static uint64_t mapping_next(const struct neap_image_mapping *mapping, uint64_t page, uint64_t address,
                             uint64_t end) {
    if (mapping->rss_bytes == 0)
        return end;
    if (!mapping->resident)
        return address;
    uint64_t at = (address - mapping->start) / page, last = (end - 1 - mapping->start) / page;
    while (at <= last) {
        uint64_t there = mapping->resident[at / 64] >> (at % 64);
        if (there) {
            at += neap_word_lowest(there);
            uint64_t start = mapping->start + at * page;
            return at > last ? end : start > address ? start : address;
        }
        at = (at / 64 + 1) * 64;
    }
    return end;
}

uint64_t neap_process_image_next(const struct neap_process_image *image, uint64_t address, uint64_t end) {
    for (size_t i = mapping_at(image, address); i < image->mapping_count && address < end; i++) {
        const struct neap_image_mapping *mapping = &image->mappings[i];
        uint64_t stop = mapping->end < end ? mapping->end : end;
        if (mapping->start >= end)
            return end;
        if (mapping->start > address)
            address = mapping->start;
        address = mapping_next(mapping, image->page_bytes, address, stop);
        if (address < stop)
            return address;
    }
    return end;
}

/* --- claims ---------------------------------------------------------------- */

static bool claim_fits(const struct neap_process_image *image, const struct neap_image_span *claim) {
    const struct neap_image_mapping *mapping = neap_process_image_mapping(image, claim->start);
    return mapping && claim->start < claim->end && claim->end <= mapping->end &&
           claim->kind < NEAP_SPAN_KINDS;
}

/* Appends the part of `span` that lies in [start, end). */
static void part_append(struct neap_image_span *out, size_t *count, const struct neap_image_span *span,
                        uint64_t start, uint64_t end) {
    struct neap_image_span part = *span;
    part.start = start > span->start ? start : span->start;
    part.end = end < span->end ? end : span->end;
    if (part.start >= part.end)
        return;
    if (part.start != span->start || part.end != span->end)
        part.has_use = false, part.used_bytes = 0; /* only known for the whole span */
    out[(*count)++] = part;
}

int neap_process_image_claim_all(struct neap_process_image *image, const struct neap_image_span *claims,
                                 size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!claim_fits(image, &claims[i]) || (i > 0 && claims[i - 1].end > claims[i].start))
            return NEAP_ERROR_ARGUMENT;
    /* A claim cuts a span into at most two. */
    size_t room = image->span_count + 2 * count, done = 0, claim = 0;
    struct neap_image_span *spans = malloc((room ? room : 1) * sizeof(*spans));
    if (!spans)
        return NEAP_ERROR_MEMORY;
    for (size_t i = 0; i < image->span_count; i++) {
        const struct neap_image_span *old = &image->spans[i];
        uint64_t from = old->start;
        for (; claim < count && claims[claim].start < old->end; claim++) {
            part_append(spans, &done, old, from, claims[claim].start);
            if (claims[claim].start >= old->start) {
                spans[done] = claims[claim];
                spans[done++].mapping = mapping_at(image, claims[claim].start);
            }
            from = claims[claim].end;
            if (from >= old->end) /* the claim continues in the next span and is handled again there */
                break;
        }
        part_append(spans, &done, old, from, old->end);
    }
    assert(done <= room);
    free(image->spans);
    image->spans = spans;
    image->span_count = done;
    image->span_room = room;
    return NEAP_OK;
}

int neap_process_image_claim(struct neap_process_image *image, const struct neap_image_span *claim) {
    size_t at = span_at(image, claim->start);
    if (at == image->span_count || image->spans[at].start != claim->start ||
        image->spans[at].end != claim->end || claim->kind >= NEAP_SPAN_KINDS)
        return neap_process_image_claim_all(image, claim, 1);
    size_t mapping = image->spans[at].mapping; /* fast path: the claim is a whole span, and nothing is cut */
    image->spans[at] = *claim;
    image->spans[at].mapping = mapping;
    return NEAP_OK;
}

/* --- check ----------------------------------------------------------------- */

bool neap_process_image_check(const struct neap_process_image *image, const char **why) {
    uint64_t end = 0;
    for (size_t i = 0; i < image->mapping_count; i++) {
        *why = "mappings overlap, are empty or out of order";
        if (image->mappings[i].start < end || image->mappings[i].start >= image->mappings[i].end)
            return false;
        end = image->mappings[i].end;
    }
    size_t span = 0;
    for (size_t i = 0; i < image->mapping_count; i++) {
        const struct neap_image_mapping *mapping = &image->mappings[i];
        for (end = mapping->start; end < mapping->end; span++) {
            *why = "spans leave a gap, overlap, or go past a mapping";
            if (span >= image->span_count || image->spans[span].start != end ||
                image->spans[span].end <= end || image->spans[span].end > mapping->end)
                return false;
            *why = "a span names another mapping, or no kind";
            if (image->spans[span].mapping != i || image->spans[span].kind >= NEAP_SPAN_KINDS)
                return false;
            end = image->spans[span].end;
        }
    }
    *why = "spans outside of mappings";
    return span == image->span_count;
}
