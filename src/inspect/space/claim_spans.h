/* inspect/space/claim_spans.h: claims all spans of an image that Neap recognises.
 *
 *     arenas or regions, then stacks and frames, then glibc's heap
 *
 * Calls each claimant in order of priority: a claimant takes only memory that is not claimed yet.
 */
#ifndef NEAP_INSPECT_SPACE_CLAIM_SPANS_H
#define NEAP_INSPECT_SPACE_CLAIM_SPANS_H

#include "inspect/space/glibc_heap.h"
#include "inspect/neap_heap/heap_reader.h"
#include "inspect/process/snapshot.h"
#include "pylayout/block_source.h"

/* Claims all spans in the image of the snapshot. `arenas` is the block source of pymalloc, `heap` a Neap
 * heap and `slabs` its block source; each may be NULL. Call it once per snapshot. NEAP_ERROR_MEMORY. */
int neap_claim_spans(neap_snapshot_t *snapshot, const struct neap_block_source *arenas,
                     const struct neap_heap_view *heap, const struct neap_block_source *slabs,
                     struct neap_glibc_facts *facts);

#endif
