/* inspect/space/heap_spans.h: claims the spans of Python's heap, with how full they are.
 *
 *     arena:   |pool|pool|free|pool| ...      one span per arena, with the bytes in use
 *     region:  |slab|run      |free| ...      one span per region, and one for its tables
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

/* Claims each holder of `blocks` as a span of ARENA. Its used bytes are those of blocks in use, resident
 * or not. NEAP_ERROR_MEMORY. */
int neap_heap_spans_arenas(struct neap_process_image *image, const struct neap_block_source *blocks);

/* Claims the regions of a Neap heap and their tables. `blocks` is the block source of the same heap; if
 * it is NULL, used bytes stay unknown. NEAP_ERROR_MEMORY. */
int neap_heap_spans_regions(struct neap_process_image *image, const struct neap_heap_view *heap,
                            const struct neap_block_source *blocks);

/* Claims chunks of frames in ANONYMOUS spans. It recognises them by two links and a size that agree.
 * 64-bit processes only. NEAP_ERROR_MEMORY. */
int neap_heap_spans_frames(struct neap_process_image *image, const struct neap_memory *memory);

#endif
