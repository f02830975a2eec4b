/* Core files: a sound one, cut ones, bent ones. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "core_image.h"
#include "inspect/process/core_file.h"
#include "inspect/process/snapshot.h"

static unsigned char core[CORE_IMAGE_BYTES];

/* A snapshot of the first `bytes` of the core, by a file. */
static int open_cut(size_t bytes, neap_snapshot_t **snapshot, struct neap_fault *fault) {
    char path[] = "./neap-core-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0 && write(file, core, bytes) == (ssize_t)bytes);
    close(file);
    int error = neap_snapshot_open(path, snapshot, fault);
    unlink(path);
    return error;
}

static void test_sound(void **state) {
    (void)state;
    neap_snapshot_t *snapshot;
    struct neap_fault fault;
    const char *why;
    unsigned char out[8192];
    core_image_make(core);
    assert_int_equal(open_cut(sizeof(core), &snapshot, &fault), NEAP_OK);
    const struct neap_process_image *image = neap_snapshot_image(snapshot);
    struct neap_memory memory = neap_snapshot_memory(snapshot);
    assert_true(neap_process_image_check(image, &why));
    assert_true(image->core && image->pid == CORE_IMAGE_PID && image->pointer_bytes == 8);
    assert_string_equal(image->program, "python3.11");
    assert_int_equal(image->thread_count, 1);
    assert_int_equal(image->threads[0].stack_pointer, CORE_IMAGE_STACK + 100);
    assert_int_equal(image->threads[0].thread_pointer, CORE_IMAGE_HEAP + 8);
    assert_int_equal(neap_process_image_span(image, CORE_IMAGE_STACK)->kind, NEAP_SPAN_STACK);
    assert_int_equal(neap_process_image_span(image, CORE_IMAGE_DATA)->kind, NEAP_SPAN_DATA);
    assert_int_equal(neap_process_image_span(image, CORE_IMAGE_TEXT)->kind, NEAP_SPAN_CODE);
    assert_int_equal(neap_process_image_mapping(image, CORE_IMAGE_DATA)->offset, 4096);
    assert_int_equal(neap_process_image_resident(image, 0, UINT64_C(1) << 40), 4 * 4096);
    assert_int_equal(memory.read(memory.context, CORE_IMAGE_HEAP, out, 8192), NEAP_OK);
    for (size_t i = 0; i < 8192; i++)
        assert_int_equal(out[i], (unsigned char)(i * 7));
    assert_non_null(memory.view(memory.context, CORE_IMAGE_HEAP + 4000, 4192));
    assert_null(memory.view(memory.context, CORE_IMAGE_HEAP + 4000, 4193));
    assert_int_equal(memory.read(memory.context, CORE_IMAGE_DATA, out, 4096), NEAP_OK);
    assert_true(memory.read(memory.context, CORE_IMAGE_DATA, out, 4097) != NEAP_OK); /* no such file */
    assert_true(memory.read(memory.context, CORE_IMAGE_TEXT, out, 1) != NEAP_OK);
    assert_int_equal(neap_snapshot_facts(snapshot)->copied_bytes, 4 * 4096);
    assert_int_equal(neap_snapshot_facts(snapshot)->missing_bytes, 0);
    neap_snapshot_destroy(snapshot);
}

/* At any length it is read as far as it goes, or refused. */
static void test_cut(void **state) {
    (void)state;
    neap_snapshot_t *snapshot;
    struct neap_fault fault;
    const char *why;
    unsigned char byte;
    core_image_make(core);
    for (size_t bytes = 1; bytes < sizeof(core); bytes += bytes < 600 ? 1 : 331) {
        fault.why = NULL;
        int error = open_cut(bytes, &snapshot, &fault);
        if (error != NEAP_OK) {
            assert_int_equal(error, NEAP_ERROR_FORMAT);
            assert_non_null(fault.why);
            assert_true(bytes < sizeof(Elf64_Ehdr) + (CORE_IMAGE_LOADS + 1) * sizeof(Elf64_Phdr));
            continue;
        }
        size_t whole = 4096 + CORE_IMAGE_NOTES, held = bytes > whole ? bytes - whole : 0;
        assert_true(neap_process_image_check(neap_snapshot_image(snapshot), &why));
        assert_int_equal(neap_snapshot_facts(snapshot)->copied_bytes, held);
        assert_int_equal(neap_snapshot_facts(snapshot)->missing_bytes, 4 * 4096 - held);
        struct neap_memory memory = neap_snapshot_memory(snapshot);
        for (size_t i = 0; i < 8192; i += 511)
            assert_true((memory.read(memory.context, CORE_IMAGE_HEAP + i, &byte, 1) == NEAP_OK) ==
                        (i < held));
        neap_snapshot_destroy(snapshot);
    }
}

static void assert_refused(const char *part) {
    neap_snapshot_t *snapshot = NULL;
    struct neap_fault fault = {0, ""};
    assert_int_equal(open_cut(sizeof(core), &snapshot, &fault), NEAP_ERROR_FORMAT);
    assert_non_null(strstr(fault.why, part));
    assert_null(snapshot);
}

static void test_refused(void **state) {
    (void)state;
    struct neap_fault fault;
    neap_snapshot_t *snapshot;
    Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)core;
    core_image_make(core);
    header->e_type = ET_DYN;
    assert_refused("no core file");
    core_image_make(core);
    header->e_ident[EI_DATA] = ELFDATA2MSB;
    assert_refused("byte order");
    core_image_make(core);
    header->e_ident[0] = 'x';
    assert_refused("no ELF");
    core_image_make(core);
    header->e_phoff = UINT64_MAX - 8;
    assert_refused("list of segments");
    core_image_make(core);
    header->e_phnum = PN_XNUM;
    header->e_shoff = UINT64_MAX;
    assert_int_equal(open_cut(sizeof(core), &snapshot, &fault), NEAP_OK); /* none at all */
    neap_snapshot_destroy(snapshot);
    assert_int_equal(neap_snapshot_open("./no such file", &snapshot, &fault), NEAP_ERROR_ABSENT);
}

/* A stretch that overlaps another, lies at the end of all addresses, or is as long as they are. */
static void test_bent_segments(void **state) {
    (void)state;
    static const uint64_t addresses[] = {CORE_IMAGE_HEAP + 4096, UINT64_MAX - 4095, 0, 1, UINT64_C(1) << 55};
    static const uint64_t lengths[] = {0, 1, 4096, UINT64_C(1) << 40, UINT64_MAX};
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++) {
            struct neap__core_file file;
            struct neap_process_image image;
            struct neap_fault fault;
            const char *why;
            core_image_make(core);
            Elf64_Phdr *segment = (Elf64_Phdr *)(void *)(core + sizeof(Elf64_Ehdr)) + 2;
            segment->p_vaddr = addresses[i];
            segment->p_memsz = lengths[k];
            segment->p_filesz = lengths[4 - k];
            assert_int_equal(neap__core_file_read(core, sizeof(core), &file, &image, &fault), NEAP_OK);
            assert_true(neap_process_image_check(&image, &why));
            neap_process_image_clear(&image);
            neap__core_file_close(&file);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bent_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
