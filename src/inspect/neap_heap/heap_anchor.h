/* inspect/neap_heap/heap_anchor.h: finds the anchor of a Neap heap in the memory of another process.
 *
 *   rw mapping of the library: |......|neap-heap-anchor, version, sizes, ...|.....|
 *                              '- every 16th byte may be its start
 *
 * Memory is read through a callback, so that the same code serves another process,
 * a core file, the image of a test and the bytes of a fuzzer. The memory is not
 * trusted: an anchor is accepted only if each of its figures is in range, and
 * control characters are removed from its texts. Any thread.
 */
#ifndef NEAP_INSPECT_NEAP_HEAP_HEAP_ANCHOR_H
#define NEAP_INSPECT_NEAP_HEAP_HEAP_ANCHOR_H

#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

#include "base/memory_source.h"
#include "heap/layout.h"

/* Reads and checks the anchor at `address`. Returns NEAP_ERROR_FORMAT with *fault
 * if there is none, or one that this version cannot read; or the error of reading. */
int neap_heap_anchor_read(const struct neap_memory *memory, uint64_t address,
                          struct neap_layout_anchor *anchor, struct neap_fault *fault);

/* Finds the first sound anchor in [start, end); searches at most the first 64 MiB.
 * NEAP_ERROR_ABSENT if there is none; NEAP_ERROR_FORMAT with *fault if there are
 * only unsound ones. */
int neap_heap_anchor_find(const struct neap_memory *memory, uint64_t start, uint64_t end,
                          struct neap_layout_anchor *anchor, uint64_t *address, struct neap_fault *fault);

#endif
