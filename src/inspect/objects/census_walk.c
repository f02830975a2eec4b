/* inspect/objects/census_walk.c: walks over the blocks of the index, span by span. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/word.h"
#include "inspect/objects/census_state.h"

enum {
    SPANS_AT_ONCE = 64,
    LARGE_BYTES = 1 << 20, /* a larger buffer outside of blocks is checked to lie in a mapping */
};

/* The block source reports larger blocks shorter than they are (inspect/neap_heap/slab_source.c). */
#define CUT_BYTES (UINT32_MAX & ~UINT32_C(4095))

/* --- one object ------------------------------------------------------------ */

static bool bit_set(uint64_t *bits, uint32_t ordinal) {
    uint64_t bit = UINT64_C(1) << (ordinal % 64);
    return __atomic_fetch_or(&bits[ordinal / 64], bit, __ATOMIC_RELAXED) & bit;
}

/* A buffer must fit in its own block, or lie within one mapping. */
static bool is_sound(const struct neap_census *census, const struct neap_py_buffer *buffer,
                     uint32_t ordinal) {
    if (ordinal == NEAP_BLOCK_NONE) {
        const struct neap_image_mapping *mapping =
            buffer->bytes < LARGE_BYTES ? NULL
                                        : neap_process_image_mapping(census->view->image, buffer->address);
        return buffer->bytes < LARGE_BYTES || (mapping && buffer->bytes <= mapping->end - buffer->address);
    }
    const struct neap_block_span *span = neap_block_index_span(census->index, ordinal);
    return buffer->address == neap_block_address(span, ordinal) &&
           (buffer->bytes <= span->block_bytes || span->block_bytes >= CUT_BYTES);
}

static void buffer_claim(void *context, const struct neap_py_buffer *buffer) {
    struct neap__census_worker *worker = context;
    struct neap_census *census = worker->census;
    uint32_t ordinal = neap_block_index_find(census->index, buffer->address);
    if (!buffer->shared)
        worker->buffer_bytes += buffer->bytes;
    if (worker->undo)
        return;
    if (!is_sound(census, buffer, ordinal)) {
        worker->contradicts = true;
    } else if (ordinal != NEAP_BLOCK_NONE) {
        bool had = bit_set(census->buffers, ordinal);
        if (buffer->shared)
            worker->facts.shared_bytes += had ? 0 : buffer->bytes;
    } else if (buffer->shared) {
        if (!neap_address_set_add(&worker->shared, buffer->address, buffer->bytes, NULL))
            worker->out_of_memory = true;
    } else {
        worker->outside_buffer_bytes += buffer->bytes;
    }
}

void neap__census_offer(struct neap__census_worker *worker, uint64_t address) {
    uint64_t *recent = &worker->recent[(address >> 4) % NEAP__CENSUS_RECENT];
    if (*recent == address || address % sizeof(uint64_t) != 0)
        return;
    if (neap_block_index_find(worker->census->index, address) != NEAP_BLOCK_NONE)
        return;
    *recent = address;
    bool added;
    neap_address_set_add(&worker->outside, address, 0, &added);
    if (added && worker->pending && !neap__census_push(worker->pending, address))
        worker->out_of_memory = true;
}

static bool referent_offer(void *context, const struct neap_py_referent *referent) {
    struct neap__census_worker *worker = context;
    worker->inexact |= !referent->exact;
    neap__census_offer(worker, referent->address);
    return true;
}

static bool refers_to_nothing(const struct neap_py_type *type) {
    switch (type->kind) {
    case NEAP_PY_INT:
    case NEAP_PY_FLOAT:
    case NEAP_PY_COMPLEX:
    case NEAP_PY_STR:
    case NEAP_PY_BYTES:
        return type->flags & NEAP_PY_TYPE_BUILTIN;
    default:
        return false;
    }
}

