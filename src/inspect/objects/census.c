/* inspect/objects/census.c: fills the block index, runs the workers, and adds up their sums. */
#include "inspect/objects/census.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/word.h"
#include "inspect/objects/census_state.h"

enum { THREADS_MAX = 16, CANDIDATES_LEAST = 1 << 18, BYTES_A_CANDIDATE = 128, BUDGET_LEAST = 1 << 26 };

/* --- blocks ------------------------------------------------------------------ */

/* Adds one span for each group of a batch. */
static int batch_index(struct neap_census *census, const struct neap_block_batch *batch, uint32_t holder) {
    uint64_t bits[NEAP_BATCH_WORDS];
    for (uint32_t first = 0; first < batch->blocks; first += batch->group_blocks) {
        uint32_t left = batch->blocks - first;
        struct neap_block_span span = {
            .address = neap_block_batch_at(batch, first),
            .block_bytes = batch->block_bytes,
            .blocks = left < batch->group_blocks ? left : batch->group_blocks,
            .arena = holder,
        };
        for (uint32_t i = 0; i < span.blocks; i += 64) {
            uint32_t at = (first + i) / 64, shift = (first + i) % 64;
            bits[i / 64] = batch->live[at] >> shift;
            if (shift && at + 1 < (batch->blocks + 63) / 64)
                bits[i / 64] |= batch->live[at + 1] << (64 - shift);
        }
        int error = neap_block_index_add(census->index, &span, bits);
        if (error == NEAP_ERROR_MEMORY)
            return error;
        census->facts.rejected += error != NEAP_OK;
    }
    return NEAP_OK;
}

/* Sums resident bytes, with neighbouring batches as one range. */
struct resident {
    const struct neap_process_image *image;
    uint64_t start, end, bytes;
};

static void resident_add(struct resident *resident, uint64_t start, uint64_t end) {
    if (start == resident->end) {
        resident->end = end;
        return;
    }
    if (resident->end)
        resident->bytes += neap_process_image_resident(resident->image, resident->start, resident->end);
    resident->start = start;
    resident->end = end;
}

static uint64_t resident_sum(struct resident *resident) {
    resident_add(resident, 0, 0);
    return resident->bytes;
}

static uint64_t less(uint64_t from, uint64_t what) {
    return from > what ? from - what : 0;
}

static int index_build(struct neap_census *census) {
    const struct neap_block_source *source = &census->view->blocks;
    struct neap_block_batch *batch = malloc(sizeof(*batch));
    struct resident holders = {.image = census->view->image}, batches = holders;
    uint64_t header_bytes = 0;
    int error = batch ? NEAP_OK : NEAP_ERROR_MEMORY;
    for (uint32_t i = 0; i < source->holders && error == NEAP_OK; i++) {
        struct neap_block_holder holder;
        if (source->holder(source->context, i, &holder) != NEAP_OK)
            continue;
        resident_add(&holders, holder.address, holder.address + holder.bytes);
        for (uint32_t j = 0; j < holder.batches && error == NEAP_OK; j++) {
            int got = source->batch(source->context, i, j, batch);
            census->facts.rejected += got == NEAP_ERROR_FORMAT;
            if (got != NEAP_OK)
                continue;
            resident_add(&batches, batch->address, batch->address + batch->bytes);
            header_bytes += batch->bytes - (uint64_t)batch->blocks * batch->block_bytes;
            error = batch_index(census, batch, i);
        }
    }
    free(batch);
    uint64_t in_batches = resident_sum(&batches);
    census->account.header_bytes = header_bytes;
    census->account.free_block_bytes = less(in_batches, header_bytes); /* live blocks are subtracted later */
    census->account.free_pool_bytes = less(resident_sum(&holders), in_batches);
    return error;
}

bool neap__census_bits(struct neap_census *census) {
    size_t words = (size_t)neap_block_index_count(census->index) / 64 + 1;
    if (words <= census->word_count)
        return true;
    size_t room = census->word_count;
    uint64_t **const maps[] = {&census->objects, &census->buffers};
    for (size_t i = 0; i < 2; i++) {
        room = census->word_count;
        if (!NEAP_ARRAY_RESERVE(*maps[i], room, words))
            return false;
        memset(*maps[i] + census->word_count, 0, (room - census->word_count) * sizeof(**maps[i]));
    }
    census->word_count = room;
    return true;
}

