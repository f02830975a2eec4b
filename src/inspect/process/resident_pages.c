/* inspect/process/resident_pages.c: pagemap and scan, held against the figures of smaps. */
#include "inspect/process/resident_pages.h"

#include <stdlib.h>

#include "os/residence.h"

enum { ENTRIES_A_READ = 1 << 16 };
#define SPARSE_SHARE 8 /* with fewer of its pages in memory, a mapping is scanned first */
#define HUGE_MAPPING                                                                                         \
    (UINT64_C(1) << 36) /* 64 GiB: where no scan helps, reading stops at the last page that                  \
                           counts; smaller ones are read to their end */

struct reading {
    neap_os_residence_t *residence;
    struct neap_image_mapping *mapping;
    uint64_t page_bytes;
    uint64_t *entries;
    uint64_t alone, shared; /* pages that were noted as resident, without and with the mark `shared` */
    int error;
};

static void bit_set(uint64_t *bits, uint64_t i) {
    bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static uint64_t mapping_page_count(const struct reading *reading) {
    return (reading->mapping->end - reading->mapping->start) / reading->page_bytes;
}

/* Sets the bit of page `i` in *bits, which are made when the first is set. */
static void page_mark(struct reading *reading, uint64_t **bits, uint64_t i) {
    if (!*bits)
        *bits = calloc((size_t)(mapping_page_count(reading) / 64 + 1), sizeof(**bits));
    if (*bits)
        bit_set(*bits, i);
    else
        reading->error = NEAP_ERROR_MEMORY;
}

/* Notes one page. Where nothing of the mapping is in swap, a page that shows so is only being moved. */
static void page_note(struct reading *reading, uint64_t i, uint64_t entry) {
    struct neap_image_mapping *mapping = reading->mapping;
    bool anonymous = mapping->path[0] != '/', file = neap_os_page_file(entry);
    bool swapped = neap_os_page_swapped(entry);
    if (swapped && mapping->swap_bytes > 0) {
        page_mark(reading, &mapping->swapped, i);
    } else if (file ? !anonymous : neap_os_page_exclusive(entry)) {
        page_mark(reading, &mapping->resident, i);
        reading->alone++;
    } else if (!file && (swapped || neap_os_page_present(entry))) {
        page_mark(reading, &mapping->resident, i);
        page_mark(reading, &mapping->shared, i);
        reading->shared++;
    }
}

static bool counted_all(const struct reading *reading) {
    return (reading->alone + reading->shared) * reading->page_bytes >= reading->mapping->rss_bytes;
}

/* Reads the entries of [start, end). */
static void part_read(void *context, uint64_t start, uint64_t end) {
    struct reading *reading = context;
    const struct neap_image_mapping *mapping = reading->mapping;
    bool stops = mapping->end - mapping->start >= HUGE_MAPPING && mapping->swap_bytes == 0;
    uint64_t page = reading->page_bytes;
    while (start < end && reading->error == NEAP_OK && !(stops && counted_all(reading))) {
        uint64_t left = (end - start) / page, first = (start - mapping->start) / page;
        size_t count = left < ENTRIES_A_READ ? (size_t)left : ENTRIES_A_READ;
        reading->error = neap_os_residence_read(reading->residence, start, reading->entries, count);
        for (size_t i = 0; i < count && reading->error == NEAP_OK; i++)
            page_note(reading, first + i, reading->entries[i]);
        start += count * page;
    }
}

/* --- pages of zeros ------------------------------------------------------------------- */

struct sieve {
    const struct reading *reading;
    uint64_t *real; /* one bit per page */
};

static void real_note(void *context, uint64_t start, uint64_t end) {
    const struct sieve *sieve = context;
    uint64_t page = sieve->reading->page_bytes;
    for (; start < end; start += page)
        bit_set(sieve->real, (start - sieve->reading->mapping->start) / page);
}

/* Leaves out what is a page of zeros by the kernel's word, where it gives it. */
static void zeros_scan(struct reading *reading) {
    struct neap_image_mapping *mapping = reading->mapping;
    struct sieve sieve = {reading, calloc((size_t)(mapping_page_count(reading) / 64 + 1), sizeof(uint64_t))};
    if (!sieve.real)
        return;
    if (neap_os_residence_scan(reading->residence, mapping->start, mapping->end, real_note, &sieve) ==
        NEAP_OK)
        for (uint64_t i = 0; i <= mapping_page_count(reading) / 64; i++) {
            mapping->resident[i] &= ~mapping->shared[i] | sieve.real[i];
            mapping->shared[i] &= sieve.real[i];
        }
    free(sieve.real);
}

/* More pages than the figures count: some are zeros. If none is shared, they are those that are not alone.
 * The figures are of an earlier moment than the pages: what contradicts them stays noted. */
static void zeros_leave_out(struct reading *reading) {
    struct neap_image_mapping *mapping = reading->mapping;
    uint64_t counted = mapping->rss_bytes / reading->page_bytes;
    if (reading->shared == 0 || reading->alone + reading->shared <= counted)
        return;
    if (mapping->shared_bytes > 0 || reading->alone != counted) {
        zeros_scan(reading);
        return;
    }
    for (uint64_t i = 0; i <= mapping_page_count(reading) / 64; i++)
        mapping->resident[i] &= ~mapping->shared[i];
    free(mapping->shared);
    mapping->shared = NULL;
}

/* --- mappings ------------------------------------------------------------------------- */

/* A mapping of which nothing, or all, is in memory has no bits, unless some of it may be shared. */
static int mapping_read(struct reading *reading) {
    struct neap_image_mapping *mapping = reading->mapping;
    uint64_t bytes = mapping->end - mapping->start;
    bool file = mapping->path[0] == '/' && mapping->anonymous_bytes == 0;
    bool plain =
        mapping->rss_bytes == 0 || (mapping->rss_bytes == bytes && (file || mapping->shared_bytes == 0));
    if (mapping->swap_bytes == 0 && plain)
        return NEAP_OK;
    mapping->resident = calloc((size_t)(mapping_page_count(reading) / 64 + 1), sizeof(uint64_t));
    if (!mapping->resident)
        return NEAP_ERROR_MEMORY;
    bool sparse = mapping->rss_bytes + mapping->swap_bytes < bytes / SPARSE_SHARE;
    if (!sparse || neap_os_residence_scan(reading->residence, mapping->start, mapping->end, part_read,
                                          reading) == NEAP_ERROR_ABSENT)
        part_read(reading, mapping->start, mapping->end);
    if (reading->error == NEAP_OK)
        zeros_leave_out(reading);
    return reading->error;
}

int neap__resident_pages_note(struct neap_process_image *image) {
    struct reading reading = {.page_bytes = image->page_bytes};
    int error = neap_os_residence_open(image->pid, &reading.residence);
    if (error == NEAP_ERROR_ABSENT)
        return NEAP_OK;
    if (error != NEAP_OK)
        return error;
    reading.entries = malloc(ENTRIES_A_READ * sizeof(*reading.entries));
    error = reading.entries ? NEAP_OK : NEAP_ERROR_MEMORY;
    for (size_t i = 0; i < image->mapping_count && error == NEAP_OK; i++) {
        reading.mapping = &image->mappings[i];
        reading.alone = reading.shared = 0;
        error = mapping_read(&reading);
    }
    free(reading.entries);
    neap_os_residence_close(reading.residence);
    return error;
}
