/* inspect/space/glibc_heap.h: glibc's heap in another process, walked by its chunk headers.
 *
 *     chunk: | size of the one before, if free | size + flags P M A | ... | next chunk
 *
 * P: the one before is in use; M: has a mapping of its own; A: of another arena than the main.
 * Nothing is assumed to be a heap: the walk must reach the end of the mapping (main heap), or
 * the `top` chunk, over chunks whose sizes and flags agree; a chunk that does not ends it, and
 * the rest of the span is left as it was. Which chunks a thread's cache or a bin holds does
 * not show in their neighbour's flag: fast and cached chunks are found by a walk of main_arena
 * where it is known, and count as used otherwise. Pure over `memory`.
 */
#ifndef NEAP_INSPECT_SPACE_GLIBC_HEAP_H
#define NEAP_INSPECT_SPACE_GLIBC_HEAP_H

#include <stdint.h>

#include "base/memory_source.h"
#include "inspect/process/process_image.h"

struct neap_glibc_facts {
    uint64_t chunks, used_bytes, free_bytes; /* resident bytes; free: chunks marked free, and tops */
    unsigned arenas, mapped_blocks;
    uint64_t broken; /* walks that did not reach their end */
};

/* Claims the spans of glibc's heap in `image` (main, threads' arenas, mapped blocks), with how
 * much of each is used. 0 or NEAP_ERROR_MEMORY. *facts is filled. */
int neap_glibc_heap_claim(struct neap_process_image *image, const struct neap_memory *memory,
                          struct neap_glibc_facts *facts);

#endif
