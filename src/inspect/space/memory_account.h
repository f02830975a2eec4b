/* inspect/space/memory_account.h: divides the resident memory of a process into lines.
 *
 *     RSS = objects + buffers + free blocks + free pools + pool headers ...   (arenas, regions)
 *         + glibc's heap in use and free + stacks + files + named memory + unexplained
 *
 * The spans of the image give the lines. A census fills `neap_account_heap`, which divides
 * arenas, regions and the Python part of glibc's heap further. All figures count resident
 * bytes only. Lines do not overlap, and their sum is the RSS of the image. Pure; any thread.
 */
#ifndef NEAP_INSPECT_SPACE_MEMORY_ACCOUNT_H
#define NEAP_INSPECT_SPACE_MEMORY_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/process/process_image.h"

/* How the resident bytes of the heap are used. A census fills it. `known` is false in a zeroed one. */
struct neap_account_heap {
    bool known;
    /* In arenas and regions. The other bytes of their spans are the line "other". */
    uint64_t object_bytes;     /* live objects with the words before them (GC head ...) */
    uint64_t buffer_bytes;     /* dict tables, list arrays ... that an object owns */
    uint64_t parked_bytes;     /* objects on free lists */
    uint64_t unknown_bytes;    /* live blocks not classified */
    uint64_t free_block_bytes; /* in pools or slabs in use, including blocks that were never used */
    uint64_t free_pool_bytes;  /* whole pools or units that are free */
    uint64_t header_bytes;     /* pool headers, the ends of pools, alignment of arenas */
    /* In glibc's heap (all kinds of span); blocks count with the size that was asked for. */
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

/* Makes the account. `heap` may be NULL; arenas then have one line for used and one for free bytes. */
void neap_memory_account_make(const struct neap_process_image *image, const struct neap_account_heap *heap,
                              struct neap_memory_account *account);

#endif
