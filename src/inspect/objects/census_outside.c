/* inspect/objects/census_outside.c: counts objects that lie outside of pools and slabs. */
#include <stdlib.h>

#include "base/array.h"
#include "inspect/objects/census_state.h"

bool neap__census_push(struct neap__census_pending *pending, uint64_t address) {
    if (!NEAP_ARRAY_RESERVE(pending->addresses, pending->room, pending->count + 1))
        return false;
    pending->addresses[pending->count++] = address;
    return true;
}

bool neap__census_is_fixed(const struct neap_census *census, uint64_t address) {
    const struct neap_image_span *span = neap_process_image_span(census->view->image, address);
    return span &&
           (span->kind == NEAP_SPAN_DATA || span->kind == NEAP_SPAN_CODE || span->kind == NEAP_SPAN_FILE);
}

bool neap__census_is_tracked(struct neap__census_worker *worker, const struct neap_py_object *object) {
    const struct neap_memory *memory = &worker->census->view->memory;
    uint64_t next;
    if (!(object->type->flags & NEAP_PY_TYPE_GC) ||
        memory->read(memory->context, object->address - NEAP_PY_GC_HEAD, &next, sizeof(next)) != NEAP_OK)
        return false;
    next &= ~UINT64_C(3);
    if (next)
        neap__census_offer(worker, next + NEAP_PY_GC_HEAD);
    return next != 0;
}

static bool outside_take(struct neap__census_worker *worker, uint64_t address) {
    struct neap_census *census = worker->census;
    struct neap_py_object object;
    if (!neap_process_image_mapping(census->view->image, address) ||
        !neap_py_object_at(&worker->lens, address, &object))
        return true;
    bool added, fixed = neap__census_is_fixed(census, address);
    uint32_t ordinal = neap_block_index_add_alone(census->index, address, object.block_bytes, &added);
    if (ordinal == NEAP_BLOCK_NONE || !neap__census_bits(census))
        return false;
    if (!added)
        return true;
    bool tracked = !fixed && neap__census_is_tracked(worker, &object);
    if (!neap__census_take(worker, &object, tracked, fixed))
        return true;
    census->objects[ordinal / 64] |= UINT64_C(1) << (ordinal % 64);
    if (!fixed) {
        worker->facts.outside_objects++;
        worker->outside_object_bytes += object.block_bytes;
    }
    return true;
}

static bool root_offer(void *context, const struct neap_py_root *root) {
    neap__census_offer(context, root->object);
    return true;
}

/* Moves the candidates of all workers to the first one and makes them pending. */
static bool candidates_merge(struct neap__census_worker *workers, size_t count,
                             struct neap__census_pending *pending) {
    const struct neap_address_set *set = &workers[0].outside;
    bool enough = true;
    for (size_t i = 0; i < set->slot_count && enough; i++)
        if (set->slots[i].address)
            enough = neap__census_push(pending, set->slots[i].address);
    workers[0].pending = pending;
    for (size_t i = 1; i < count; i++) {
        set = &workers[i].outside;
        for (size_t j = 0; j < set->slot_count; j++)
            if (set->slots[j].address)
                neap__census_offer(&workers[0], set->slots[j].address);
        neap_address_set_clear(&workers[i].outside);
    }
    return enough;
}

void neap__census_outside(struct neap__census_worker *workers, size_t count) {
    struct neap__census_worker *worker = &workers[0];
    struct neap_census *census = worker->census;
    struct neap__census_pending pending = {NULL, 0, 0};
    bool enough = candidates_merge(workers, count, &pending);
    if (!(census->view->limits & NEAP_PYTHON_NO_RUNTIME)) {
        struct neap_py_runtime runtime = census->view->runtime;
        neap_py_runtime_roots(&worker->lens, &runtime, root_offer, worker);
    }
    while (enough && pending.count > 0)
        enough = outside_take(worker, pending.addresses[--pending.count]);
    census->facts.incomplete = !enough || worker->outside.lost;
    worker->pending = NULL;
    free(pending.addresses);
}