/* --- workers ------------------------------------------------------------------- */

static void *worker_run(void *context) {
    neap__census_walk(context);
    return NULL;
}

/* Starts all workers but the first, which runs in the caller's thread. If one cannot start, the others do its
 * work. */
static void walk_all(struct neap__census_worker *workers, size_t count) {
    pthread_t threads[THREADS_MAX];
    bool started[THREADS_MAX] = {false};
    for (size_t i = 1; i < count; i++)
        started[i] = pthread_create(&threads[i], NULL, worker_run, &workers[i]) == 0;
    neap__census_walk(&workers[0]);
    for (size_t i = 1; i < count; i++)
        if (started[i])
            pthread_join(threads[i], NULL);
}

/* The first bytes of a buffer, which may never have been written, can look like an object. That is not a
 * contradiction. */
static uint64_t doubts_count(const struct neap_census *census, const struct neap_address_set *doubts) {
    uint64_t count = 0;
    for (size_t i = 0; i < doubts->slot_count; i++) {
        const struct neap_address_entry *entry = &doubts->slots[i];
        if (entry->address == 0)
            continue;
        uint32_t ordinal = neap_block_index_find(census->index, entry->address - entry->value);
        count += ordinal == NEAP_BLOCK_NONE || !neap_census_is_buffer(census, ordinal);
    }
    return count;
}

static void facts_add(struct neap_census *census, struct neap__census_worker *worker) {
    struct neap_census_facts *facts = &census->facts;
    neap_census_sum_add(&facts->parked, &worker->facts.parked);
    neap_census_sum_add(&facts->fixed, &worker->facts.fixed);
    for (size_t i = 0; i < NEAP_CENSUS_SIZES; i++)
        neap_census_sum_add(&facts->sizes[i], &worker->facts.sizes[i]);
    facts->outside_objects += worker->facts.outside_objects;
    facts->shared_bytes += worker->facts.shared_bytes;
    facts->exact_objects += worker->facts.exact_objects;
    facts->scanned_objects += worker->facts.scanned_objects;
    facts->rejected += worker->facts.rejected + doubts_count(census, &worker->doubts);
    census->account.glibc_object_bytes += worker->outside_object_bytes;
    census->account.glibc_buffer_bytes += worker->outside_buffer_bytes;
}

/* Several workers may know a shared buffer outside of blocks; it counts once. */
static void shared_add(struct neap_census *census, struct neap__census_worker *workers, size_t count) {
    for (size_t i = 1; i < count; i++)
        for (size_t j = 0; j < workers[i].shared.slot_count; j++) {
            const struct neap_address_entry *entry = &workers[i].shared.slots[j];
            neap_address_set_add(&workers[0].shared, entry->address, entry->value, NULL);
        }
    for (size_t j = 0; j < workers[0].shared.slot_count; j++)
        if (workers[0].shared.slots[j].address) {
            census->facts.shared_bytes += workers[0].shared.slots[j].value;
            census->account.glibc_buffer_bytes += workers[0].shared.slots[j].value;
        }
}

static int types_add(struct neap_census *census, struct neap__census_worker *workers, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (workers[i].type_room > census->type_count)
            census->type_count = workers[i].type_room;
    if (census->type_count > neap_py_types_count(census->view->types))
        census->type_count = neap_py_types_count(census->view->types);
    census->types = calloc(census->type_count + 1, sizeof(*census->types));
    if (!census->types)
        return NEAP_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < workers[i].type_room && j < census->type_count; j++) {
            neap_census_sum_add(&census->types[j], &workers[i].types[j]);
            neap_census_sum_add(&census->facts.total, &workers[i].types[j]);
        }
    return NEAP_OK;
}

/* --- all of it ------------------------------------------------------------------ */

/* A Neap heap counts blocks in its magazines as used. Objects in these count as parked. The remaining
 * blocks of magazines are subtracted from the unknown ones. */
static void magazines_sum(struct neap_census *census) {
    struct neap_census_facts *facts = &census->facts;
    if (!census->view->neap)
        return;
    uint64_t cached = 0;
    for (uint32_t i = 1; i < census->view->heap.heap.class_count; i++)
        cached += census->view->heap.classes[i].cached_blocks;
    uint64_t waiting = less(cached, facts->parked_blocks);
    waiting = waiting < facts->unknown_blocks ? waiting : facts->unknown_blocks;
    facts->parked_blocks += waiting;
    facts->unknown_blocks -= waiting;
}

