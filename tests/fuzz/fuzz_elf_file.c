/* Fuzz target: an ELF file, as bytes.
 *
 * Changes (change.h) to a sound file; or, if the first byte is above 127, a file as it is. Nothing outside of
 * the file is asked for, no more is read than allowed, and a place that is found is the value of a symbol
 * whose name stands in the file. All bytes are read as notes, too.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/elf/elf_image.h"
#include "change.h"
#include "elf/elf_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct change_image changes;

const struct change_image *fuzz_image(uint8_t how) {
    if (!changes.bytes) {
        unsigned char *elf = malloc(ELF_IMAGE_BYTES);
        if (!elf)
            abort();
        elf_image_make(elf, &(struct elf_image_addresses){ELF_IMAGE_DATA + 64, ELF_IMAGE_DATA + 8,
                                                          ELF_IMAGE_DATA + 512});
        changes = change_image_of(elf, ELF_IMAGE_BYTES, 0);
    }
    return how < 0x80 ? &changes : NULL;
}

struct source {
    const unsigned char *bytes;
    uint64_t count, read;
};

static int source_read(void *context, uint64_t offset, void *out, size_t count) {
    struct source *source = context;
    if (offset > source->count || count > source->count - offset)
        abort();
    memcpy(out, source->bytes + offset, count);
    source->read += count;
    return NEAP_OK;
}

static void symbols_look(struct neap_elf_file *file, const struct source *source) {
    static const char *const names[] = {"_PyRuntime", "Py_Version", "PyType_Type", "none"};
    struct neap_elf_place places[NEAP_ELF_NAMES_MOST];
    neap_elf_symbols(file, names, NEAP_ELF_NAMES_MOST, places);
    for (size_t i = 0; i < NEAP_ELF_NAMES_MOST; i++)
        if (places[i].address != 0 &&
            (!memmem(source->bytes, source->count, names[i], strlen(names[i]) + 1) ||
             !memmem(source->bytes, source->count, &places[i].address, file->wide ? 8 : 4)))
            abort();
}

static void look(const unsigned char *bytes, size_t count) {
    const uint64_t most = 4 * (uint64_t)count + 4096;
    struct source source = {bytes, count, 0};
    const struct neap_memory memory = {.read = source_read, .context = &source};
    struct neap_elf_file file;
    struct neap_elf_segment segment;
    struct neap_elf_note note;
    const char *why;
    uint64_t at = 0, before = 0;
    if (neap_elf_open(&memory, count, most, &file, &why) == NEAP_OK) {
        for (uint64_t i = 0; i < file.segments.count; i++)
            if (neap_elf_segment(&file, i, &segment) != NEAP_OK && file.left_bytes >= 64)
                abort();
        symbols_look(&file, &source);
        neap_elf_section(&file, ".PyRuntime");
    }
    if (source.read > most)
        abort();
    for (; neap_elf_note_next(bytes, count, &at, &note); before = at)
        if (at <= before || note.content < bytes || note.content + note.content_bytes > bytes + count)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    return change_run(data, bytes, look);
}
