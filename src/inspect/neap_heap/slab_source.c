/* inspect/neap_heap/slab_source.c: lists the units that hold blocks, and reads batches from unit structs. */
#include "inspect/neap_heap/slab_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/word.h"
#include "inspect/neap_heap/mapped_reader.h"

enum { CHUNK_BYTES = 256 << 10 };

struct holder {
    uint32_t region, unit; /* number of the region, and of the first unit in it */
    uint32_t units;
};

/* The region number of holders that are mapped runs; `unit` is then the index of the run. */
enum { MAPPED = NEAP_LAYOUT_REGIONS_MAX };

struct neap_slab_source {
    const struct neap_memory *memory;
    const struct neap_heap_view *view;
    struct holder *holders; /* by region and unit, so by address within a region */
    size_t holder_count, holder_room;
    size_t region_first[NEAP_LAYOUT_REGIONS_MAX + 1]; /* its first holder */
    struct neap_mapped_runs mapped;
};

/* The largest unit struct: pages of 64 KiB, blocks of 16 bytes. */
union unit_room {
    struct neap_layout_unit unit;
    unsigned char bytes[offsetof(struct neap_layout_unit, bitmap) + NEAP_BATCH_WORDS * sizeof(uint64_t)];
};

/* --- units --------------------------------------------------------------- */

/* Whether the unit begins a holder with blocks in use; what its unit struct says is not believed. */
static bool unit_holds(const struct neap_heap_view *view, const struct neap_layout_unit *unit, uint32_t left,
                       struct holder *holder) {
    if (unit->kind == NEAP_UNIT_SLAB && unit->used > 0) {
        holder->units = 1;
        return unit->class_index > 0 && unit->class_index < view->heap.class_count;
    }
    if (unit->kind == NEAP_UNIT_RUN) {
        holder->units = unit->run_units;
        return unit->run_units > 0 && unit->run_units <= left && unit->run_pages > 0 &&
               unit->run_pages <= (uint64_t)unit->run_units * NEAP_LAYOUT_UNIT_PAGES;
    }
    return false;
}

static int holder_add(neap_slab_source_t *source, const struct holder *holder) {
    if (!NEAP_ARRAY_RESERVE(source->holders, source->holder_room, (uint64_t)source->holder_count + 1))
        return NEAP_ERROR_MEMORY;
    source->holders[source->holder_count++] = *holder;
    return NEAP_OK;
}

static int region_scan(neap_slab_source_t *source, uint32_t number, unsigned char *chunk) {
    const struct neap_layout_region *region = &source->view->heap.regions[number];
    uint32_t chunk_units = CHUNK_BYTES / region->unit_stride;
    for (uint32_t done = 0; done < region->top; done += chunk_units) {
        uint32_t count = region->top - done < chunk_units ? region->top - done : chunk_units;
        int result = source->memory->read(source->memory->context,
                                          region->units + (uint64_t)done * region->unit_stride, chunk,
                                          (size_t)count * region->unit_stride);
        for (uint32_t i = 0; i < count && result == NEAP_OK; i++) {
            struct neap_layout_unit unit;
            struct holder holder = {.region = number, .unit = done + i};
            memcpy(&unit, chunk + (size_t)i * region->unit_stride, sizeof(unit));
            if (unit_holds(source->view, &unit, region->top - done - i, &holder))
                result = holder_add(source, &holder);
        }
        if (result != NEAP_OK)
            return result;
    }
    return NEAP_OK;
}

/* Those that are free hold no block. */
static int mapped_scan(neap_slab_source_t *source) {
    const struct neap_heap_view *view = source->view;
    struct neap_mapped_runs *mapped = &source->mapped;
    int result = neap_mapped_runs_read(source->memory, &view->heap, view->mapped_run_bytes, mapped);
    for (uint32_t i = 0; i < mapped->count && result == NEAP_OK; i++)
        if (mapped->runs[i].run_bytes != 0)
            result = holder_add(source, &(struct holder){.region = MAPPED, .unit = i, .units = 1});
    return result;
}

int neap_slab_source_open(const struct neap_memory *memory, const struct neap_heap_view *view,
                          neap_slab_source_t **source) {
    neap_slab_source_t *made = calloc(1, sizeof(*made));
    unsigned char *chunk = malloc(CHUNK_BYTES);
    int result = made && chunk ? NEAP_OK : NEAP_ERROR_MEMORY;
    if (result == NEAP_OK) {
        made->memory = memory;
        made->view = view;
    }
    for (uint32_t i = 0; i < view->heap.region_count && result == NEAP_OK; i++) {
        made->region_first[i] = made->holder_count;
        if (view->heap.regions[i].unit_count != 0)
            result = region_scan(made, i, chunk);
        made->region_first[i + 1] = made->holder_count;
    }
    free(chunk);
    if (result == NEAP_OK)
        result = mapped_scan(made);
    if (result == NEAP_OK)
        *source = made;
    else
        neap_slab_source_close(made);
    return result;
}

void neap_slab_source_close(neap_slab_source_t *source) {
    if (!source)
        return;
    free(source->holders);
    neap_mapped_runs_free(&source->mapped);
    free(source);
}

/* --- as a block source ---------------------------------------------------- */

static uint64_t holder_address(const neap_slab_source_t *source, const struct holder *holder) {
    if (holder->region == MAPPED)
        return source->mapped.runs[holder->unit].address;
    return source->view->heap.regions[holder->region].base +
           (uint64_t)holder->unit * source->view->heap.unit_bytes;
}

