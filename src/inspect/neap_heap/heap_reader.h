/* inspect/neap_heap/heap_reader.h: a Neap heap read from outside, and what it adds up to.
 *
 *   anchor --> struct neap_layout_heap --> regions --> unit structs, a chunk at a time
 *                                      '--> mapped runs
 *
 * The heap goes on changing while it is read, so the figures are of no single
 * instant, and a unit caught in between (or made up by a hostile process) is
 * counted in `rejected_units` and adds nothing. Work is bounded whatever the
 * memory claims: NEAP_READER_UNITS_MAX units and one fixed buffer. Any thread.
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
    uint32_t pins;          /* of these, filled to less than an eighth */
    uint64_t blocks;        /* places for blocks in the slabs */
    uint64_t used_blocks;   /* in use by the program */
    uint64_t cached_blocks; /* free, in the magazine */
};

struct neap_heap_view {
    struct neap_layout_heap heap; /* as read, in this build's layout */
    struct neap_heap_stats stats; /* as neap_heap_stats would tell them from inside */
    struct neap_class_view classes[NEAP_LAYOUT_CLASSES_MAX]; /* [1, heap.class_count) */
    uint32_t event_count;      /* of heap.events, put in order here, the latest first */
    uint32_t mapped_run_bytes; /* from one mapped run of heap.mapped to the next */
    uint64_t units;            /* unit structs and mapped runs read */
    uint64_t rejected_units;   /* of these, those that made no sense */
};

/* Reads the heap that `anchor` leads to. NEAP_ERROR_ABSENT if it leads to none;
 * NEAP_ERROR_FORMAT with *fault if the heap is not what it claims to be;
 * NEAP_ERROR_MEMORY; else the reader's own error with *fault. *view is untouched
 * unless 0 is returned. */
int neap_heap_read(const struct neap_memory *memory, const struct neap_layout_anchor *anchor,
                   struct neap_heap_view *view, struct neap_fault *fault);

#endif
