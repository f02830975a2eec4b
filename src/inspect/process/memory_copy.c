/* inspect/process/memory_copy.c: reserve, populate, gather. */
#include "inspect/process/memory_copy.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "inspect/process/copy_work.h"
#include "os/file.h"
#include "os/memory.h"
#include "os/process_memory.h"

/* Room for a stretch to grow between prepare and take. It takes only address space. Where that is
 * limited, it takes only a share, because the analysis needs address space too. */
#define SLACK_BYTES (sizeof(void *) == 8 ? UINT64_C(256) << 20 : 0)
#define SLACK_SHARE 128
#define HUGE_BYTES  ((uint64_t)2 << 20)
#define DENSE_BYTES (HUGE_BYTES / 8 * 7) /* a huge page with fewer bytes present would waste memory */

bool neap__copy_wanted(const struct neap_image_mapping *mapping) {
    if (mapping->access[0] != 'r' || mapping->access[3] != 'p')
        return false;
    if (mapping->path[0] == '[' && mapping->path[1] == 'v') /* [vdso], [vvar] */
        return false;
    uint64_t own_bytes = mapping->path[0] == '/' ? mapping->anonymous_bytes : mapping->rss_bytes;
    return own_bytes > 0 || mapping->swap_bytes > 0;
}

int neap__copy_stretches(const struct neap_process_image *image, struct neap_snapshot_stretch **stretches,
                         size_t *count) {
    struct neap_snapshot_stretch *made = calloc(image->mapping_count + 1, sizeof(*made));
    size_t done = 0;
    if (!made)
        return NEAP_ERROR_MEMORY;
    for (size_t i = 0; i < image->mapping_count; i++) {
        const struct neap_image_mapping *mapping = &image->mappings[i];
        if (!neap__copy_wanted(mapping))
            continue;
        if (done > 0 && made[done - 1].end == mapping->start)
            made[done - 1].end = mapping->end;
        else
            made[done++] = (struct neap_snapshot_stretch){.start = mapping->start, .end = mapping->end};
    }
    *stretches = made;
    *count = done;
    return NEAP_OK;
}

uint64_t neap__copy_bytes(const struct neap_process_image *image) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < image->mapping_count; i++) {
        const struct neap_image_mapping *mapping = &image->mappings[i];
        if (!neap__copy_wanted(mapping))
            continue;
        uint64_t resident = neap_process_image_resident(image, mapping->start, mapping->end);
        bytes += resident < mapping->rss_bytes ? resident : mapping->rss_bytes;
    }
    return bytes;
}

uint64_t neap__copy_swapped_bytes(const struct neap_process_image *image) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < image->mapping_count; i++)
        bytes += neap__copy_wanted(&image->mappings[i]) ? image->mappings[i].swap_bytes : 0;
    return bytes;
}

/* --- reservations ------------------------------------------------------------ */

static unsigned char *place_find(const struct neap__memory_copy *copy, uint64_t start, uint64_t end) {
    for (size_t i = 0; i < copy->reservation_count; i++) {
        const struct neap__copy_reservation *reservation = &copy->reservations[i];
        if (reservation->start <= start && end <= reservation->end)
            return reservation->bytes + (start - reservation->start);
    }
    return NULL;
}

static int reserve(struct neap__memory_copy *copy, uint64_t start, uint64_t end) {
    void *bytes;
    if (!NEAP_ARRAY_RESERVE(copy->reservations, copy->reservation_room, copy->reservation_count + 1) ||
        end - start > SIZE_MAX / 2)
        return NEAP_ERROR_MEMORY;
    int error = neap_os_reserve((size_t)(end - start), neap_os_page_bytes(), &bytes);
    if (error == NEAP_OK)
        copy->reservations[copy->reservation_count++] = (struct neap__copy_reservation){start, end, bytes};
    return error;
}

