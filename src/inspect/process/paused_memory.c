/* inspect/process/paused_memory.c: a direct-mapped cache. */
#include "inspect/process/paused_memory.h"

#include <stdlib.h>
#include <string.h>

#include "os/memory.h"
#include "os/process_memory.h"

enum { LINE_BYTES = 16 << 10, LINES = 2048, PIECES_MOST = LINE_BYTES / 4096 };

int neap__paused_memory_open(struct neap__paused_memory *held, const struct neap_process_image *image) {
    struct neap__paused_memory made = {.image = image, .tags = calloc(LINES, sizeof(*made.tags))};
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
    struct neap_os_process_memory_piece pieces[PIECES_MOST];
    uint64_t page = held->image->page_bytes < LINE_BYTES ? held->image->page_bytes : LINE_BYTES, missing = 0;
    size_t count = 0;
    memset(line, 0, LINE_BYTES);
    for (uint64_t at = 0; at < LINE_BYTES; at += page)
        if (neap_process_image_resident(held->image, start + at, start + at + page) > 0)
            pieces[count++] = (struct neap_os_process_memory_piece){start + at, line + at, (size_t)page};
    held->read_bytes += count * page;
    return count ? neap_os_process_memory_gather(held->image->pid, pieces, count, &missing) : NEAP_OK;
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
