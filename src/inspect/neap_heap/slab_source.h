/* inspect/neap_heap/slab_source.h: a Neap heap as a block source.
 *
 *   region:  | slab | slab | free | run of 3 units   | slab |
 *   holders:   0      1             2                  3        one batch each
 *
 * Behind those of the regions come the mapped runs, a holder each.
 *
 * The unit structs are read once, by neap_slab_source_open; a batch then takes its
 * bitmap from the unit struct again. Blocks in a magazine have their bit set and
 * count as used: what lies in them is no object that lives. A unit that makes no
 * sense is counted in `rejected` and is no holder. Read-only once open: any thread.
 */
#ifndef NEAP_INSPECT_NEAP_HEAP_SLAB_SOURCE_H
#define NEAP_INSPECT_NEAP_HEAP_SLAB_SOURCE_H

#include "inspect/neap_heap/heap_reader.h"
#include "pylayout/block_source.h"

typedef struct neap_slab_source neap_slab_source_t;

/* `view` is of neap_heap_read over the same memory; both must outlive the source. NEAP_ERROR_MEMORY,
 * or the reader's own error. */
int neap_slab_source_open(const struct neap_memory *memory, const struct neap_heap_view *view,
                          neap_slab_source_t **source);
void neap_slab_source_close(neap_slab_source_t *source);

struct neap_block_source neap_slab_source_blocks(const neap_slab_source_t *source);

#endif
