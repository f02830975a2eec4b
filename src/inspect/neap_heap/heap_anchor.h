/* inspect/neap_heap/heap_anchor.h: the anchor of a Neap heap, found in foreign memory.
 *
 *   rw mapping of the library: |......|neap-heap-anchor, version, sizes, ...|.....|
 *                              '- every 16th byte may be its start
 *
 * Memory comes through a read callback, so that the same code serves another
 * process, a core file, a test's image and a fuzzer's bytes. Nothing in it is
 * believed: an anchor is accepted only when each of its figures is in range,
 * and its texts are cleaned of what a terminal would act upon. Any thread.
 */
#ifndef NEAP_INSPECT_NEAP_HEAP_HEAP_ANCHOR_H
#define NEAP_INSPECT_NEAP_HEAP_HEAP_ANCHOR_H

#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

#include "base/memory_source.h"
#include "heap/layout.h"

/* Reads and checks the anchor at `address`. NEAP_ERROR_FORMAT with *fault if it
 * is none, or none that this version can read; else the reader's own error. */
int neap_heap_anchor_read(const struct neap_memory *memory, uint64_t address,
                          struct neap_layout_anchor *anchor, struct neap_fault *fault);

/* The first sound anchor in [start, end), of which at most the first 64 MiB are
 * searched. NEAP_ERROR_ABSENT if there is none; NEAP_ERROR_FORMAT with *fault if
 * there are only unsound ones. */
int neap_heap_anchor_find(const struct neap_memory *memory, uint64_t start, uint64_t end,
                          struct neap_layout_anchor *anchor, uint64_t *address, struct neap_fault *fault);

#endif
