/* inspect/objects/pins.c: finds nearly empty places, their blocks, and the owners of these. */
#include "inspect/objects/pins.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/word.h"
#include "inspect/objects/address_set.h"

struct search {
    const neap_referrers_t *referrers;
    neap_owner_paths_t *paths;
    const neap_census_t *census;
    const neap_block_index_t *index;
    struct neap_pins *pins;
    uint32_t *place_of; /* by index of the arena: its place + 1; 0: not nearly empty */
    uint32_t arenas;
    size_t pin_room, group_room;
    struct neap_address_set group_of; /* owner path and type -> index of the group + 1 */
    struct neap_address_set owner_of; /* ordinal + 1 of a buffer -> ordinal of its owner */
    struct neap_py_lens lens;
    uint32_t at; /* the object whose buffers are visited */
    bool out_of_memory;
};

/* --- places ------------------------------------------------------------------------- */

struct fill {
    uint64_t used_bytes;
    uint32_t used_blocks;
    uint32_t spans_alone; /* spans of one block: runs, which are either full or free */
};

static uint32_t span_used(const neap_block_index_t *index, const struct neap_block_span *span) {
    const uint64_t *live = neap_block_index_live(index);
    uint32_t end = span->ordinal + span->blocks, used = 0;
    for (uint32_t at = span->ordinal; at < end; at = 64 * (at / 64 + 1)) {
        uint32_t word = at / 64, last = end - 64 * word < 64 ? end - 64 * word - 1 : 63;
        used += neap_word_count(live[word] & neap_word_span(at % 64, last));
    }
    return used;
}

static struct fill *fills_count(const struct search *search) {
    struct fill *fills = calloc((size_t)search->arenas + 1, sizeof(*fills));
    size_t count;
    const struct neap_block_span *spans = neap_block_index_spans(search->index, &count);
    for (size_t i = 0; fills && i < count; i++) {
        if (spans[i].arena >= search->arenas)
            continue;
        struct fill *fill = &fills[spans[i].arena];
        uint32_t used = span_used(search->index, &spans[i]);
        fill->used_blocks += used;
        fill->used_bytes += used * spans[i].block_bytes;
        fill->spans_alone += spans[i].blocks == 1;
    }
    return fills;
}

static int place_compare(const void *a, const void *b) {
    const struct neap_pin_place *one = a, *other = b;
    if (one->used_bytes != other->used_bytes)
        return one->used_bytes < other->used_bytes ? -1 : 1;
    return one->address < other->address ? -1 : one->address > other->address;
}

/* Until the places are sorted, first_pin has the index of the arena. */
static int places_find(struct search *search) {
    const struct neap_python_view *view = neap_census_view(search->census);
    struct neap_pins *pins = search->pins;
    struct fill *fills = fills_count(search);
    pins->places = calloc((size_t)search->arenas + 1, sizeof(*pins->places));
    search->place_of = calloc((size_t)search->arenas + 1, sizeof(*search->place_of));
    bool enough = fills && pins->places && search->place_of;
    for (uint32_t i = 0; enough && i < search->arenas; i++) {
        struct neap_block_holder holder;
        if (view->blocks.holder(view->blocks.context, i, &holder) != NEAP_OK)
            continue;
        uint64_t resident =
            neap_process_image_resident(view->image, holder.address, holder.address + holder.bytes);
        pins->place_total++;
        pins->total_bytes += resident;
        if (fills[i].used_blocks == 0 || fills[i].spans_alone ||
            fills[i].used_bytes >= holder.bytes / NEAP_PIN_SHARE)
            continue;
        pins->resident_bytes += resident;
        pins->places[pins->place_count++] = (struct neap_pin_place){
            .address = holder.address,
            .bytes = holder.bytes,
            .resident_bytes = resident,
            .used_bytes = fills[i].used_bytes,
            .used_blocks = fills[i].used_blocks,
            .first_pin = i,
        };
    }
    free(fills);
    if (!enough)
        return NEAP_ERROR_MEMORY;
    qsort(pins->places, pins->place_count, sizeof(*pins->places), place_compare);
    uint32_t first = 0;
    for (size_t i = 0; i < pins->place_count; i++) {
        search->place_of[pins->places[i].first_pin] = (uint32_t)i + 1;
        pins->places[i].first_pin = first;
        first += pins->places[i].used_blocks;
    }
    search->pin_room = first;
    return NEAP_OK;
}

/* --- owners of buffers ----------------------------------------------------------------- */