/* Counts the live blocks of pools and slabs by their classification. */
static void blocks_sum(struct neap_census *census) {
    struct neap_census_facts *facts = &census->facts;
    const uint64_t *live = neap_block_index_live(census->index);
    uint64_t live_bytes = 0, object_bytes = 0, buffer_bytes = 0;
    size_t count;
    const struct neap_block_span *spans = neap_block_index_spans(census->index, &count);
    for (size_t i = 0; i < count; i++) {
        if (spans[i].arena == NEAP_BLOCK_NONE)
            continue;
        uint32_t end = spans[i].ordinal + spans[i].blocks, used = 0, objects = 0, buffers = 0;
        for (uint32_t at = spans[i].ordinal; at < end; at = 64 * (at / 64 + 1)) {
            uint32_t word = at / 64, last = end - 64 * word < 64 ? end - 64 * word - 1 : 63;
            uint64_t there = live[word] & neap_word_span(at % 64, last);
            used += neap_word_count(there);
            objects += neap_word_count(there & census->objects[word]);
            buffers += neap_word_count(there & census->buffers[word] & ~census->objects[word]);
        }
        facts->live_blocks += used;
        facts->object_blocks += objects;
        facts->buffer_blocks += buffers;
        live_bytes += used * spans[i].block_bytes;
        object_bytes += objects * spans[i].block_bytes;
        buffer_bytes += buffers * spans[i].block_bytes;
    }
    facts->parked_blocks =
        facts->parked.objects < facts->object_blocks ? facts->parked.objects : facts->object_blocks;
    facts->object_blocks -= facts->parked_blocks;
    facts->unknown_blocks = facts->live_blocks - facts->object_blocks - facts->parked_blocks -
                            facts->buffer_blocks - facts->code_blocks;
    facts->unknown_bytes = live_bytes - object_bytes - buffer_bytes - facts->code_bytes;
    magazines_sum(census);
    struct neap_account_heap *account = &census->account;
    account->known = count > 0;
    account->parked_bytes =
        facts->parked.object_bytes < object_bytes ? facts->parked.object_bytes : object_bytes;
    account->object_bytes = object_bytes - account->parked_bytes;
    account->buffer_bytes = buffer_bytes;
    account->unknown_bytes = facts->unknown_bytes + facts->code_bytes;
    account->free_block_bytes = less(account->free_block_bytes, live_bytes);
}

static struct neap__census_worker *workers_new(struct neap_census *census, size_t count) {
    struct neap__census_worker *workers = calloc(count, sizeof(*workers));
    uint64_t resident = 0;
    for (size_t i = 0; i < census->view->image->mapping_count; i++)
        resident += census->view->image->mappings[i].rss_bytes + census->view->image->mappings[i].swap_bytes;
    for (size_t i = 0; workers && i < count; i++) {
        workers[i].census = census;
        workers[i].doubts.limit = CANDIDATES_LEAST;
        workers[i].budget_bytes = 2 * resident + BUDGET_LEAST;
        workers[i].outside.limit = workers[i].shared.limit =
            CANDIDATES_LEAST + (size_t)(resident / BYTES_A_CANDIDATE);
        neap_py_lens_init(&workers[i].lens, census->view->types);
    }
    return workers;
}

static void workers_delete(struct neap__census_worker *workers, size_t count) {
    for (size_t i = 0; workers && i < count; i++) {
        free(workers[i].types);
        neap_address_set_clear(&workers[i].outside);
        neap_address_set_clear(&workers[i].shared);
        neap_address_set_clear(&workers[i].doubts);
    }
    free(workers);
}

/* A buffer may begin like an object, or with the remains of one. If an object owns it, it counts as a
 * buffer. */
static void conflicts_resolve(struct neap_census *census, struct neap__census_worker *worker) {
    for (size_t word = 0; word < census->word_count; word++) {
        uint64_t both = census->objects[word] & census->buffers[word];
        for (; both; both &= both - 1) {
            uint32_t ordinal = (uint32_t)(64 * word + neap_word_lowest(both));
            struct neap_py_object object;
            if (neap_census_object(census, &worker->lens, ordinal, &object))
                neap__census_take_back(worker, &object,
                                       !(object.flags & NEAP_PY_OBJECT_PARKED) &&
                                           neap__census_is_tracked(worker, &object));
            census->objects[word] &= ~(UINT64_C(1) << (ordinal % 64));
        }
    }
}

