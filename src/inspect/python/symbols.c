/* inspect/python/symbols.c: looks for names in ELF files, and finds the mappings that load them. */
#include "inspect/python/symbols.h"

#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/outside_text.h"
#include "elf/elf_file.h"
#include "inspect/process/image_file.h"

enum { CANDIDATES_MOST = 512, LOADS_MOST = 16, SEGMENTS_MOST = 256 };

/* Read of all candidates together: more than Python and all its libraries have, and half a second's work. */
#define READ_BYTES_MOST (UINT64_C(512) << 20)

/* A file that is open as ELF. */
struct binary {
    struct neap_os_held_file file;
    bool owned; /* close closes the file; else the image holds it */
    struct neap_elf_file elf;
};

static int file_read(void *context, uint64_t offset, void *out, size_t bytes) {
    return neap_os_held_file_read(context, offset, out, bytes);
}

static void binary_close(struct binary *binary) {
    if (binary->owned)
        neap_os_held_file_close(&binary->file);
}

/* `binary` must stay where it is while it is open. At most `left_bytes` are read from it. */
static int binary_open(const struct neap_process_image *image, const struct neap_image_mapping *mapping,
                       uint64_t left_bytes, struct binary *binary) {
    const struct neap_os_held_file *held = neap_image_file(image, mapping);
    const char *why;
    binary->owned = !held && !image->file_count; /* else its files were opened, and this one could not be */
    if (held)
        binary->file = *held;
    else if (!binary->owned || neap_image_file_open(image, mapping, &binary->file) != NEAP_OK)
        return NEAP_ERROR_ABSENT;
    const struct neap_memory source = {.read = file_read, .context = &binary->file};
    int error = neap_elf_open(&source, binary->file.bytes, left_bytes, &binary->elf, &why);
    if (error != NEAP_OK)
        binary_close(binary);
    return error;
}

static bool runtime_find(struct neap_elf_file *elf, struct neap_elf_place *runtime) {
    static const char *const name[] = {"_PyRuntime"};
    neap_elf_symbols(elf, name, 1, runtime);
    if (runtime->address == 0)
        *runtime = neap_elf_section(elf, ".PyRuntime");
    return runtime->address != 0;
}

/* --- in the process -------------------------------------------------------------- */

/* The load segments of a file, by its program headers. */
struct loads {
    struct neap_elf_segment segments[LOADS_MOST];
    size_t count;
    uint64_t start, end, data_start, data_end; /* in the file's own addresses */
};

static bool loads_read(struct neap_elf_file *elf, struct loads *loads) {
    *loads = (struct loads){.start = UINT64_MAX, .data_start = UINT64_MAX};
    for (uint64_t i = 0; i < elf->segments.count && i < SEGMENTS_MOST && loads->count < LOADS_MOST; i++) {
        struct neap_elf_segment *segment = &loads->segments[loads->count];
        if (neap_elf_segment(elf, i, segment) != NEAP_OK || segment->type != PT_LOAD)
            continue;
        if (segment->memory_bytes > UINT64_MAX - segment->address)
            return false;
        uint64_t start = segment->address, end = segment->address + segment->memory_bytes;
        loads->count++;
        loads->start = start < loads->start ? start : loads->start;
        loads->end = end > loads->end ? end : loads->end;
        if (segment->flags & PF_W) {
            loads->data_start = start < loads->data_start ? start : loads->data_start;
            loads->data_end = end > loads->data_end ? end : loads->data_end;
        }
    }
    return loads->count > 0 && loads->data_end > 0;
}

/* Finds the bias if the loader has mapped `mapping` as a writable part of the file; false otherwise. A
 * program that only reads the file maps it from its beginning and not writable. */
static bool bias_of(const struct loads *loads, const struct neap_image_mapping *mapping, uint64_t page,
                    uint64_t *bias) {
    for (size_t i = 0; i < loads->count; i++) {
        const struct neap_elf_segment *segment = &loads->segments[i];
        uint64_t offset = segment->offset / page * page;
        if (!(segment->flags & PF_W) || mapping->offset < offset ||
            mapping->offset >= segment->offset + segment->file_bytes)
            continue;
        uint64_t address = segment->address - (segment->offset - offset) + (mapping->offset - offset);
        if (mapping->start < address)
            continue;
        *bias = mapping->start - address;
        return true;
    }
    return false;
}

