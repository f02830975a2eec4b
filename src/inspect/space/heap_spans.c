/* inspect/space/heap_spans.c: claims holders and chunks of frames. */
#include "inspect/space/heap_spans.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Claims that grow. */
struct claims {
    struct neap_image_span *items;
    size_t count, room;
};

static bool claim_add(struct claims *claims, const struct neap_image_span *claim) {
    if (!NEAP_ARRAY_RESERVE(claims->items, claims->room, (uint64_t)claims->count + 1))
        return false;
    claims->items[claims->count++] = *claim;
    return true;
}

static int claim_compare(const void *a, const void *b) {
    const struct neap_image_span *left = a, *right = b;
    return (left->start > right->start) - (left->start < right->start);
}

/* Sorts the claims, and removes those that overlap another or do not lie within one mapping. */
static void claims_order(struct claims *claims, const struct neap_process_image *image) {
    size_t kept = 0;
    if (claims->count > 0)
        qsort(claims->items, claims->count, sizeof(*claims->items), claim_compare);
    for (size_t i = 0; i < claims->count; i++) {
        struct neap_image_span claim = claims->items[i], *last = kept ? &claims->items[kept - 1] : NULL;
        const struct neap_image_mapping *mapping = neap_process_image_mapping(image, claim.start);
        if (!mapping || claim.end > mapping->end || claim.start >= claim.end ||
            (last && last->end > claim.start))
            continue;
        claims->items[kept++] = claim;
    }
    claims->count = kept;
}

/* Bytes in use in one holder: the sum over its batches. */
static uint64_t holder_used(const struct neap_block_source *blocks, uint32_t number,
                            const struct neap_block_holder *holder, struct neap_block_batch *batch) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < holder->batches; i++)
        if (blocks->batch(blocks->context, number, i, batch) == NEAP_OK)
            bytes += (uint64_t)batch->used * batch->block_bytes;
    return bytes < holder->bytes ? bytes : holder->bytes;
}

int neap_heap_spans_arenas(struct neap_process_image *image, const struct neap_block_source *blocks) {
    struct claims claims = {0};
    struct neap_block_holder holder;
    struct neap_block_batch *batch = malloc(sizeof(*batch));
    int error = batch ? NEAP_OK : NEAP_ERROR_MEMORY;
    for (uint32_t i = 0; i < blocks->holders && error == NEAP_OK; i++) {
        if (blocks->holder(blocks->context, i, &holder) != NEAP_OK ||
            holder.bytes > UINT64_MAX - holder.address)
            continue;
        struct neap_image_span claim = {
            .start = holder.address,
            .end = holder.address + holder.bytes,
            .kind = NEAP_SPAN_ARENA,
            .has_use = true,
            .used_bytes = holder_used(blocks, i, &holder, batch),
        };
        if (!claim_add(&claims, &claim))
            error = NEAP_ERROR_MEMORY;
    }
    free(batch);
    if (error == NEAP_OK) {
        claims_order(&claims, image);
        error = neap_process_image_claim_all(image, claims.items, claims.count);
    }
    free(claims.items);
    return error;
}

/* --- regions ----------------------------------------------------------------- */

/* Bytes in use in all holders of [start, end). */
static uint64_t range_used(const struct neap_block_source *blocks, uint64_t start, uint64_t end,
                           struct neap_block_batch *batch) {
    struct neap_block_holder holder;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < blocks->holders; i++)
        if (blocks->holder(blocks->context, i, &holder) == NEAP_OK && holder.address >= start &&
            holder.address < end)
            bytes += holder_used(blocks, i, &holder, batch);
    return bytes;
}

/* Adds a claim within the mapping in which it begins, and continues it in the next mapping. */
static int claim_clipped(struct neap_process_image *image, struct neap_image_span claim) {
    int error = NEAP_OK;
    while (error == NEAP_OK && claim.start < claim.end) {
        const struct neap_image_mapping *mapping = neap_process_image_mapping(image, claim.start);
        struct neap_image_span part = claim;
        if (!mapping)
            return NEAP_OK; /* given back since the heap was read */
        part.end = mapping->end < claim.end ? mapping->end : claim.end;
        error = neap_process_image_claim(image, &part);
        claim.start = part.end;
        claim.used_bytes = 0;
    }
    return error;
}

/* Claims the tables of a region, from the unit structs to the units; parts of them are only reserved. */
static int tables_claim(struct neap_process_image *image, const struct neap_layout_region *region) {
    int error = NEAP_OK;
    for (size_t i = 0; i < image->span_count && error == NEAP_OK; i++) {
        struct neap_image_span claim = image->spans[i];
        if (claim.kind != NEAP_SPAN_ANONYMOUS || claim.end <= region->units || claim.start >= region->base)
            continue;
        claim.end = claim.end < region->base ? claim.end : region->base;
        claim.kind = NEAP_SPAN_REGION_TABLES;
        error = neap_process_image_claim(image, &claim);
    }
    return error;
}

