/* inspect/python/symbols.c: reads ELF files with libelf, and finds the mappings that load them. */
#include "inspect/python/symbols.h"

#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "os/descriptor.h"
#include "os/process_memory.h"

enum {
    CANDIDATES_MOST = 512,
    LOADS_MOST = 16,
    SECTION_BYTES_MOST = 1 << 26, /* libelf allocates as much as a section claims */
};

/* A file that is open as ELF. */
struct binary {
    int file;
    Elf *elf;
};

/* The path by which this process can open a file of the target. */
static int path_from_here(const struct neap_process_image *image, const struct neap_image_mapping *mapping,
                          char *path, size_t bytes) {
    struct neap_os_mapping place = {.start = mapping->start, .end = mapping->end};
    if (strlen(mapping->path) >= sizeof(place.path) || strlen(mapping->path) >= bytes)
        return NEAP_ERROR_ABSENT;
    strcpy(place.path, mapping->path);
    if (image->core) {
        strcpy(path, mapping->path);
        return NEAP_OK;
    }
    return neap_os_mapped_file(image->pid, &place, path, bytes);
}

/* Whether libelf may open the file: its header itself must state the numbers of sections and segments.
 * libelf allocates memory for as many as are claimed, and elsewhere a sparse file can claim any number. */
static bool is_modest(int file) {
    Elf64_Ehdr wide;
    Elf32_Ehdr narrow;
    if (!neap_os_descriptor_read(file, 0, &wide, sizeof(wide)))
        return false;
    memcpy(&narrow, &wide, sizeof(narrow));
    bool is_wide = wide.e_ident[EI_CLASS] == ELFCLASS64;
    bool listed =
        is_wide ? wide.e_shnum != 0 || wide.e_shoff == 0 : narrow.e_shnum != 0 || narrow.e_shoff == 0;
    return listed && (is_wide ? wide.e_phnum : narrow.e_phnum) != PN_XNUM;
}

static int binary_open(const struct neap_process_image *image, const struct neap_image_mapping *mapping,
                       struct binary *binary) {
    char path[1024];
    if (elf_version(EV_CURRENT) == EV_NONE || path_from_here(image, mapping, path, sizeof(path)) != NEAP_OK)
        return NEAP_ERROR_ABSENT;
    int file, error = neap_os_descriptor_open(path, &file);
    if (error != NEAP_OK)
        return error == NEAP_ERROR_FORMAT ? NEAP_ERROR_FORMAT : NEAP_ERROR_ABSENT;
    /* Copies the file and does not map it, because another process may truncate it. */
    Elf *elf = is_modest(file) ? elf_begin(file, ELF_C_READ, NULL) : NULL;
    if (!elf || elf_kind(elf) != ELF_K_ELF) {
        elf_end(elf);
        neap_os_descriptor_close(file);
        return NEAP_ERROR_FORMAT;
    }
    *binary = (struct binary){file, elf};
    return NEAP_OK;
}

static void binary_close(struct binary *binary) {
    elf_end(binary->elf);
    neap_os_descriptor_close(binary->file);
}

/* --- in the file --------------------------------------------------------------- */

/* The string table of a symbol table, or of the sections. */
static bool names_are_modest(Elf *elf, size_t number) {
    Elf_Scn *section = elf_getscn(elf, number);
    GElf_Shdr header;
    return section && gelf_getshdr(section, &header) && header.sh_size <= SECTION_BYTES_MOST;
}

/* Looks up the names in one table; those found before stay. */
static void table_search(Elf_Scn *section, const GElf_Shdr *header, Elf *elf, const char *const *names,
                         size_t count, struct neap_symbol_range *ranges) {
    if (header->sh_size > SECTION_BYTES_MOST || !names_are_modest(elf, header->sh_link))
        return;
    Elf_Data *data = elf_getdata(section, NULL);
    if (!data || header->sh_entsize == 0)
        return;
    uint64_t symbols = data->d_size / header->sh_entsize;
    for (uint64_t i = 0; i < symbols && i < INT32_MAX; i++) {
        GElf_Sym symbol;
        if (!gelf_getsym(data, (int)i, &symbol) || symbol.st_shndx == SHN_UNDEF || symbol.st_value == 0)
            continue;
        const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
        for (size_t k = 0; name && k < count; k++)
            if (ranges[k].address == 0 && strcmp(name, names[k]) == 0)
                ranges[k] = (struct neap_symbol_range){symbol.st_value, symbol.st_size};
    }
}

