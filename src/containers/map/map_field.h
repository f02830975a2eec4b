/* containers/map/map_field.h: a key or a value in the form in which a group stores it.
 *
 *   number         its bytes                          no length
 *   text <= 254 B  its bytes                          length 0 to 254
 *   longer text    struct neap__map_far: where, bytes   length 255; the text has a block
 *                                                     of its own, or lies in the file
 */
#ifndef NEAP_CONTAINERS_MAP_MAP_FIELD_H
#define NEAP_CONTAINERS_MAP_MAP_FIELD_H

#include "containers/map/map_model.h"

struct neap__map_field {
    const void *bytes;     /* the stored bytes: in stored[], or the caller's text */
    uint32_t stored_bytes; /* number of stored bytes */
    uint8_t length;        /* for the column of lengths, if it is a text */
    union neap_item item;  /* from the caller; float keys are normalised (-0.0, NaN) */
    unsigned char stored[16];
};

/* Makes a field of a number, or of NEAP_KIND_NONE; false if the number does not fit its kind. */
bool neap__map_field_number(enum neap_kind kind, bool is_key, union neap_item item,
                            struct neap__map_field *field);

/* Makes a field of a text. */
static inline void neap__map_field_text(union neap_item item, struct neap__map_field *field) {
    bool is_near = item.text.bytes <= NEAP_MAP_NEAR_BYTES_MAX;
    field->item = item;
    field->bytes = is_near && item.text.data ? item.text.data : field->stored;
    field->length = is_near ? (uint8_t)item.text.bytes : (uint8_t)NEAP_MAP_FAR;
    field->stored_bytes = is_near ? (uint32_t)item.text.bytes : (uint32_t)sizeof(struct neap__map_far);
}

/* Makes a field of a key, for searching; false if it does not fit its kind. `field` points into
 * itself, so it must not be moved. A far text is not copied. */
static inline bool neap__map_field_key(const struct neap__map_shape *shape, union neap_item key,
                                       struct neap__map_field *field) {
    if (shape->key_lengths == 0)
        return neap__map_field_number(shape->key, true, key, field);
    neap__map_field_text(key, field);
    return true;
}

static inline bool neap__map_field_value(const struct neap__map_shape *shape, union neap_item value,
                                         struct neap__map_field *field) {
    if (shape->value_lengths == 0)
        return neap__map_field_number(shape->value, false, value, field);
    neap__map_field_text(value, field);
    return true;
}

/* Hash of a key, with the seed of the map. */
uint64_t neap__map_field_hash(const struct neap__map_shape *shape, const struct neap__map_field *key,
                              uint64_t seed);

/* The same for a key stored in a group; `length` is its length (0 for numbers). A far key must be
 * in memory. */
uint64_t neap__map_field_hash_stored(const uint8_t *bytes, uint32_t stored_bytes, uint8_t length,
                                     uint64_t seed);

/* Allocates the block of a far text and copies it; does nothing for others. False if there is no
 * memory. */
bool neap__map_field_keep(neap_map_t *map, struct neap__map_field *field);

/* Frees the block that neap__map_field_keep allocated, if any. */
void neap__map_field_drop(neap_map_t *map, const struct neap__map_field *field);

/* Reads the item of `kind` that is stored at `bytes`, with `stored_bytes` and `length`. A text is
 * borrowed. False if it is a far text of a file and does not lie in the file. */
bool neap__map_field_item(const struct neap__map_shape *shape, enum neap_kind kind, const uint8_t *bytes,
                          uint32_t stored_bytes, uint8_t length, union neap_item *item);

/* Frees the block of the far text to which the struct neap__map_far at `bytes` points. */
void neap__map_field_free(neap_map_t *map, const uint8_t *bytes);

#endif