static struct neap_census_sum *type_sum(struct neap__census_worker *worker, uint32_t index) {
    if (index >= worker->type_room) {
        size_t had = worker->type_room;
        if (!NEAP_ARRAY_RESERVE(worker->types, worker->type_room, (uint64_t)index + 1)) {
            worker->out_of_memory = true;
            return &worker->facts.parked; /* the census fails as a whole */
        }
        memset(worker->types + had, 0, (worker->type_room - had) * sizeof(*worker->types));
    }
    return &worker->types[index];
}

static void type_add(struct neap__census_worker *worker, const struct neap_py_type *type,
                     const struct neap_census_sum *one) {
    uint64_t bytes = neap_census_sum_bytes(one);
    unsigned size = bytes ? neap_word_highest(bytes) : 0;
    neap_census_sum_add(&worker->facts.sizes[size < NEAP_CENSUS_SIZES ? size : NEAP_CENSUS_SIZES - 1], one);
    neap_census_sum_add(type_sum(worker, type->index), one);
}

bool neap__census_take(struct neap__census_worker *worker, const struct neap_py_object *object, bool tracked,
                       bool fixed) {
    struct neap_py_measure measure = {0, 0};
    worker->buffer_bytes = 0;
    worker->inexact = worker->contradicts = false;
    if (object->flags & NEAP_PY_OBJECT_PARKED) {
        neap_census_sum_add(&worker->facts.parked,
                            &(struct neap_census_sum){.objects = 1, .object_bytes = object->block_bytes});
        return true;
    }
    if (neap_py_object_measure(&worker->lens, object, &measure, buffer_claim, worker) != NEAP_OK ||
        worker->contradicts) {
        neap_address_set_add(&worker->doubts, object->address, object->type->prefix_bytes, NULL);
        return false;
    }
    uint64_t charge = object->block_bytes + worker->buffer_bytes;
    if (charge > worker->budget_bytes - worker->charged_bytes) {
        worker->facts.rejected++;
        return false;
    }
    worker->charged_bytes += charge;
    if (!refers_to_nothing(object->type) &&
        neap_py_object_visit(&worker->lens, object, referent_offer, worker) != NEAP_OK)
        worker->facts.rejected++;
    worker->facts.scanned_objects += worker->inexact;
    worker->facts.exact_objects += !worker->inexact;
    const struct neap_census_sum one = {
        .objects = 1,
        .tracked = tracked,
        .object_bytes = object->block_bytes,
        .buffer_bytes = worker->buffer_bytes,
        .sizeof_bytes = measure.sizeof_bytes,
    };
    if (fixed)
        neap_census_sum_add(&worker->facts.fixed, &one);
    else
        type_add(worker, object->type, &one);
    return true;
}

/* The unsigned sums may wrap around; they are right after all workers are added up. */
void neap__census_take_back(struct neap__census_worker *worker, const struct neap_py_object *object,
                            bool tracked) {
    struct neap_py_measure measure = {0, 0};
    if (object->flags & NEAP_PY_OBJECT_PARKED) {
        neap_census_sum_add(
            &worker->facts.parked,
            &(struct neap_census_sum){.objects = UINT64_MAX, .object_bytes = 0 - object->block_bytes});
        return;
    }
    worker->buffer_bytes = 0;
    worker->undo = true;
    neap_py_object_measure(&worker->lens, object, &measure, buffer_claim, worker);
    worker->undo = false;
    const struct neap_census_sum one = {
        .objects = UINT64_MAX,
        .tracked = 0 - (uint64_t)tracked,
        .object_bytes = 0 - object->block_bytes,
        .buffer_bytes = 0 - worker->buffer_bytes,
        .sizeof_bytes = 0 - measure.sizeof_bytes,
    };
    uint64_t bytes = object->block_bytes + worker->buffer_bytes;
    unsigned size = bytes ? neap_word_highest(bytes) : 0;
    neap_census_sum_add(&worker->facts.sizes[size < NEAP_CENSUS_SIZES ? size : NEAP_CENSUS_SIZES - 1], &one);
    neap_census_sum_add(type_sum(worker, object->type->index), &one);
}

/* --- one span ---------------------------------------------------------------- */

/* The first word of a GC head is 0 if the collector does not track the object. Otherwise it points to the
 * next object, which may lie outside of all blocks. */
