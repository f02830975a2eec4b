/* inspect/space/memory_account.h: every byte of a process's resident memory, in lines.
 *
 *     RSS = objects + buffers + free blocks + free pools + pool headers ...   (arenas, regions)
 *         + glibc's heap in use and free + stacks + files + named memory + unexplained
 *
 * The spans of the image say what lies where; who reads the heap fills `neap_account_heap`,
 * so that arenas, regions and the Python part of glibc's heap are told apart further.
 * All figures count resident bytes only. A line never overlaps another: their sum is the
 * RSS of the image. Pure; any thread.
 */
#ifndef NEAP_INSPECT_SPACE_MEMORY_ACCOUNT_H
#define NEAP_INSPECT_SPACE_MEMORY_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/process/process_image.h"

/* How the resident bytes of the heap are used: filled by the census. A zeroed one says nothing. */
struct neap_account_heap {
    bool known;
    /* In arenas and regions. What their spans hold beyond these lines is "other". */
    uint64_t object_bytes;     /* live objects, with what stands before them (GC head ...) */
    uint64_t buffer_bytes;     /* dict tables, list arrays ...: charged to an owner */
    uint64_t parked_bytes;     /* objects on free lists */
    uint64_t unknown_bytes;    /* live blocks not classified */
    uint64_t free_block_bytes; /* in pools or slabs in use, what never was used included */
    uint64_t free_pool_bytes;  /* whole pools or units that are free */
    uint64_t header_bytes;     /* pool headers, the ends of pools, alignment of arenas */
    /* In glibc's heap (all kinds of span), block sizes as asked for. */
    uint64_t glibc_object_bytes, glibc_buffer_bytes;
};

enum { NEAP_ACCOUNT_LINES_MAX = 32 };

struct neap_account_line {
    const char *name;  /* for JSON: "objects"; static */
    const char *title; /* for people; static */
    uint64_t bytes;
};

struct neap_memory_account {
    uint64_t rss_bytes;
    struct neap_account_line lines[NEAP_ACCOUNT_LINES_MAX]; /* "unexplained" is the last */
    size_t line_count;
};

/* `heap` may be NULL: arenas are then one line, used and free. */
void neap_memory_account_make(const struct neap_process_image *image, const struct neap_account_heap *heap,
                              struct neap_memory_account *account);

#endif