/* Reserves a stretch with room to grow on both sides, as far as its neighbours allow. */
static void stretch_reserve(struct neap__memory_copy *copy, size_t i) {
    const struct neap_snapshot_stretch *stretch = &copy->stretches[i];
    uint64_t page = neap_os_page_bytes();
    uint64_t floor = i > 0 ? stretch[-1].end : 0;
    uint64_t ceiling = i + 1 < copy->stretch_count ? stretch[1].start : INT64_MAX;
    uint64_t below = (stretch->start - floor) / 2 / page * page;
    uint64_t above = (ceiling - stretch->end) / 2 / page * page;
    const uint64_t share = neap_os_address_space_left_bytes() / SLACK_SHARE / page * page;
    uint64_t slack = SLACK_BYTES;
    slack = share < slack ? share : slack;
    below = below > slack ? slack : below;
    above = above > slack ? slack : above;
    /* If this fails, commit allocates exactly what is needed. */
    (void)reserve(copy, stretch->start - below, stretch->end + above);
}

static int stretch_commit(struct neap__memory_copy *copy, struct neap_snapshot_stretch *stretch) {
    unsigned char *place = place_find(copy, stretch->start, stretch->end);
    if (!place) {
        int error = reserve(copy, stretch->start, stretch->end);
        if (error != NEAP_OK)
            return error;
        place = copy->reservations[copy->reservation_count - 1].bytes;
    }
    stretch->bytes = place;
    return neap_os_commit(place, (size_t)(stretch->end - stretch->start));
}

static int stretches_renew(struct neap__memory_copy *copy, const struct neap_process_image *image) {
    free(copy->stretches);
    copy->stretches = NULL;
    copy->stretch_count = 0;
    return neap__copy_stretches(image, &copy->stretches, &copy->stretch_count);
}

/* The address in the copy for `address` of a committed stretch. */
static unsigned char *place_of(const struct neap_snapshot_stretch *stretch, uint64_t address) {
    return (unsigned char *)(uintptr_t)stretch->bytes + (address - stretch->start);
}

/* --- work -------------------------------------------------------------------- */

/* The context of a visit to the pages of one mapping. */
struct visit {
    struct neap__copy_work *work;
    const struct neap_snapshot_stretch *stretch;
    bool shared;
};

static void pages_add(void *context, uint64_t start, uint64_t end) {
    const struct visit *visit = context;
    neap__copy_work_add(visit->work, visit->shared, start, place_of(visit->stretch, start), end - start);
}

/* Whether some of the pages that show as present are zeros that were only read. */
static bool has_zeros(const struct neap_process_image *image, const struct neap_image_mapping *mapping) {
    return neap_process_image_resident(image, mapping->start, mapping->end) > mapping->rss_bytes;
}

/* Visits all pages that are present. To prepare, shared pages count as others if none of them is zeros. */
static void work_fill(struct neap__copy_work *work, const struct neap__memory_copy *copy,
                      const struct neap_process_image *image, bool prepare) {
    size_t at = 0;
    for (size_t i = 0; i < image->mapping_count; i++) {
        const struct neap_image_mapping *mapping = &image->mappings[i];
        if (!neap__copy_wanted(mapping))
            continue;
        while (copy->stretches[at].end <= mapping->start)
            at++;
        struct visit alone = {work, &copy->stretches[at], false};
        struct visit shared = {work, &copy->stretches[at], !prepare || has_zeros(image, mapping)};
        neap__copy_runs(image, mapping, NEAP__COPY_ALONE, pages_add, &alone);
        neap__copy_runs(image, mapping, NEAP__COPY_SHARED, pages_add, &shared);
    }
}

/* --- prepare, take, fill ----------------------------------------------------- */

/* Asks for huge pages where a stretch is nearly full. */
static void stretch_advise(const struct neap_process_image *image,
                           const struct neap_snapshot_stretch *stretch) {
    uintptr_t here = (uintptr_t)stretch->bytes;
    uint64_t skew = (HUGE_BYTES - here % HUGE_BYTES) % HUGE_BYTES, dense = 0;
    neap_os_advise_huge(place_of(stretch, stretch->start), (size_t)(stretch->end - stretch->start), false);
    uint64_t address = stretch->start + skew;
    for (; address < stretch->end; address += HUGE_BYTES) {
        bool whole = stretch->end - address >= HUGE_BYTES;
        if (whole && neap_process_image_resident(image, address, address + HUGE_BYTES) >= DENSE_BYTES) {
            dense += HUGE_BYTES;
            continue;
        }
        if (dense > 0)
            neap_os_advise_huge(place_of(stretch, address - dense), (size_t)dense, true);
        dense = 0;
    }
    if (dense > 0)
        neap_os_advise_huge(place_of(stretch, address - dense), (size_t)dense, true);
}