static bool in_region(const struct neap_layout_heap *heap, uint64_t address) {
    for (uint32_t i = 0; i < heap->region_count; i++)
        if (address - heap->regions[i].base < (uint64_t)heap->regions[i].unit_count * heap->unit_bytes)
            return true;
    return false;
}

/* The mapped runs: holders that lie in no region. */
static int mapped_claim(struct neap_process_image *image, const struct neap_layout_heap *heap,
                        const struct neap_block_source *blocks, struct neap_block_batch *batch) {
    struct neap_block_holder holder;
    int error = NEAP_OK;
    for (uint32_t i = 0; i < blocks->holders && error == NEAP_OK; i++) {
        if (blocks->holder(blocks->context, i, &holder) != NEAP_OK || in_region(heap, holder.address))
            continue;
        struct neap_image_span run = {
            .start = holder.address,
            .end = holder.address + holder.bytes,
            .kind = NEAP_SPAN_REGION,
            .has_use = true,
            .used_bytes = holder_used(blocks, i, &holder, batch),
        };
        error = claim_clipped(image, run);
    }
    return error;
}

int neap_heap_spans_regions(struct neap_process_image *image, const struct neap_heap_view *heap,
                            const struct neap_block_source *blocks) {
    struct neap_block_batch *batch = malloc(sizeof(*batch));
    int error = batch ? NEAP_OK : NEAP_ERROR_MEMORY;
    for (uint32_t i = 0; i < heap->heap.region_count && error == NEAP_OK; i++) {
        const struct neap_layout_region *region = &heap->heap.regions[i];
        uint64_t bytes = (uint64_t)region->committed * heap->heap.unit_bytes;
        if (region->unit_count == 0 || bytes > UINT64_MAX / 2 || region->base > UINT64_MAX / 2)
            continue;
        struct neap_image_span units = {
            .start = region->base,
            .end = region->base + bytes,
            .kind = NEAP_SPAN_REGION,
            .has_use = true,
            .used_bytes = blocks ? range_used(blocks, region->base, region->base + bytes, batch) : 0,
        };
        error = tables_claim(image, region);
        if (error == NEAP_OK)
            error = claim_clipped(image, units);
    }
    if (error == NEAP_OK && blocks)
        error = mapped_claim(image, &heap->heap, blocks, batch);
    free(batch);
    return error;
}

/* --- frames ------------------------------------------------------------------ */

enum { CHUNK_BYTES_LEAST = 16 * 1024, CHUNK_BYTES_MOST = 1 << 30 };

/* _PyStackChunk of Include/internal/pycore_pystate.h (3.11 on): previous, size, top. Size is a power
 * of two times a page, the first has no previous one. */
static uint64_t chunk_at(const struct neap_memory *memory, uint64_t at, uint64_t end) {
    uint64_t words[3];
    if (end - at < CHUNK_BYTES_LEAST || memory->read(memory->context, at, words, sizeof(words)) != NEAP_OK)
        return 0;
    uint64_t bytes = words[1];
    bool sound = words[0] % 4096 == 0 && words[0] != at && bytes >= CHUNK_BYTES_LEAST &&
                 bytes <= CHUNK_BYTES_MOST && (bytes & (bytes - 1)) == 0 && bytes <= end - at &&
                 words[2] <= (bytes - sizeof(words)) / 8;
    return sound ? bytes : 0;
}

int neap_heap_spans_frames(struct neap_process_image *image, const struct neap_memory *memory) {
    struct claims claims = {0};
    bool out_of_memory = false;
    if (image->pointer_bytes != 8)
        return NEAP_OK;
    for (size_t i = 0; i < image->span_count; i++) {
        const struct neap_image_span *span = &image->spans[i];
        if (span->kind != NEAP_SPAN_ANONYMOUS || image->mappings[span->mapping].access[1] != 'w')
            continue;
        for (uint64_t at = span->start; (at = neap_process_image_next(image, at, span->end)) < span->end;) {
            uint64_t bytes = chunk_at(memory, at, span->end);
            struct neap_image_span claim = {.start = at, .end = at + bytes, .kind = NEAP_SPAN_PYTHON_FRAMES};
            out_of_memory |= bytes > 0 && !claim_add(&claims, &claim);
            at += bytes ? bytes : image->page_bytes;
        }
    }
    int error =
        out_of_memory ? NEAP_ERROR_MEMORY : neap_process_image_claim_all(image, claims.items, claims.count);
    free(claims.items);
    return error;
}
