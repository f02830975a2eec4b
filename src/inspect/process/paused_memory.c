/* inspect/process/paused_memory.c: a direct-mapped cache. */
#include "inspect/process/paused_memory.h"

#include <stdlib.h>
#include <string.h>

#include "os/memory.h"

enum { LINE_BYTES = 16 << 10, LINES = 2048 };

int neap__paused_memory_open(struct neap__paused_memory *held, const neap_os_process_t *process,
                             const struct neap_process_image *image) {
    struct neap__paused_memory made = {
        .process = process, .image = image, .tags = calloc(LINES, sizeof(*made.tags))};
    void *lines = NULL;
    if (!made.tags || neap_os_reserve((size_t)LINES * LINE_BYTES, neap_os_page_bytes(), &lines) != NEAP_OK) {
        free(made.tags);
        return NEAP_ERROR_MEMORY;
    }
    made.lines = lines;
    *held = made;
    int error = neap_os_commit(lines, (size_t)LINES * LINE_BYTES);
    if (error != NEAP_OK)
        neap__paused_memory_close(held);
    return error;
}

void neap__paused_memory_close(struct neap__paused_memory *held) {
    if (held->lines)
        neap_os_release(held->lines, (size_t)LINES * LINE_BYTES);
    free(held->tags);
    *held = (struct neap__paused_memory){0};
}

/* Fills a line with those of its pages that are in memory. */
static int line_fill(struct neap__paused_memory *held, uint64_t start, unsigned char *line) {
    uint64_t page = held->image->page_bytes < LINE_BYTES ? held->image->page_bytes : LINE_BYTES, missing = 0;
    int error = NEAP_OK;
    memset(line, 0, LINE_BYTES);
    for (uint64_t at = 0, end; at < LINE_BYTES && error == NEAP_OK; at = end) {
        uint64_t there = neap_process_image_next(held->image, start + at, start + LINE_BYTES) - start;
        for (end = at = there; end < LINE_BYTES; end += page)
            if (neap_process_image_resident(held->image, start + end, start + end + page) == 0)
                break;
        const struct neap_os_process_piece piece = {start + at, line + at, (size_t)(end - at)};
        if (end > at)
            error = neap_os_process_sift(held->process, &piece, &missing);
        held->read_bytes += end - at;
    }
    return error;
}

int neap__paused_memory_read(struct neap__paused_memory *held, uint64_t address, void *out, size_t bytes) {
    char *to = out;
    while (bytes > 0) {
        uint64_t start = address / LINE_BYTES * LINE_BYTES;
        size_t place = (size_t)(start / LINE_BYTES % LINES), within = (size_t)(address - start);
        size_t part = bytes < LINE_BYTES - within ? bytes : LINE_BYTES - within;
        unsigned char *line = held->lines + place * LINE_BYTES;
        if (held->tags[place] != start + 1) {
            held->tags[place] = 0;
            int error = line_fill(held, start, line);
            if (error != NEAP_OK)
                return error;
            held->tags[place] = start + 1;
        }
        memcpy(to, line + within, part);
        to += part;
        address += part;
        bytes -= part;
    }
    return NEAP_OK;
}
