/* inspect/space/space_map.c: makes a map from an image. */
#include "inspect/space/space_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "inspect/space/thread_stack.h"

enum { CHUNK_BYTES_LEAST = 64 << 10 };

void neap_space_map_clear(struct neap_space_map *map) {
    free(map->spans);
    free(map->pools);
    free(map->chunks);
    free(map->live);
    free(map->texts);
    *map = (struct neap_space_map){0};
}

/* --- spans ------------------------------------------------------------------- */

/* The label of a span: the name of its thread, or the path of its mapping. */
static const char *label_of(const struct neap_process_image *image, const struct neap_image_span *span) {
    for (size_t i = 0; span->tid != 0 && i < image->thread_count; i++)
        if (image->threads[i].tid == span->tid)
            return image->threads[i].name;
    return image->mappings[span->mapping].path;
}

size_t neap_space_span_chunks(const struct neap_space_span *span) {
    return span->chunk_bytes ? (size_t)((span->end - span->start + span->chunk_bytes - 1) / span->chunk_bytes)
                             : 0;
}

/* Makes the chunks of a span that is partly in memory. */
static int chunks_note(const struct neap_process_image *image, struct neap_space_map *map,
                       struct neap_space_span *span, size_t *room) {
    uint64_t bytes = span->end - span->start;
    if (span->resident_bytes == 0 || span->resident_bytes == bytes || bytes <= CHUNK_BYTES_LEAST)
        return NEAP_OK;
    span->chunk_bytes = CHUNK_BYTES_LEAST;
    while (bytes / span->chunk_bytes >= NEAP_SPACE_CHUNKS_MOST)
        span->chunk_bytes *= 2;
    span->chunk = map->chunk_count;
    size_t count = neap_space_span_chunks(span);
    if (!NEAP_ARRAY_RESERVE(map->chunks, *room, map->chunk_count + count))
        return NEAP_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        uint64_t start = span->start + i * span->chunk_bytes, end = start + span->chunk_bytes;
        end = end < span->end ? end : span->end;
        uint64_t resident = neap_process_image_resident(image, start, end), length = end - start;
        map->chunks[map->chunk_count++] = (uint8_t)((resident * NEAP_SPACE_CHUNK_FULL + length - 1) / length);
    }
    return NEAP_OK;
}

uint64_t neap_space_span_resident(const struct neap_space_map *map, const struct neap_space_span *span,
                                  uint64_t start, uint64_t end) {
    uint64_t bytes = 0;
    if (span->chunk_bytes == 0) {
        double part = (double)(end - start) / (double)(span->end - span->start);
        return (uint64_t)((double)span->resident_bytes * part);
    }
    for (uint64_t at = start; at < end;) {
        size_t chunk = (size_t)((at - span->start) / span->chunk_bytes);
        uint64_t chunk_end = span->start + (chunk + 1) * span->chunk_bytes;
        uint64_t part_end = chunk_end < end ? chunk_end : end;
        bytes += (part_end - at) * map->chunks[span->chunk + chunk] / NEAP_SPACE_CHUNK_FULL;
        at = part_end;
    }
    return bytes;
}

static int spans_copy(const struct neap_process_image *image, struct neap_space_map *map) {
    size_t text_bytes = 1;
    for (size_t i = 0; i < image->span_count; i++)
        text_bytes += strlen(label_of(image, &image->spans[i])) + 1;
    map->spans = calloc(image->span_count + 1, sizeof(*map->spans));
    map->texts = malloc(text_bytes);
    if (!map->spans || !map->texts)
        return NEAP_ERROR_MEMORY;
    char *text = map->texts;
    size_t chunk_room = 0;
    for (size_t i = 0; i < image->span_count; i++) {
        const struct neap_image_span *from = &image->spans[i];
        const char *label = label_of(image, from);
        struct neap_space_span *span = &map->spans[map->span_count++];
        *span = (struct neap_space_span){
            .start = from->start,
            .end = from->end,
            .kind = from->kind,
            .resident_bytes = neap_process_image_resident(image, from->start, from->end),
            .has_use = from->has_use,
            .used_bytes = from->used_bytes,
            .tid = from->tid,
            .label = text,
        };
        if (span->used_bytes > span->resident_bytes) /* some blocks are swapped out */
            span->used_bytes = span->resident_bytes;
        strcpy(text, label);
        text += strlen(label) + 1;
        if (chunks_note(image, map, span, &chunk_room) != NEAP_OK)
            return NEAP_ERROR_MEMORY;
    }
    return NEAP_OK;
}

/* --- pools ------------------------------------------------------------------- */

/* Growing arrays of pools and their bits. */
struct pool_builder {
    struct neap_space_map *map;
    size_t pool_room, live_room, live_words_most;
};

static int pool_add(struct pool_builder *builder, const struct neap_block_batch *batch) {
    struct neap_space_map *map = builder->map;
    size_t words = (batch->blocks + 63) / 64;
    bool told = batch->used < batch->blocks && map->live_words + words <= builder->live_words_most;
    if (!NEAP_ARRAY_RESERVE(map->pools, builder->pool_room, map->pool_count + 1) ||
        (told && !NEAP_ARRAY_RESERVE(map->live, builder->live_room, map->live_words + words)))
        return NEAP_ERROR_MEMORY;
    map->pools[map->pool_count++] = (struct neap_space_pool){
        .address = batch->address,
        .bytes = batch->bytes,
        .first = batch->first,
        .block_bytes = batch->block_bytes,
        .blocks = batch->blocks,
        .used = batch->used,
        .group_blocks = batch->group_blocks,
        .group_bytes = batch->group_bytes,
        .live = told                           ? (uint32_t)map->live_words
                : batch->used == batch->blocks ? NEAP_SPACE_ALL
                                               : NEAP_SPACE_UNTOLD,
    };
    if (told) {
        memcpy(map->live + map->live_words, batch->live, words * sizeof(uint64_t));
        map->live_words += words;
    }
    return NEAP_OK;
}

