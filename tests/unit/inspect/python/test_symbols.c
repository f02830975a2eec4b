/* Where an interpreter's variables are: from its file and where that is mapped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../elf/elf_image.h"
#include "inspect/python/symbols.h"

#define BIAS UINT64_C(0x7f0000100000)

enum { RUNTIME = ELF_IMAGE_DATA + 64, TYPE = ELF_IMAGE_DATA + 512 };

static int file;
static char path[64];

/* A file with these symbols, mapped as a loader does: its code, then its data. */
static struct neap_process_image loaded(struct neap_image_mapping mappings[2],
                                        const struct elf_image_addresses *addresses) {
    unsigned char elf[ELF_IMAGE_BYTES];
    elf_image_make(elf, addresses);
    file = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(write(file, elf, sizeof(elf)), sizeof(elf));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    mappings[0] = (struct neap_image_mapping){
        .start = BIAS, .end = BIAS + ELF_IMAGE_DATA, .access = "r-xp", .path = path};
    mappings[1] = (struct neap_image_mapping){.start = BIAS + ELF_IMAGE_DATA,
                                              .end = BIAS + ELF_IMAGE_DATA + ELF_IMAGE_DATA_BYTES,
                                              .access = "rw-p",
                                              .offset = ELF_IMAGE_DATA,
                                              .path = path};
    return (struct neap_process_image){
        .core = true, .page_bytes = 4096, .pointer_bytes = 8, .mappings = mappings, .mapping_count = 2};
}

static void test_the_interpreter_is_found(void **state) {
    (void)state;
    struct neap_image_mapping mappings[2];
    struct neap_process_image image = loaded(mappings, &(struct elf_image_addresses){RUNTIME, 0, TYPE});
    struct neap_interpreter interpreter;
    assert_int_equal(neap_symbols_interpreter(&image, &interpreter), NEAP_OK);
    assert_string_equal(interpreter.path, path);
    assert_true(interpreter.bias == BIAS);
    assert_true(interpreter.runtime.address == BIAS + RUNTIME && interpreter.runtime.bytes == 64);
    assert_true(interpreter.image_start == BIAS);
    assert_true(interpreter.data_start == BIAS + ELF_IMAGE_DATA);
    assert_true(interpreter.data_end == BIAS + ELF_IMAGE_DATA + ELF_IMAGE_DATA_BYTES);
    close(file);
}

static void test_names(void **state) {
    (void)state;
    static const char *const names[] = {"PyType_Type", "Py_Version", "none"};
    struct neap_image_mapping mappings[2];
    struct neap_process_image image = loaded(mappings, &(struct elf_image_addresses){RUNTIME, 0, TYPE});
    struct neap_interpreter interpreter;
    struct neap_symbol_range ranges[3];
    assert_int_equal(neap_symbols_interpreter(&image, &interpreter), NEAP_OK);
    assert_int_equal(neap_symbols_find(&image, &interpreter, names, 3, ranges), NEAP_OK);
    assert_true(ranges[0].address == BIAS + TYPE && ranges[0].bytes == 64);
    assert_true(ranges[1].address == 0 && ranges[2].address == 0);
    close(file);
}

/* Cut files, files that are gone, and none at all: an error, and nothing is told. */
static void test_files_that_are_none(void **state) {
    (void)state;
    struct neap_image_mapping mappings[2];
    struct neap_process_image image = loaded(mappings, &(struct elf_image_addresses){RUNTIME, 0, TYPE});
    struct neap_interpreter interpreter = {.path = "untouched"};
    assert_int_equal(ftruncate(file, 40), 0); /* no whole header */
    assert_int_equal(neap_symbols_interpreter(&image, &interpreter), NEAP_ERROR_ABSENT);
    assert_int_equal(ftruncate(file, 0), 0);
    assert_int_equal(neap_symbols_interpreter(&image, &interpreter), NEAP_ERROR_ABSENT);
    image.mapping_count = 0;
    assert_int_equal(neap_symbols_interpreter(&image, &interpreter), NEAP_ERROR_ABSENT);
    close(file);
    mappings[0].path = mappings[1].path = "/no such file";
    image.mapping_count = 2;
    assert_int_equal(neap_symbols_interpreter(&image, &interpreter), NEAP_ERROR_ABSENT);
    assert_string_equal(interpreter.path, "untouched");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_interpreter_is_found),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_files_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
