/* cast/format/ogg_pages.c: heads of pages are gathered byte by byte, bodies are passed over. */
#include "cast/format/ogg_pages.h"

#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "base/array.h"

enum {
    FIXED_BYTES = 27, /* of a head, before the lengths of its segments */
    FLAGS_AT = 5,
    GRANULE_AT = 6,
    SEGMENTS_AT = 26,
    FLAG_CONTINUED = 1,
    FLAG_BEGINS = 2, /* BOS */
};

void cast_ogg_pages_open(struct cast_ogg_pages *pages, uint64_t offset) {
    *pages = (struct cast_ogg_pages){.offset = offset};
}

void cast_ogg_pages_close(struct cast_ogg_pages *pages) {
    free(pages->headers);
    *pages = (struct cast_ogg_pages){.offset = pages->offset};
}

/* --- what is kept ------------------------------------------------------------ */

static void headers_drop(struct cast_ogg_pages *pages) {
    pages->too_much = true;
    pages->in_headers = false;
    pages->header_bytes = 0;
}

/* Makes room for a page, and keeps its head. */
static int headers_begin_page(struct cast_ogg_pages *pages) {
    if (pages->too_much)
        return NEAP_OK;
    size_t wanted = pages->header_bytes + pages->head_bytes + (size_t)pages->page_left;
    if (wanted > CAST_OGG_HEADERS_BYTES_MOST) {
        headers_drop(pages);
        return NEAP_OK;
    }
    if (!NEAP_ARRAY_RESERVE(pages->headers, pages->header_room, wanted)) {
        headers_drop(pages);
        return NEAP_ERROR_MEMORY;
    }
    memcpy(pages->headers + pages->header_bytes, pages->head, pages->head_bytes);
    pages->header_bytes += pages->head_bytes;
    pages->in_headers = true;
    return NEAP_OK;
}

static bool is_header_granule(const uint8_t *granule) {
    static const uint8_t zero[8] = {0}, within[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    return memcmp(granule, zero, 8) == 0 || memcmp(granule, within, 8) == 0;
}

/* --- pages ------------------------------------------------------------------- */

/* Begins the page whose head has been gathered; it began at `offset`. */
static int page_begin(struct cast_ogg_pages *pages, uint64_t offset, cast_ogg_page_fn *page, void *context) {
    int error = NEAP_OK;
    bool begins = pages->head[FLAGS_AT] & FLAG_BEGINS;
    pages->page_left = 0;
    for (size_t i = FIXED_BYTES; i < pages->head_bytes; i++)
        pages->page_left += pages->head[i];
    if (begins && !pages->beginning) {
        pages->header_bytes = 0;
        pages->headers_complete = false;
        pages->too_much = false;
    }
    pages->beginning = begins;
    pages->in_headers = false;
    if (!begins && !is_header_granule(pages->head + GRANULE_AT))
        pages->headers_complete = true;
    if (!pages->headers_complete)
        error = headers_begin_page(pages);
    else if (!(pages->head[FLAGS_AT] & FLAG_CONTINUED) && page)
        page(context, offset);
    pages->head_bytes = 0;
    return error;
}

static void lose(struct cast_ogg_pages *pages, size_t count) {
    pages->lost_bytes =
        count > UINT32_MAX - pages->lost_bytes ? UINT32_MAX : pages->lost_bytes + (uint32_t)count;
}

static bool is_head_whole(const struct cast_ogg_pages *pages) {
    return pages->head_bytes >= FIXED_BYTES &&
           pages->head_bytes == FIXED_BYTES + (uint32_t)pages->head[SEGMENTS_AT];
}

/* Takes bytes for the next head. Returns how many: what comes before an 'O', or one. */
static size_t head_take(struct cast_ogg_pages *pages, const uint8_t *bytes, size_t count) {
    static const uint8_t capture[] = {'O', 'g', 'g', 'S', 0}; /* the last is the version */
    if (pages->head_bytes == 0 && *bytes != capture[0]) {
        const uint8_t *found = memchr(bytes, capture[0], count);
        size_t passed = found ? (size_t)(found - bytes) : count;
        lose(pages, passed);
        return passed;
    }
    if (pages->head_bytes < sizeof(capture) && *bytes != capture[pages->head_bytes]) {
        /* No second capture can have begun within what was gathered, since its 'O' comes once. */
        lose(pages, pages->head_bytes);
        pages->head_bytes = 0;
        return 0;
    }
    pages->head[pages->head_bytes++] = *bytes;
    return 1;
}

static size_t body_take(struct cast_ogg_pages *pages, const uint8_t *bytes, size_t count) {
    size_t taken = count < pages->page_left ? count : (size_t)pages->page_left;
    if (pages->in_headers) {
        memcpy(pages->headers + pages->header_bytes, bytes, taken);
        pages->header_bytes += taken;
    }
    pages->page_left -= taken;
    return taken;
}

int cast_ogg_pages_feed(struct cast_ogg_pages *pages, const uint8_t *bytes, size_t count,
                        cast_ogg_page_fn *page, void *context) {
    int error = NEAP_OK;
    while (count > 0) {
        size_t taken = pages->page_left > 0 ? body_take(pages, bytes, count) : head_take(pages, bytes, count);
        bytes += taken;
        count -= taken;
        pages->offset += taken;
        if (is_head_whole(pages)) {
            int failed = page_begin(pages, pages->offset - pages->head_bytes, page, context);
            error = error != NEAP_OK ? error : failed;
        }
    }
    return error;
}