static int census_fill(struct neap_census *census, struct neap__census_worker *workers, size_t count) {
    walk_all(workers, count);
    neap__census_outside(workers, count);
    conflicts_resolve(census, &workers[0]);
    shared_add(census, workers, count);
    bool out_of_memory = false;
    for (size_t i = 0; i < count; i++) {
        facts_add(census, &workers[i]);
        out_of_memory |= workers[i].out_of_memory;
    }
    int error = types_add(census, workers, count);
    out_of_memory |= !neap__census_static(census);
    blocks_sum(census);
    return out_of_memory ? NEAP_ERROR_MEMORY : error;
}

int neap_census_make(const struct neap_python_view *view, unsigned threads, neap_census_t **census) {
    size_t count = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
    struct neap_census *made = calloc(1, sizeof(*made));
    if (!made)
        return NEAP_ERROR_MEMORY;
    made->view = view;
    made->index = neap_block_index_new();
    int error = made->index ? index_build(made) : NEAP_ERROR_MEMORY;
    if (error == NEAP_OK && !neap__census_bits(made))
        error = NEAP_ERROR_MEMORY;
    struct neap__census_worker *workers = error == NEAP_OK ? workers_new(made, count) : NULL;
    if (workers)
        error = census_fill(made, workers, count);
    else if (error == NEAP_OK)
        error = NEAP_ERROR_MEMORY;
    workers_delete(workers, count);
    if (error == NEAP_OK)
        *census = made;
    else
        neap_census_destroy(made);
    return error;
}

void neap_census_destroy(neap_census_t *census) {
    if (!census)
        return;
    neap_block_index_destroy(census->index);
    free(census->objects);
    free(census->buffers);
    free(census->types);
    free(census);
}

/* --- answers ---------------------------------------------------------------------- */

const struct neap_census_facts *neap_census_facts(const neap_census_t *census) {
    return &census->facts;
}

const struct neap_python_view *neap_census_view(const neap_census_t *census) {
    return census->view;
}

const struct neap_census_sum *neap_census_types(const neap_census_t *census, size_t *count) {
    *count = census->type_count;
    return census->types;
}

void neap_census_account(const neap_census_t *census, struct neap_account_heap *heap) {
    *heap = census->account;
}

const neap_block_index_t *neap_census_index(const neap_census_t *census) {
    return census->index;
}

bool neap_census_is_object(const neap_census_t *census, uint32_t ordinal) {
    return neap_block_is_live(census->objects, ordinal);
}

bool neap_census_is_buffer(const neap_census_t *census, uint32_t ordinal) {
    return neap_block_is_live(census->buffers, ordinal);
}

bool neap_census_is_fixed(const neap_census_t *census, uint32_t ordinal) {
    const struct neap_block_span *span = neap_block_index_span(census->index, ordinal);
    return span->arena == NEAP_BLOCK_NONE && neap__census_is_fixed(census, span->address);
}

bool neap_census_object(const neap_census_t *census, struct neap_py_lens *lens, uint32_t ordinal,
                        struct neap_py_object *object) {
    const struct neap_block_span *span = neap_block_index_span(census->index, ordinal);
    uint64_t address = neap_block_address(span, ordinal);
    if (!neap_census_is_object(census, ordinal))
        return false;
    if (span->arena == NEAP_BLOCK_NONE)
        return neap_py_object_at(lens, address, object);
    unsigned char scratch[256];
    const struct neap_memory *memory = &census->view->memory;
    uint64_t bytes = span->block_bytes;
    const void *place =
        memory->view && bytes <= SIZE_MAX ? memory->view(memory->context, address, (size_t)bytes) : NULL;
    if (!place) {
        bytes = bytes < sizeof(scratch) ? bytes : sizeof(scratch);
        if (memory->read(memory->context, address, scratch, (size_t)bytes) != NEAP_OK)
            return false;
        place = scratch;
    }
    return neap_py_object_in_block(lens, address, place, (uint32_t)span->block_bytes, object);
}