static void buffer_own(void *context, const struct neap_py_buffer *buffer) {
    struct search *search = context;
    uint32_t ordinal = neap_block_index_find(search->index, buffer->address);
    if (ordinal == NEAP_BLOCK_NONE)
        return;
    const struct neap_block_span *span = neap_block_index_span(search->index, ordinal);
    if (span->arena < search->arenas && search->place_of[span->arena] &&
        !neap_address_set_add(&search->owner_of, (uint64_t)ordinal + 1, search->at, NULL))
        search->out_of_memory = true;
}

/* Visits the buffers of every object, if any buffer lies in a place. */
static void owners_find(struct search *search) {
    uint32_t count;
    const uint32_t *order = neap_referrers_order(search->referrers, &count);
    for (uint32_t i = 0; i < count && !search->out_of_memory; i++) {
        struct neap_py_object object;
        struct neap_py_measure measure;
        search->at = order[i];
        if (neap_census_object(search->census, &search->lens, search->at, &object))
            neap_py_object_measure(&search->lens, &object, &measure, buffer_own, search);
    }
}

static bool buffers_wait(const struct search *search) {
    size_t count;
    const struct neap_block_span *spans = neap_block_index_spans(search->index, &count);
    for (size_t i = 0; i < count; i++)
        if (spans[i].arena < search->arenas && search->place_of[spans[i].arena])
            for (uint32_t j = 0; j < spans[i].blocks; j++)
                if (neap_census_is_buffer(search->census, spans[i].ordinal + j))
                    return true;
    return false;
}

/* --- pins and their groups ---------------------------------------------------------------- */

/* Index of the group; UINT32_MAX if there is no memory. */
static uint32_t group_of(struct search *search, uint32_t owner_path, const struct neap_py_type *type) {
    struct neap_pins *pins = search->pins;
    uint64_t key = (uint64_t)owner_path << 32 | (type ? type->index + UINT64_C(2) : 1);
    bool added;
    struct neap_address_entry *entry =
        neap_address_set_add(&search->group_of, key, pins->group_count, &added);
    if (entry && !added)
        return (uint32_t)entry->value;
    if (!entry || !NEAP_ARRAY_RESERVE(pins->groups, search->group_room, pins->group_count + 1)) {
        search->out_of_memory = true;
        return UINT32_MAX;
    }
    pins->groups[pins->group_count] = (struct neap_pin_group){.owner_path = owner_path, .type = type};
    return (uint32_t)pins->group_count++;
}

static void pin_add(struct search *search, struct neap_pin_place *place, uint32_t block, uint64_t bytes) {
    struct neap_pin pin = {block, NEAP_BLOCK_NONE, 0};
    struct neap_py_object object = {0};
    if (neap_census_is_object(search->census, block)) {
        pin.object = block;
    } else {
        const struct neap_address_entry *entry =
            neap_address_set_find(&search->owner_of, (uint64_t)block + 1);
        if (entry)
            pin.object = (uint32_t)entry->value;
    }
    uint32_t owner_path =
        pin.object == NEAP_BLOCK_NONE ? NEAP_OWNER_PATH_NONE : neap_owner_paths_of(search->paths, pin.object);
    bool known = owner_path != NEAP_OWNER_PATH_NONE &&
                 neap_census_object(search->census, &search->lens, pin.object, &object);
    pin.group = group_of(search, known ? owner_path : NEAP_OWNER_PATH_NONE, known ? object.type : NULL);
    if (search->out_of_memory)
        return;
    search->pins->groups[pin.group].objects++;
    search->pins->groups[pin.group].bytes += bytes;
    search->pins->pins[place->first_pin + place->pin_count++] = pin;
    search->pins->pin_count++;
}

static int pins_add(struct search *search) {
    struct neap_pins *pins = search->pins;
    const uint64_t *live = neap_block_index_live(search->index);
    size_t count;
    const struct neap_block_span *spans = neap_block_index_spans(search->index, &count);
    pins->pins = calloc(search->pin_room + 1, sizeof(*pins->pins));
    search->out_of_memory = !pins->pins;
    for (size_t i = 0; i < count; i++) {
        if (spans[i].arena >= search->arenas || !search->place_of[spans[i].arena])
            continue;
        struct neap_pin_place *place = &pins->places[search->place_of[spans[i].arena] - 1];
        for (uint32_t j = 0; j < spans[i].blocks && !search->out_of_memory; j++)
            if (neap_block_is_live(live, spans[i].ordinal + j))
                pin_add(search, place, spans[i].ordinal + j, spans[i].block_bytes);
    }
    return search->out_of_memory ? NEAP_ERROR_MEMORY : NEAP_OK;
}

