/* inspect/space/claim_spans.h: an image with every place named that can be.
 *
 *     arenas or regions, then stacks, frames, then glibc's heap: each takes from what is left
 */
#ifndef NEAP_INSPECT_SPACE_CLAIM_SPANS_H
#define NEAP_INSPECT_SPACE_CLAIM_SPANS_H

#include "inspect/space/glibc_heap.h"
#include "inspect/neap_heap/heap_reader.h"
#include "inspect/process/snapshot.h"
#include "pylayout/block_source.h"

/* Claims all places in the snapshot's image. `arenas` is the block source of pymalloc, `heap` a Neap
 * heap with its `slabs`; NULL what is not there. To be called once. NEAP_ERROR_MEMORY. */
int neap_claim_spans(neap_snapshot_t *snapshot, const struct neap_block_source *arenas,
                     const struct neap_heap_view *heap, const struct neap_block_source *slabs,
                     struct neap_glibc_facts *facts);

#endif
