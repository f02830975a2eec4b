/* Fuzz target: core files.
 *
 * The first byte says how the input is meant: even, a core file as it is; odd, changes
 * to a sound one, 8 bytes each: where (32 bits, modulo its size) and what. Whatever
 * comes of it, the reader must not leave its bytes, and its image must be sound.
 */
#include <stdint.h>

#include "../unit/inspect/core_image.h"
#include "inspect/core_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Reads it and looks at all that came of it. */
static void core_use(const unsigned char *core, size_t bytes) {
    struct neap__core_file file;
    struct neap_process_image image;
    struct neap_fault fault;
    struct neap__piece *pieces;
    struct neap_snapshot_stretch *stretches;
    const char *why;
    size_t count;
    uint64_t sum = 0;
    if (neap__core_file_read(core, bytes, &file, &image, &fault) != NEAP_OK)
        return;
    if (!neap_process_image_check(&image, &why))
        abort();
    neap_process_image_resident(&image, 0, UINT64_MAX);
    if (neap__core_file_stretches(&file, &image, &stretches, &count) == NEAP_OK) {
        for (size_t i = 0; i < count; i++)
            sum += stretches[i].bytes[0] + stretches[i].bytes[stretches[i].end - stretches[i].start - 1];
        free(stretches);
    }
    if (neap__core_file_pieces(&file, &image, &pieces, &count) == NEAP_OK) {
        for (size_t i = 0; i < count; i++)
            if (pieces[i].bytes)
                sum += pieces[i].bytes[pieces[i].end - pieces[i].start - 1];
        free(pieces);
    }
    for (size_t i = 0; i < image.mapping_count; i++)
        sum += strlen(image.mappings[i].path);
    if (sum == UINT64_MAX)
        abort();
    neap_process_image_clear(&image);
    neap__core_file_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes == 0)
        return 0;
    if (data[0] % 2 == 0) {
        unsigned char *exact = malloc(bytes);
        memcpy(exact, data + 1, bytes - 1);
        core_use(exact, bytes - 1);
        free(exact);
        return 0;
    }
    unsigned char *core = malloc(CORE_IMAGE_BYTES);
    core_image_make(core);
    for (size_t at = 1; at + 8 <= bytes; at += 8) {
        uint32_t place, value;
        memcpy(&place, data + at, sizeof(place));
        memcpy(&value, data + at + 4, sizeof(value));
        memcpy(core + place % (CORE_IMAGE_BYTES - sizeof(value)), &value, sizeof(value));
    }
    core_use(core, CORE_IMAGE_BYTES);
    free(core);
    return 0;
}