/* --- sums ---------------------------------------------------------------------------------- */

static int pin_compare(const void *a, const void *b) {
    const struct neap_pin *one = a, *other = b;
    return one->group < other->group ? -1 : one->group > other->group;
}

static void places_sum(struct neap_pins *pins) {
    for (size_t i = 0; i < pins->place_count; i++) {
        struct neap_pin_place *place = &pins->places[i];
        struct neap_pin *first = &pins->pins[place->first_pin];
        qsort(first, place->pin_count, sizeof(*first), pin_compare);
        for (uint32_t j = 0; j < place->pin_count; j++) {
            if (j > 0 && first[j].group == first[j - 1].group)
                continue;
            place->group_count++;
            pins->groups[first[j].group].places++;
            pins->groups[first[j].group].place_bytes += place->resident_bytes;
        }
        if (place->group_count == 1) {
            pins->groups[first->group].alone_places++;
            pins->groups[first->group].alone_bytes += place->resident_bytes;
        }
    }
}

static int group_compare(const void *a, const void *b) {
    const struct neap_pin_group *one = *(const struct neap_pin_group *const *)a;
    const struct neap_pin_group *other = *(const struct neap_pin_group *const *)b;
    if (one->place_bytes != other->place_bytes)
        return one->place_bytes > other->place_bytes ? -1 : 1;
    if (one->objects != other->objects)
        return one->objects > other->objects ? -1 : 1;
    return one < other ? -1 : 1;
}

/* Sorts the groups, renumbers the pins, and computes cumulative_bytes. */
static int groups_sort(struct neap_pins *pins) {
    struct neap_pin_group **sorted = calloc(pins->group_count + 1, sizeof(*sorted));
    struct neap_pin_group *groups = calloc(pins->group_count + 1, sizeof(*groups));
    uint32_t *rank = calloc(pins->group_count + 1, sizeof(*rank));
    int error = sorted && groups && rank ? NEAP_OK : NEAP_ERROR_MEMORY;
    if (error == NEAP_OK) {
        for (size_t i = 0; i < pins->group_count; i++)
            sorted[i] = &pins->groups[i];
        qsort(sorted, pins->group_count, sizeof(*sorted), group_compare);
        for (size_t i = 0; i < pins->group_count; i++) {
            groups[i] = *sorted[i];
            rank[sorted[i] - pins->groups] = (uint32_t)i;
        }
        for (size_t i = 0; i < pins->place_count; i++) {
            uint32_t last = 0;
            for (uint32_t j = 0; j < pins->places[i].pin_count; j++) {
                struct neap_pin *pin = &pins->pins[pins->places[i].first_pin + j];
                pin->group = rank[pin->group];
                last = pin->group > last ? pin->group : last;
            }
            groups[last].cumulative_bytes += pins->places[i].resident_bytes;
        }
        for (size_t i = 1; i < pins->group_count; i++)
            groups[i].cumulative_bytes += groups[i - 1].cumulative_bytes;
        free(pins->groups);
        pins->groups = groups;
        groups = NULL;
    }
    free(rank);
    free(groups);
    free(sorted);
    return error;
}

int neap_pins_find(const neap_referrers_t *referrers, neap_owner_paths_t *paths, struct neap_pins *pins) {
    struct search *search = calloc(1, sizeof(*search));
    memset(pins, 0, sizeof(*pins));
    if (!search)
        return NEAP_ERROR_MEMORY;
    search->referrers = referrers;
    search->paths = paths;
    search->census = neap_referrers_census(referrers);
    search->index = neap_census_index(search->census);
    search->pins = pins;
    search->arenas = neap_census_view(search->census)->blocks.holders;
    neap_py_lens_init(&search->lens, neap_census_view(search->census)->types);
    int error = places_find(search);
    if (error == NEAP_OK && buffers_wait(search))
        owners_find(search);
    if (error == NEAP_OK)
        error = search->out_of_memory ? NEAP_ERROR_MEMORY : pins_add(search);
    if (error == NEAP_OK) {
        places_sum(pins);
        error = groups_sort(pins);
    }
    neap_address_set_clear(&search->group_of);
    neap_address_set_clear(&search->owner_of);
    free(search->place_of);
    free(search);
    if (error != NEAP_OK)
        neap_pins_clear(pins);
    return error;
}

void neap_pins_clear(struct neap_pins *pins) {
    free(pins->places);
    free(pins->pins);
    free(pins->groups);
    memset(pins, 0, sizeof(*pins));
}