static int pool_compare(const void *a, const void *b) {
    const struct neap_space_pool *left = a, *right = b;
    return (left->address > right->address) - (left->address < right->address);
}

/* Sorts the pools, and removes those that overlap an earlier one. */
static void pools_order(struct neap_space_map *map) {
    size_t kept = 0;
    uint64_t end = 0;
    if (map->pool_count > 0)
        qsort(map->pools, map->pool_count, sizeof(*map->pools), pool_compare);
    for (size_t i = 0; i < map->pool_count; i++) {
        const struct neap_space_pool *pool = &map->pools[i];
        if (pool->address < end || pool->bytes == 0 || pool->bytes > UINT64_MAX - pool->address)
            continue;
        end = pool->address + pool->bytes;
        map->pools[kept++] = *pool;
    }
    map->pool_count = kept;
}

static int pools_copy(const struct neap_block_source *blocks, size_t live_words_most,
                      struct neap_space_map *map) {
    struct pool_builder builder = {.map = map, .live_words_most = live_words_most};
    struct neap_block_holder holder;
    struct neap_block_batch *batch = malloc(sizeof(*batch));
    int error = batch ? NEAP_OK : NEAP_ERROR_MEMORY;
    for (uint32_t i = 0; i < blocks->holders && error == NEAP_OK; i++) {
        if (blocks->holder(blocks->context, i, &holder) != NEAP_OK)
            continue;
        for (uint32_t k = 0; k < holder.batches && error == NEAP_OK; k++)
            if (blocks->batch(blocks->context, i, k, batch) == NEAP_OK)
                error = pool_add(&builder, batch);
    }
    free(batch);
    pools_order(map);
    return error;
}

size_t neap_space_pool_at(const struct neap_space_map *map, uint64_t address) {
    size_t low = 0, high = map->pool_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (map->pools[middle].address + map->pools[middle].bytes <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- the whole --------------------------------------------------------------- */

void neap_space_map_gap(struct neap_space_map *map) {
    uint64_t end = map->span_count ? map->spans[0].end : 0;
    map->free_start = map->free_bytes = 0;
    for (size_t i = 1; i < map->span_count; i++) {
        if (map->spans[i].start - end > map->free_bytes) {
            map->free_start = end;
            map->free_bytes = map->spans[i].start - end;
        }
        end = map->spans[i].end;
    }
}

void neap_space_map_sums(const struct neap_space_map *map, struct neap_space_sum sums[NEAP_SPAN_KINDS]) {
    memset(sums, 0, NEAP_SPAN_KINDS * sizeof(*sums));
    for (size_t i = 0; i < map->span_count; i++) {
        const struct neap_space_span *span = &map->spans[i];
        struct neap_space_sum *sum = &sums[span->kind];
        sum->spans++;
        sum->bytes += span->end - span->start;
        sum->resident_bytes += span->resident_bytes;
        sum->used_bytes += span->has_use ? span->used_bytes : span->resident_bytes;
    }
}

int neap_space_map_make(const struct neap_process_image *image, const struct neap_block_source *blocks,
                        size_t live_bytes_most, struct neap_space_map *map) {
    struct neap_space_map made = {
        .pid = image->pid,
        .core = image->core,
        .pointer_bytes = image->pointer_bytes,
        .page_bytes = image->page_bytes,
        .mapping_count = image->mapping_count,
        .mapping_limit = image->mapping_limit,
        .thread_count = image->thread_count,
    };
    memcpy(made.program, image->program, sizeof(made.program));
    for (size_t i = 0; i < image->mapping_count; i++)
        made.rss_bytes += image->mappings[i].rss_bytes;
    made.stack_bytes = neap_thread_stacks_resident(image, &made.stack_count);
    int error = spans_copy(image, &made);
    if (error == NEAP_OK && blocks)
        error = pools_copy(blocks, live_bytes_most / sizeof(uint64_t), &made);
    if (error != NEAP_OK) {
        neap_space_map_clear(&made);
        return error;
    }
    neap_space_map_gap(&made);
    *map = made;
    return NEAP_OK;
}

bool neap_space_map_check(const struct neap_space_map *map, const char **why) {
    uint64_t end = 0;
    for (size_t i = 0; i < map->span_count; i++) {
        const struct neap_space_span *span = &map->spans[i];
        *why = "spans overlap, are empty or out of order";
        if (span->start < end || span->start >= span->end || span->end > INT64_MAX)
            return false;
        *why = "a span holds more than its length, or uses more than it holds";
        if (span->resident_bytes > span->end - span->start || span->used_bytes > span->resident_bytes)
            return false;
        *why = "a span's chunks are not all there";
        if (span->chunk_bytes > INT64_MAX ||
            (span->chunk_bytes > 0 && (span->chunk > map->chunk_count ||
                                       neap_space_span_chunks(span) > map->chunk_count - span->chunk)))
            return false;
        *why = "a span is of no kind, or has no label";
        if (span->kind >= NEAP_SPAN_KINDS || !span->label)
            return false;
        end = span->end;
    }
    *why = "pools overlap or are out of order";
    end = 0;
    for (size_t i = 0; i < map->pool_count; i++) {
        const struct neap_space_pool *pool = &map->pools[i];
        if (pool->address < end || pool->used > pool->blocks || pool->block_bytes == 0)
            return false;
        end = pool->address + pool->bytes;
    }
    *why = "the page size is invalid";
    return map->page_bytes >= 512 && (map->page_bytes & (map->page_bytes - 1)) == 0;
}
