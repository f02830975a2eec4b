/* Fuzz target: core files.
 *
 * Changes (change.h) to a sound one; or, if the first byte is above 127, a core file as it is.
 * Whatever comes of it, the reader must not leave its bytes, and its image must be sound.
 */
#include <stdint.h>

#include "../unit/inspect/process/core_image.h"
#include "change.h"
#include "inspect/process/core_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct change_image changes;

const struct change_image *fuzz_image(uint8_t how) {
    if (!changes.bytes) {
        unsigned char *core = malloc(CORE_IMAGE_BYTES);
        if (!core)
            abort();
        core_image_make(core);
        changes = change_image_of(core, CORE_IMAGE_BYTES, CORE_IMAGE_HEAP);
    }
    return how < 0x80 ? &changes : NULL;
}

/* Reads it and looks at all that came of it. */
static void core_use(const unsigned char *core, size_t bytes) {
    struct neap__core_file file;
    struct neap_process_image image;
    struct neap_fault fault;
    struct neap__range *pieces;
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
    if (neap__core_file_ranges(&file, &image, &pieces, &count) == NEAP_OK) {
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
    return change_run(data, bytes, core_use);
}
