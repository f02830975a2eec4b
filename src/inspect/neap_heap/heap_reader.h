/* inspect/neap_heap/heap_reader.h: reads a Neap heap from outside and sums it up.
 *
 *   anchor --> struct neap_layout_heap --> regions --> unit structs, a chunk at a time
 *                                      '--> mapped runs
 *
 * The heap may change while it is read, so the figures do not describe a single
 * instant. A unit that changes while it is read, or that a hostile process made up,
 * is counted in `rejected_units` and left out of the sums. The work is bounded
 * whatever the memory claims, by NEAP_READER_UNITS_MAX units and one fixed buffer.
 * Any thread.
 */
#ifndef NEAP_INSPECT_NEAP_HEAP_HEAP_READER_H
#define NEAP_INSPECT_NEAP_HEAP_HEAP_READER_H

#include <neap/heap.h>

#include "inspect/neap_heap/heap_anchor.h"

enum { NEAP_READER_UNITS_MAX = 1 << 25 }; /* 2 TiB of 64 KiB units that were ever used */

/* One size class as found in the units. */
struct neap_class_view {
    uint32_t block_bytes;
    uint32_t slabs;
    uint32_t pins;          /* slabs filled to less than an eighth */
    uint64_t blocks;        /* blocks in the slabs, in use or not */
    uint64_t used_blocks;   /* in use by the program */
    uint64_t cached_blocks; /* free, in the magazine */
};

struct neap_heap_view {
    struct neap_layout_heap heap; /* as read, in this build's layout */
    struct neap_heap_stats stats; /* the figures that neap_heap_stats gives inside the process */
    struct neap_class_view classes[NEAP_LAYOUT_CLASSES_MAX]; /* [1, heap.class_count) */
    uint32_t event_count;      /* of heap.events, which are sorted here, the latest first */
    uint32_t mapped_run_bytes; /* from one entry of heap.mapped to the next */
    uint64_t units;            /* unit structs and mapped runs read */
    uint64_t rejected_units;   /* those that contradicted themselves and were left out */
};

/* Reads the heap that `anchor` points to. NEAP_ERROR_ABSENT if there is none;
 * NEAP_ERROR_FORMAT with *fault if the heap contradicts itself; NEAP_ERROR_MEMORY;
 * or the error of reading, with *fault. On failure *view is untouched. */
int neap_heap_read(const struct neap_memory *memory, const struct neap_layout_anchor *anchor,
                   struct neap_heap_view *view, struct neap_fault *fault);

#endif
