/* Fuzz target: the interpreter's file, as the process that runs it names it.
 *
 * Changes (change.h) to a sound ELF file; or, if the first byte is above 127, a file as it is. The file lies
 * in memory and has a path. Whatever comes of it, looking for variables ends, and without a fault.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../unit/elf/elf_image.h"
#include "change.h"
#include "inspect/python/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct change_image changes;
static int file;
static char path[64];

const struct change_image *fuzz_image(uint8_t how) {
    if (!changes.bytes) {
        unsigned char *elf = malloc(ELF_IMAGE_BYTES);
        if (!elf)
            abort();
        elf_image_make(elf, &(struct elf_image_addresses){ELF_IMAGE_DATA + 64, ELF_IMAGE_DATA + 8,
                                                          ELF_IMAGE_DATA + 512});
        changes = change_image_of(elf, ELF_IMAGE_BYTES, 0);
        file = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    }
    return how < 0x80 ? &changes : NULL;
}

static void look(const unsigned char *bytes, size_t length) {
    struct neap_image_mapping mappings[] = {
        {.start = 0x100000, .end = 0x101000, .access = "r-xp", .path = path},
        {.start = 0x101000, .end = 0x200000, .access = "rw-p", .offset = ELF_IMAGE_DATA, .path = path},
    };
    const struct neap_process_image image = {
        .core = true, .page_bytes = 4096, .pointer_bytes = 8, .mappings = mappings, .mapping_count = 2};
    static const char *const names[] = {"PyType_Type", "Py_Version", "none"};
    struct neap_symbol_range ranges[3];
    struct neap_interpreter interpreter = {.path = ""};
    if (ftruncate(file, (off_t)length) != 0 || pwrite(file, bytes, length, 0) != (ssize_t)length)
        abort();
    if (neap_symbols_interpreter(&image, &interpreter) == NEAP_OK)
        neap_symbols_find(&image, &interpreter, names, 3, ranges);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    return change_run(data, bytes, look);
}
