/* inspect/neap_heap/mapped_reader.h: reads the mapped runs of a Neap heap from outside.
 *
 * A run that contradicts itself is counted and left out: it overlaps the one before, is
 * longer than its mapping, or lies outside of the address space. This happens when the
 * table changes while it is read, or when the process is hostile. At most
 * NEAP_LAYOUT_MAPPED_MAX runs are read. Any thread.
 */
#ifndef NEAP_INSPECT_NEAP_HEAP_MAPPED_READER_H
#define NEAP_INSPECT_NEAP_HEAP_MAPPED_READER_H

#include "base/memory_source.h"
#include "heap/layout.h"

struct neap_mapped_runs {
    struct neap_layout_mapped_run *runs; /* in address order */
    uint32_t count, rejected;
};

/* Reads the runs of `heap`, whose entries are `stride` bytes apart. NEAP_ERROR_MEMORY, or the error
 * of reading. The caller frees *runs with neap_mapped_runs_free. */
int neap_mapped_runs_read(const struct neap_memory *memory, const struct neap_layout_heap *heap,
                          uint32_t stride, struct neap_mapped_runs *runs);

void neap_mapped_runs_free(struct neap_mapped_runs *runs);

#endif
