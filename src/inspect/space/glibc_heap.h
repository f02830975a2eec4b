/* inspect/space/glibc_heap.h: walks glibc's heap in another process by its chunk headers.
 *
 *     chunk: | size of the one before, if free | size + flags P M A | ... | next chunk
 *
 * P: the chunk before is in use; M: the chunk has a mapping of its own; A: it is not of the main
 * arena. Memory counts as a heap only if the walk reaches the end of the mapping (main heap) or
 * the `top` chunk, and the sizes and flags of all chunks agree. A chunk that does not agree ends
 * the walk, and the rest of the span stays as it was. Chunks in fast bins and in the caches of
 * threads look used by their flags. They are found by a walk of main_arena where it is known,
 * and count as used otherwise. Pure over `memory`.
 */
#ifndef NEAP_INSPECT_SPACE_GLIBC_HEAP_H
#define NEAP_INSPECT_SPACE_GLIBC_HEAP_H

#include <stdint.h>

#include "base/memory_source.h"
#include "inspect/process/process_image.h"

struct neap_glibc_facts {
    uint64_t chunks, used_bytes, free_bytes; /* resident bytes; free: chunks marked free, and tops */
    unsigned arenas, mapped_blocks;
    uint64_t broken; /* how many walks did not reach their end */
};

/* Claims the spans of glibc's heap in `image` (main heap, arenas of threads, mapped blocks) with their
 * used bytes, and fills *facts. Returns 0 or NEAP_ERROR_MEMORY. */
int neap_glibc_heap_claim(struct neap_process_image *image, const struct neap_memory *memory,
                          struct neap_glibc_facts *facts);

#endif