/* Takes the mappings of the file, of which a writable one must match its load segments. A relocated
 * read-only part (RELRO) may precede it. */
static bool load_find(const struct neap_process_image *image, const struct loads *loads, const char *path,
                      uint64_t *bias) {
    for (size_t i = 0; i < image->mapping_count; i++) {
        const struct neap_image_mapping *mapping = &image->mappings[i];
        if (mapping->access[1] == 'w' && mapping->access[3] == 'p' && strcmp(mapping->path, path) == 0 &&
            bias_of(loads, mapping, image->page_bytes, bias))
            return true;
    }
    return false;
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The order of files: those whose name looks like Python, then the program, then all others. */
static int rank_of(const struct neap_process_image *image, const struct neap_image_mapping *mapping) {
    const char *name = last_part(mapping->path);
    char shown[sizeof(image->program)];
    if (strncmp(name, "libpython", strlen("libpython")) == 0)
        return 0;
    snprintf(shown, sizeof(shown), "%s", name);
    return strcmp(neap_outside_text_clean(shown), image->program) == 0 ||
                   strncmp(name, "python", strlen("python")) == 0
               ? 1
               : 2;
}

/* Reduces *left_bytes by what it has read. */
static bool interpreter_try(const struct neap_process_image *image, const struct neap_image_mapping *mapping,
                            uint64_t *left_bytes, struct neap_interpreter *interpreter) {
    struct binary binary;
    struct loads loads;
    struct neap_elf_place runtime;
    uint64_t bias = 0;
    if (binary_open(image, mapping, *left_bytes, &binary) != NEAP_OK)
        return false;
    bool found = runtime_find(&binary.elf, &runtime) && loads_read(&binary.elf, &loads) &&
                 load_find(image, &loads, mapping->path, &bias);
    *left_bytes = binary.elf.left_bytes;
    binary_close(&binary);
    if (!found)
        return false;
    *interpreter = (struct neap_interpreter){
        .bias = bias,
        .image_start = bias + loads.start,
        .image_end = bias + loads.end,
        .data_start = bias + loads.data_start,
        .data_end = bias + loads.data_end,
        .runtime = {bias + runtime.address, runtime.bytes},
    };
    snprintf(interpreter->path, sizeof(interpreter->path), "%.511s", mapping->path);
    return true;
}

int neap_symbols_interpreter(const struct neap_process_image *image, struct neap_interpreter *interpreter) {
    uint64_t left_bytes = READ_BYTES_MOST;
    for (int rank = 0; rank < 3; rank++) {
        const char *before = "";
        unsigned tried = 0;
        for (size_t i = 0; i < image->mapping_count && tried < CANDIDATES_MOST; i++) {
            const struct neap_image_mapping *mapping = &image->mappings[i];
            /* The data of a loaded file is private and writable, or was before it was relocated. */
            if (mapping->path[0] != '/' || mapping->access[1] != 'w' || mapping->access[3] != 'p' ||
                strcmp(mapping->path, before) == 0 || rank_of(image, mapping) != rank)
                continue;
            before = mapping->path;
            tried++;
            if (interpreter_try(image, mapping, &left_bytes, interpreter))
                return NEAP_OK;
        }
    }
    return NEAP_ERROR_ABSENT;
}

int neap_symbols_find(const struct neap_process_image *image, const struct neap_interpreter *interpreter,
                      const char *const *names, size_t count, struct neap_symbol_range *ranges) {
    struct binary binary;
    struct neap_elf_place places[NEAP_ELF_NAMES_MOST];
    const struct neap_image_mapping *mapping = NULL;
    for (size_t i = 0; i < image->mapping_count && !mapping; i++)
        if (strcmp(image->mappings[i].path, interpreter->path) == 0)
            mapping = &image->mappings[i];
    if (!mapping)
        return NEAP_ERROR_ABSENT;
    int error = binary_open(image, mapping, READ_BYTES_MOST, &binary);
    if (error != NEAP_OK)
        return error;
    neap_elf_symbols(&binary.elf, names, count, places);
    binary_close(&binary);
    for (size_t i = 0; i < count; i++)
        ranges[i] = places[i].address == 0
                        ? (struct neap_symbol_range){0, 0}
                        : (struct neap_symbol_range){places[i].address + interpreter->bias, places[i].bytes};
    return NEAP_OK;
}
