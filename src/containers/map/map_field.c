/* containers/map/map_field.c */
#include "containers/map/map_field.h"

#include <math.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static bool is_text(enum neap_kind kind) {
    return kind == NEAP_KIND_STR || kind == NEAP_KIND_BYTES;
}

/* A number as a key: both zeros are one, as are all NaNs, and so is what f32 rounds to a zero. */
static double as_key(enum neap_kind kind, double number) {
    double kept = kind == NEAP_KIND_F32 && fabs(number) < 1 ? (double)(float)number : number;
    return isnan(kept) ? (double)NAN : kept + 0.0; /* -0.0 + 0.0 is 0.0 */
}

bool neap__map_field_number(enum neap_kind kind, bool is_key, union neap_item item,
                            struct neap__map_field *field) {
    if (is_key && kind >= NEAP_KIND_F32)
        item.f = as_key(kind, item.f);
    field->item = item;
    field->bytes = field->stored;
    field->length = 0;
    field->stored_bytes = (uint32_t)neap_kind_width(kind);
    if (!neap_kind_fits(kind, item))
        return false;
    neap_kind_store(kind, item, field->stored);
    return true;
}

uint64_t neap__map_field_hash(const struct neap__map_shape *shape, const struct neap__map_field *key,
                              uint64_t seed) {
    if (shape->key_lengths != 0)
        return XXH3_64bits_withSeed(key->item.text.data, key->item.text.bytes, seed);
    return XXH3_64bits_withSeed(key->stored, shape->key_bytes, seed);
}

uint64_t neap__map_field_hash_stored(const uint8_t *bytes, uint32_t stored_bytes, uint8_t length,
                                     uint64_t seed) {
    struct neap__map_far far;
    if (length != NEAP_MAP_FAR)
        return XXH3_64bits_withSeed(bytes, stored_bytes, seed);
    memcpy(&far, bytes, sizeof(far));
    return XXH3_64bits_withSeed((const void *)(uintptr_t)far.at, (size_t)far.bytes, seed);
}

bool neap__map_field_keep(neap_map_t *map, struct neap__map_field *field) {
    if (field->length != NEAP_MAP_FAR)
        return true;
    size_t bytes = field->item.text.bytes;
    void *block = NEAP_ALLOC(&map->memory, bytes);
    if (!block)
        return false;
    memcpy(block, field->item.text.data, bytes);
    struct neap__map_far far = {(uintptr_t)block, bytes};
    memcpy(field->stored, &far, sizeof(far));
    map->far_count++;
    return true;
}

void neap__map_field_drop(neap_map_t *map, const struct neap__map_field *field) {
    if (field->length == NEAP_MAP_FAR)
        neap__map_field_free(map, field->stored);
}

void neap__map_field_free(neap_map_t *map, const uint8_t *bytes) {
    struct neap__map_far far;
    memcpy(&far, bytes, sizeof(far));
    NEAP_FREE(&map->memory, (void *)(uintptr_t)far.at, (size_t)far.bytes);
    map->far_count--;
}

bool neap__map_field_item(const struct neap__map_shape *shape, enum neap_kind kind, const uint8_t *bytes,
                          uint32_t stored_bytes, uint8_t length, union neap_item *item) {
    if (!is_text(kind)) {
        *item = neap_kind_load(kind, bytes);
        return true;
    }
    item->text.data = bytes;
    item->text.bytes = stored_bytes;
    if (length != NEAP_MAP_FAR)
        return true;
    struct neap__map_far far;
    memcpy(&far, bytes, sizeof(far));
    item->text.data = !shape->file ? (const void *)(uintptr_t)far.at
                                   : neap__container_file_bytes(shape->file, far.at, far.bytes);
    item->text.bytes = (size_t)far.bytes;
    return item->text.data != NULL;
}