static uint64_t holder_bytes(const neap_slab_source_t *source, const struct holder *holder) {
    if (holder->region == MAPPED)
        return source->mapped.runs[holder->unit].mapped_bytes;
    return (uint64_t)holder->units * source->view->heap.unit_bytes;
}

static int holder_get(const void *context, uint32_t index, struct neap_block_holder *out) {
    const neap_slab_source_t *source = context;
    if (index >= source->holder_count)
        return NEAP_ERROR_ABSENT;
    const struct holder *holder = &source->holders[index];
    *out = (struct neap_block_holder){
        .address = holder_address(source, holder),
        .bytes = holder_bytes(source, holder),
        .batches = 1,
    };
    return NEAP_OK;
}

static void run_batch(const neap_slab_source_t *source, const struct holder *holder, uint64_t bytes,
                      struct neap_block_batch *batch) {
    uint32_t shown = bytes > UINT32_MAX ? UINT32_MAX & ~UINT32_C(4095) : (uint32_t)bytes;
    batch->address = batch->first = holder_address(source, holder);
    batch->bytes = holder_bytes(source, holder);
    batch->block_bytes = batch->group_bytes = shown;
    batch->blocks = batch->used = batch->group_blocks = 1;
    batch->live[0] = 1;
}

static int slab_batch(const neap_slab_source_t *source, const struct holder *holder,
                      const struct neap_layout_unit *unit, size_t words, struct neap_block_batch *batch) {
    const struct neap_layout_class *class = &source->view->heap.classes[unit->class_index];
    if (unit->class_index == 0 || unit->class_index >= source->view->heap.class_count ||
        (class->slab_blocks + 63) / 64 > words)
        return NEAP_ERROR_FORMAT;
    batch->address = batch->first = holder_address(source, holder);
    batch->bytes = source->view->heap.unit_bytes;
    batch->block_bytes = class->block_bytes;
    batch->blocks = class->slab_blocks;
    batch->group_blocks = class->group_blocks;
    batch->group_bytes = UINT32_C(1) << class->group_shift;
    batch->used = 0;
    uint32_t word_count = (class->slab_blocks + 63) / 64;
    memcpy(batch->live, unit->bitmap, word_count * sizeof(uint64_t));
    if (class->slab_blocks % 64)
        batch->live[word_count - 1] &= neap_word_span(0, class->slab_blocks % 64 - 1);
    for (uint32_t i = 0; i < word_count; i++)
        batch->used += neap_word_count(batch->live[i]);
    return batch->used == unit->used ? NEAP_OK : NEAP_ERROR_FORMAT;
}

static int batch_get(const void *context, uint32_t index, uint32_t number, struct neap_block_batch *batch) {
    const neap_slab_source_t *source = context;
    if (index >= source->holder_count || number != 0)
        return NEAP_ERROR_ABSENT;
    const struct holder *holder = &source->holders[index];
    if (holder->region == MAPPED) {
        run_batch(source, holder, source->mapped.runs[holder->unit].run_bytes, batch);
        return NEAP_OK;
    }
    const struct neap_layout_region *region = &source->view->heap.regions[holder->region];
    union unit_room room;
    size_t bytes = region->unit_stride < sizeof(room) ? region->unit_stride : sizeof(room);
    int result = source->memory->read(
        source->memory->context, region->units + (uint64_t)holder->unit * region->unit_stride, &room, bytes);
    if (result != NEAP_OK)
        return result;
    if (room.unit.kind == NEAP_UNIT_RUN) {
        run_batch(source, holder, (uint64_t)room.unit.run_pages * source->view->heap.page_bytes, batch);
        return NEAP_OK;
    }
    return slab_batch(source, holder, &room.unit,
                      (bytes - offsetof(struct neap_layout_unit, bitmap)) / sizeof(uint64_t), batch);
}

/* The last holder of the region that begins at or before `unit`, if it reaches that far. */
static bool holder_find(const neap_slab_source_t *source, uint32_t region, uint64_t unit, uint32_t *holder) {
    size_t low = source->region_first[region], high = source->region_first[region + 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (source->holders[middle].unit <= unit)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == source->region_first[region])
        return false;
    *holder = (uint32_t)(low - 1);
    return unit - source->holders[low - 1].unit < source->holders[low - 1].units;
}

/* The holder that is a mapped run around `address`. */
static bool mapped_find(const neap_slab_source_t *source, uint64_t address, uint32_t *holder) {
    size_t first = source->region_first[source->view->heap.region_count], low = first;
    for (size_t high = source->holder_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (holder_address(source, &source->holders[middle]) <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == first)
        return false;
    *holder = (uint32_t)(low - 1);
    const struct holder *found = &source->holders[low - 1];
    return address - holder_address(source, found) < holder_bytes(source, found);
}

static bool find(const void *context, uint64_t address, uint32_t *holder, uint32_t *batch) {
    const neap_slab_source_t *source = context;
    const struct neap_layout_heap *heap = &source->view->heap;
    for (uint32_t i = 0; i < heap->region_count; i++) {
        const struct neap_layout_region *region = &heap->regions[i];
        if (address < region->base || (address - region->base) / heap->unit_bytes >= region->top)
            continue;
        *batch = 0;
        return holder_find(source, i, (address - region->base) / heap->unit_bytes, holder);
    }
    *batch = 0;
    return mapped_find(source, address, holder);
}

struct neap_block_source neap_slab_source_blocks(const neap_slab_source_t *source) {
    return (struct neap_block_source){
        .holders = (uint32_t)source->holder_count,
        .holder = holder_get,
        .batch = batch_get,
        .find = find,
        .context = source,
    };
}
