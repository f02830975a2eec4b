/* inspect/space/heap_spans.h: where Python's heap lies, and how full each piece of it is.
 *
 *     arena:   |pool|pool|free|pool| ...      a span each, with the bytes in use
 *     region:  |slab|run      |free| ...      a span a region, and its tables
 *     chunk:   frames of Python functions (3.11 on), 16 KiB and more
 *
 * Claims spans of an image. Any thread; one at a time for one image.
 */
#ifndef NEAP_INSPECT_SPACE_HEAP_SPANS_H
#define NEAP_INSPECT_SPACE_HEAP_SPANS_H

#include "base/memory_source.h"
#include "inspect/neap_heap/heap_reader.h"
#include "inspect/process/process_image.h"
#include "pylayout/block_source.h"

/* Claims the holders as spans of ARENA, with the bytes of their blocks in use, resident or not.
 * NEAP_ERROR_MEMORY. */
int neap_heap_spans_arenas(struct neap_process_image *image, const struct neap_block_source *blocks);

/* Claims the regions of a Neap heap and their tables. `blocks` (NULL: no figures of use) is the same
 * heap's. NEAP_ERROR_MEMORY. */
int neap_heap_spans_regions(struct neap_process_image *image, const struct neap_heap_view *heap,
                            const struct neap_block_source *blocks);

/* Claims chunks of frames among what is ANONYMOUS: two links and a size that fit each other. 64-bit
 * processes only. NEAP_ERROR_MEMORY. */
int neap_heap_spans_frames(struct neap_process_image *image, const struct neap_memory *memory);

#endif
