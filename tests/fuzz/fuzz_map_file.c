/* Fuzz target: the loader of maps' files, and all reading of a map that is one.
 *
 * The input is the file's body, after one byte for the kinds and one for what the head
 * says of groups and offsets; preamble and head are made to fit it, for a checksum
 * would keep every change out. Inputs that begin with 255 are a whole file instead.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "containers/map/map_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void use(const neap_map_t *map) {
    struct neap_map_cursor cursor = {0};
    union neap_item key, value;
    const char *why;
    uint64_t sum = 0, given = 0;
    while (given++ < 10000 && neap_map_next(map, &cursor, &key, &value)) {
        if (neap_map_key_kind(map) == NEAP_KIND_STR || neap_map_key_kind(map) == NEAP_KIND_BYTES) {
            for (size_t i = 0; i < key.text.bytes; i++)
                sum += ((const unsigned char *)key.text.data)[i];
        }
        if (neap_map_value_kind(map) == NEAP_KIND_STR || neap_map_value_kind(map) == NEAP_KIND_BYTES) {
            for (size_t i = 0; i < value.text.bytes; i++)
                sum += ((const unsigned char *)value.text.data)[i];
        }
        sum += neap_map_get(map, key, &value);
    }
    sum += neap_map_any(map, &key, &value);
    neap_map_check(map, &why);
    neap_map_destroy(neap_map_copy(map, NULL));
    __asm__ volatile("" : : "r"(sum)); /* it was read */
}

/* The layout of container_file.c's preamble. */
struct preamble {
    char magic[8];
    uint32_t byte_order, container, version, head_bytes;
    uint64_t body_bytes, body_checksum, reserved[2], checksum;
};

static size_t frame(unsigned char *file, uint8_t kinds, uint8_t shape, const uint8_t *body, size_t bytes) {
    struct preamble preamble = {.magic = "neapfile",
                                .byte_order = 0x01020304,
                                .container = NEAP_CONTAINER_MAP,
                                .version = NEAP_MAP_FILE_VERSION,
                                .head_bytes = sizeof(struct neap__map_head),
                                .body_bytes = bytes};
    struct neap__map_head head = {
        .key = 1 + kinds % 12u, .value = kinds / 12 % 13u, .seed = 1, .count = bytes / 3};
    head.group_count = 1 + shape % 32u;
    head.offsets_at = bytes > 8 * head.group_count ? bytes - 8 * head.group_count : shape;
    size_t at = 64 + (sizeof(head) + 63) / 64 * 64;
    uint64_t first = XXH3_64bits(&preamble, offsetof(struct preamble, checksum));
    preamble.checksum = XXH3_64bits_withSeed(&head, sizeof(head), first);
    memset(file, 0, at);
    memcpy(file, &preamble, sizeof(preamble));
    memcpy(file + 64, &head, sizeof(head));
    memcpy(file + at, body, bytes);
    return at + bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    neap_map_t *map;
    if (bytes < 2)
        return 0;
    unsigned char *file = aligned_alloc(64, (bytes + 256) / 64 * 64);
    size_t length = bytes - 2;
    if (data[0] == 255)
        memcpy(file, data + 2, length);
    else
        length = frame(file, data[0], data[1], data + 2, bytes - 2);
    /* Moved up to the end of a block, where ASan sees the first byte too many. */
    unsigned char *exact = aligned_alloc(64, (length + 63) / 64 * 64 + 64);
    memcpy(exact, file, length);
    if (neap__map_view(exact, length, &map) == NEAP_OK) {
        use(map);
        neap_map_destroy(map);
    }
    free(exact);
    free(file);
    return 0;
}