static bool head_follow(struct neap__census_worker *worker, const struct neap_py_object *object,
                        const unsigned char *block) {
    uint64_t next;
    if (!(object->type->flags & NEAP_PY_TYPE_GC) || object->type->prefix_bytes < NEAP_PY_GC_HEAD)
        return false;
    memcpy(&next, block + object->type->prefix_bytes - NEAP_PY_GC_HEAD, sizeof(next));
    next &= ~UINT64_C(3);
    if (next)
        neap__census_offer(worker, next + NEAP_PY_GC_HEAD);
    return next != 0;
}

/* The bytes of a span, in place or copied block by block. */
struct span_bytes {
    const unsigned char *all;
    uint64_t block_bytes; /* bytes to read of each block, if the span is not in place */
};

static const unsigned char *block_at(struct neap__census_worker *worker, const struct span_bytes *bytes,
                                     const struct neap_block_span *span, uint32_t block) {
    const struct neap_memory *memory = &worker->census->view->memory;
    if (bytes->all)
        return bytes->all + block * span->block_bytes;
    uint64_t address = span->address + block * span->block_bytes;
    return memory->read(memory->context, address, worker->scratch, (size_t)bytes->block_bytes) == NEAP_OK
               ? worker->scratch
               : NULL;
}

/* Counts the objects in 64 blocks; returns one bit for each block that holds one. */
static uint64_t word_take(struct neap__census_worker *worker, const struct span_bytes *bytes,
                          const struct neap_block_span *span, uint32_t first, uint64_t live) {
    uint64_t objects = 0;
    for (; live; live &= live - 1) {
        unsigned bit = neap_word_lowest(live);
        uint32_t block = first + bit - span->ordinal;
        const unsigned char *place = block_at(worker, bytes, span, block);
        struct neap_py_object object;
        if (!place || !neap_py_object_in_block(&worker->lens, span->address + block * span->block_bytes,
                                               place, (uint32_t)span->block_bytes, &object))
            continue;
        bool tracked = !(object.flags & NEAP_PY_OBJECT_PARKED) && head_follow(worker, &object, place);
        if (neap__census_take(worker, &object, tracked, false))
            objects |= UINT64_C(1) << bit;
    }
    return objects;
}

static void span_take(struct neap__census_worker *worker, const struct neap_block_span *span) {
    struct neap_census *census = worker->census;
    const struct neap_memory *memory = &census->view->memory;
    const uint64_t *live = neap_block_index_live(census->index);
    uint64_t all_bytes = span->blocks * span->block_bytes;
    struct span_bytes bytes = {
        memory->view && all_bytes <= SIZE_MAX
            ? memory->view(memory->context, span->address, (size_t)all_bytes)
            : NULL,
        span->block_bytes < NEAP__CENSUS_SCRATCH ? span->block_bytes : NEAP__CENSUS_SCRATCH,
    };
    uint32_t end = span->ordinal + span->blocks;
    for (uint32_t at = span->ordinal; at < end;) {
        uint32_t word = at / 64, last = end - 64 * word < 64 ? end - 64 * word - 1 : 63;
        uint64_t there = live[word] & neap_word_span(at % 64, last);
        uint64_t objects = word_take(worker, &bytes, span, 64 * word, there);
        __atomic_fetch_or(&census->objects[word], objects, __ATOMIC_RELAXED);
        at = 64 * (word + 1);
    }
}

void neap__census_walk(struct neap__census_worker *worker) {
    struct neap_census *census = worker->census;
    size_t count;
    const struct neap_block_span *spans = neap_block_index_spans(census->index, &count);
    for (;;) {
        size_t first = __atomic_fetch_add(&census->next_span, SPANS_AT_ONCE, __ATOMIC_RELAXED);
        if (first >= count)
            return;
        size_t end = first + SPANS_AT_ONCE < count ? first + SPANS_AT_ONCE : count;
        for (size_t i = first; i < end; i++)
            span_take(worker, &spans[i]);
    }
}