/* First .dynsym, which is never stripped. */
static void symbols_search(Elf *elf, const char *const *names, size_t count,
                           struct neap_symbol_range *ranges) {
    static const GElf_Word tables[] = {SHT_DYNSYM, SHT_SYMTAB};
    memset(ranges, 0, count * sizeof(*ranges));
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        bool complete = true;
        for (size_t k = 0; k < count; k++)
            complete &= ranges[k].address != 0;
        for (Elf_Scn *section = NULL; !complete && (section = elf_nextscn(elf, section));) {
            GElf_Shdr header;
            if (gelf_getshdr(section, &header) && header.sh_type == tables[i])
                table_search(section, &header, elf, names, count, ranges);
        }
    }
}

static bool section_find(Elf *elf, const char *wanted, struct neap_symbol_range *range) {
    size_t names;
    if (elf_getshdrstrndx(elf, &names) != 0 || !names_are_modest(elf, names))
        return false;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (name && strcmp(name, wanted) == 0 && header.sh_addr != 0) {
            *range = (struct neap_symbol_range){header.sh_addr, header.sh_size};
            return true;
        }
    }
    return false;
}

static bool runtime_find(Elf *elf, struct neap_symbol_range *runtime) {
    static const char *const name[] = {"_PyRuntime"};
    symbols_search(elf, name, 1, runtime);
    return runtime->address != 0 || section_find(elf, ".PyRuntime", runtime);
}

/* --- in the process -------------------------------------------------------------- */

/* The load segments of a file, by its program headers. */
struct loads {
    GElf_Phdr headers[LOADS_MOST];
    size_t count;
    uint64_t start, end, data_start, data_end; /* in the file's own addresses */
};

static bool loads_read(Elf *elf, struct loads *loads) {
    size_t count;
    *loads = (struct loads){.start = UINT64_MAX, .data_start = UINT64_MAX};
    if (elf_getphdrnum(elf, &count) != 0)
        return false;
    for (size_t i = 0; i < count && i < 256 && loads->count < LOADS_MOST; i++) {
        GElf_Phdr *header = &loads->headers[loads->count];
        if (!gelf_getphdr(elf, (int)i, header) || header->p_type != PT_LOAD)
            continue;
        if (header->p_memsz > UINT64_MAX - header->p_vaddr)
            return false;
        uint64_t start = header->p_vaddr, end = header->p_vaddr + header->p_memsz;
        loads->count++;
        loads->start = start < loads->start ? start : loads->start;
        loads->end = end > loads->end ? end : loads->end;
        if (header->p_flags & PF_W) {
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
        const GElf_Phdr *header = &loads->headers[i];
        uint64_t offset = header->p_offset / page * page;
        if (!(header->p_flags & PF_W) || mapping->offset < offset ||
            mapping->offset >= header->p_offset + header->p_filesz)
            continue;
        uint64_t address = header->p_vaddr - (header->p_offset - offset) + (mapping->offset - offset);
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
    if (strncmp(name, "libpython", strlen("libpython")) == 0)
        return 0;
    return strcmp(name, image->program) == 0 || strncmp(name, "python", strlen("python")) == 0 ? 1 : 2;
}

static bool interpreter_try(const struct neap_process_image *image, const struct neap_image_mapping *mapping,
                            struct neap_interpreter *interpreter) {
    struct binary binary;
    struct loads loads;
    struct neap_symbol_range runtime;
    uint64_t bias = 0;
    if (binary_open(image, mapping, &binary) != NEAP_OK)
        return false;
    bool found = runtime_find(binary.elf, &runtime) && loads_read(binary.elf, &loads) &&
                 load_find(image, &loads, mapping->path, &bias);
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
            if (interpreter_try(image, mapping, interpreter))
                return NEAP_OK;
        }
    }
    return NEAP_ERROR_ABSENT;
}

int neap_symbols_find(const struct neap_process_image *image, const struct neap_interpreter *interpreter,
                      const char *const *names, size_t count, struct neap_symbol_range *ranges) {
    struct binary binary;
    const struct neap_image_mapping *mapping = NULL;
    for (size_t i = 0; i < image->mapping_count && !mapping; i++)
        if (strcmp(image->mappings[i].path, interpreter->path) == 0)
            mapping = &image->mappings[i];
    if (!mapping)
        return NEAP_ERROR_ABSENT;
    int error = binary_open(image, mapping, &binary);
    if (error != NEAP_OK)
        return error;
    symbols_search(binary.elf, names, count, ranges);
    binary_close(&binary);
    for (size_t i = 0; i < count; i++)
        if (ranges[i].address != 0)
            ranges[i].address += interpreter->bias;
    return NEAP_OK;
}