int neap__copy_prepare(struct neap__memory_copy *copy, const struct neap_process_image *image) {
    struct neap__copy_work work = {0};
    int error = stretches_renew(copy, image);
    for (size_t i = 0; i < copy->stretch_count; i++)
        stretch_reserve(copy, i);
    for (size_t i = 0; i < copy->stretch_count && error == NEAP_OK; i++) {
        error = stretch_commit(copy, &copy->stretches[i]);
        if (error == NEAP_OK)
            stretch_advise(image, &copy->stretches[i]);
    }
    if (error == NEAP_OK) {
        work_fill(&work, copy, image, true);
        error = neap__copy_work_populate(&work);
    }
    neap__copy_work_clear(&work);
    return error;
}

static uint64_t pieces_bytes(const struct neap__copy_pieces *pieces) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < pieces->count; i++)
        bytes += pieces->list[i].bytes;
    return bytes;
}

int neap__copy_take(struct neap__memory_copy *copy, const neap_os_process_t *process,
                    const struct neap_process_image *image) {
    struct neap__copy_work work = {.process = process};
    int error = stretches_renew(copy, image);
    for (size_t i = 0; i < copy->stretch_count && error == NEAP_OK; i++)
        error = stretch_commit(copy, &copy->stretches[i]);
    if (error == NEAP_OK) {
        work_fill(&work, copy, image, false);
        error = neap__copy_work_gather(&work);
    }
    if (error == NEAP_OK)
        copy->copied_bytes = pieces_bytes(&work.alone) + pieces_bytes(&work.shared) - work.missing_bytes;
    copy->missing_bytes = work.missing_bytes;
    neap__copy_work_clear(&work);
    return error;
}

struct file_visit {
    const struct neap_snapshot_stretch *stretch;
    const struct neap_image_mapping *mapping;
    uint64_t page;
    const char *path;
};

/* Reads page by page, because the last page of a mapped file may be incomplete in the file. */
static void file_pages_read(void *context, uint64_t start, uint64_t end) {
    const struct file_visit *visit = context;
    for (uint64_t at = start; at < end; at += visit->page)
        (void)neap_os_file_read(visit->path, visit->mapping->offset + (at - visit->mapping->start),
                                place_of(visit->stretch, at), (size_t)visit->page);
}

void neap__copy_fill(struct neap__memory_copy *copy, const struct neap_process_image *image) {
    char path[1024];
    size_t at = 0;
    for (size_t i = 0; i < image->mapping_count; i++) {
        const struct neap_image_mapping *mapping = &image->mappings[i];
        if (!neap__copy_wanted(mapping) || mapping->path[0] != '/')
            continue;
        while (copy->stretches[at].end <= mapping->start)
            at++;
        struct neap_os_mapping here = {.start = mapping->start, .end = mapping->end};
        if (strlen(mapping->path) >= sizeof(here.path))
            continue;
        strcpy(here.path, mapping->path);
        if (neap_os_mapped_file(image->process, &here, path, sizeof(path)) != NEAP_OK)
            continue;
        struct file_visit visit = {&copy->stretches[at], mapping, image->page_bytes, path};
        neap__copy_runs(image, mapping, NEAP__COPY_ABSENT, file_pages_read, &visit);
    }
}

void neap__copy_clear(struct neap__memory_copy *copy) {
    for (size_t i = 0; i < copy->reservation_count; i++)
        neap_os_release(copy->reservations[i].bytes,
                        (size_t)(copy->reservations[i].end - copy->reservations[i].start));
    free(copy->reservations);
    free(copy->stretches);
    *copy = (struct neap__memory_copy){0};
}
