/* inspect/neap_heap/slab_source.h: a Neap heap as a block source.
 *
 *   region:  | slab | slab | free | run of 3 units   | slab |
 *   holders:   0      1             2                  3        one batch each
 *
 * The holders of the regions come first. Then each mapped run is a holder.
 *
 * neap_slab_source_open reads the unit structs once. A batch then reads the bitmap of
 * its unit again. Blocks in a magazine have their bit set and count as used, although
 * they hold no live object. A unit that contradicts itself is counted in `rejected` and
 * is not a holder. Once open, the source is read-only: any thread may use it.
 */
#ifndef NEAP_INSPECT_NEAP_HEAP_SLAB_SOURCE_H
#define NEAP_INSPECT_NEAP_HEAP_SLAB_SOURCE_H

#include "inspect/neap_heap/heap_reader.h"
#include "pylayout/block_source.h"

typedef struct neap_slab_source neap_slab_source_t;

/* `view` is the result of neap_heap_read for the same memory; both must outlive the source. Returns
 * NEAP_ERROR_MEMORY, or the error of reading. */
int neap_slab_source_open(const struct neap_memory *memory, const struct neap_heap_view *view,
                          neap_slab_source_t **source);
void neap_slab_source_close(neap_slab_source_t *source);

struct neap_block_source neap_slab_source_blocks(const neap_slab_source_t *source);

#endif
