/* inspect/space/claim_spans.c: calls each claimant in order of priority. */
#include "inspect/space/claim_spans.h"

#include "inspect/space/heap_spans.h"
#include "inspect/space/thread_stack.h"

int neap_claim_spans(neap_snapshot_t *snapshot, const struct neap_block_source *arenas,
                     const struct neap_heap_view *heap, const struct neap_block_source *slabs,
                     struct neap_glibc_facts *facts) {
    struct neap_process_image *image = neap_snapshot_image(snapshot);
    const struct neap_memory memory = neap_snapshot_memory(snapshot);
    int error = arenas ? neap_heap_spans_arenas(image, arenas) : NEAP_OK;
    if (error == NEAP_OK && heap)
        error = neap_heap_spans_regions(image, heap, slabs);
    if (error == NEAP_OK)
        error = neap_thread_stacks_claim(image, &memory);
    if (error == NEAP_OK)
        error = neap_heap_spans_frames(image, &memory);
    if (error == NEAP_OK)
        error = neap_glibc_heap_claim(image, &memory, facts);
    return error;
}
