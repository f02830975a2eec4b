/* ELF files: real ones against what `nm` and `readelf` say of them, and made ones that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <elf.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_image.h"
#include "elf/elf_file.h"

enum { LINE_BYTES = 4096, NAME_BYTES = 63 };

/* --- sources ------------------------------------------------------------------- */

static int descriptor_read(void *context, uint64_t offset, void *out, size_t bytes) {
    const int *descriptor = context;
    return pread(*descriptor, out, bytes, (off_t)offset) == (ssize_t)bytes ? NEAP_OK : NEAP_ERROR_FORMAT;
}

/* Bytes in memory; what is read of them is counted, and nothing else is ever asked for. */
struct bytes {
    const unsigned char *bytes;
    uint64_t count, read;
};

static int bytes_read(void *context, uint64_t offset, void *out, size_t count) {
    struct bytes *bytes = context;
    assert_true(offset <= bytes->count && count <= bytes->count - offset);
    memcpy(out, bytes->bytes + offset, count);
    bytes->read += count;
    return NEAP_OK;
}

static int open_bytes(struct bytes *bytes, struct neap_elf_file *file, uint64_t most) {
    const struct neap_memory source = {.read = bytes_read, .context = bytes};
    const char *why = NULL;
    int error = neap_elf_open(&source, bytes->count, most, file, &why);
    assert_true(error == NEAP_OK || why);
    return error;
}

/* --- real files ------------------------------------------------------------------ */

struct line {
    char name[NAME_BYTES + 1];
    uint64_t address, bytes;
};

struct lines {
    struct line *all;
    size_t count, room;
};

static int line_compare(const void *a, const void *b) {
    return strcmp(((const struct line *)a)->name, ((const struct line *)b)->name);
}

static void lines_add(struct lines *lines, const struct line *line) {
    if (lines->count == lines->room) {
        lines->room = lines->room * 2 + 64;
        lines->all = realloc(lines->all, lines->room * sizeof(*lines->all));
        assert_non_null(lines->all);
    }
    lines->all[lines->count++] = *line;
}

/* What `nm` with this option says: the names that the file defines, by name. */
static struct lines nm(const char *option, const char *path) {
    char command[LINE_BYTES], text[LINE_BYTES];
    struct lines lines = {0};
    snprintf(command, sizeof(command), "nm %s -S --defined-only '%s' 2>/dev/null", option, path);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    while (fgets(text, sizeof(text), in)) {
        char words[4][LINE_BYTES];
        struct line line = {.bytes = 0};
        int count = sscanf(text, "%4095s %4095s %4095s %4095s", words[0], words[1], words[2], words[3]);
        char *name = words[count - 1];
        if (count < 3 || strchr("aN", words[count - 2][0]))
            continue; /* a file's name, a section's name */
        if (strchr(name, '@') && !*option)
            continue; /* there, the version is a part of the name */
        name[strcspn(name, "@")] = '\0';
        line.address = strtoull(words[0], NULL, 16);
        line.bytes = count == 4 ? strtoull(words[1], NULL, 16) : 0;
        if (strlen(name) > NAME_BYTES || line.address == 0)
            continue;
        strcpy(line.name, name);
        lines_add(&lines, &line);
    }
    pclose(in);
    if (lines.count)
        qsort(lines.all, lines.count, sizeof(*lines.all), line_compare);
    return lines;
}

static bool is_among(const struct lines *lines, const char *name, const struct neap_elf_place *place) {
    for (size_t i = 0; i < lines->count; i++)
        if (strcmp(lines->all[i].name, name) == 0 && lines->all[i].address == place->address &&
            lines->all[i].bytes == place->bytes)
            return true;
    return false;
}

/* Looks up every name that nm knows (of many, each seventh), four at once. Returns how many. */
static size_t names_compare(struct neap_elf_file *file, const struct lines *lines) {
    size_t step = lines->count > 500 ? 7 : 1, seen = 0;
    for (size_t i = 0; i < lines->count; i += step * NEAP_ELF_NAMES_MOST) {
        const char *names[NEAP_ELF_NAMES_MOST];
        struct neap_elf_place places[NEAP_ELF_NAMES_MOST];
        size_t count = 0;
        for (size_t k = i; count < NEAP_ELF_NAMES_MOST && k < lines->count; k += step)
            names[count++] = lines->all[k].name;
        neap_elf_symbols(file, names, count, places);
        for (size_t k = 0; k < count; k++)
            if (!is_among(lines, names[k], &places[k]))
                fail_msg("%s is not at 0x%llx", names[k], (unsigned long long)places[k].address);
        seen += count;
    }
    return seen;
}

/* The loads that readelf lists are those of the file. */
static void segments_compare(struct neap_elf_file *file, const char *path) {
    char command[LINE_BYTES], text[LINE_BYTES];
    uint64_t at = 0;
    snprintf(command, sizeof(command), "readelf -lW '%s' 2>/dev/null", path);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    while (fgets(text, sizeof(text), in)) {
        unsigned long long offset, address, file_bytes, memory_bytes;
        struct neap_elf_segment segment = {0};
        if (sscanf(text, " LOAD %llx %llx %*x %llx %llx", &offset, &address, &file_bytes, &memory_bytes) != 4)
            continue;
        while (segment.type != PT_LOAD)
            assert_int_equal(neap_elf_segment(file, at++, &segment), NEAP_OK);
        assert_true(segment.offset == offset && segment.address == address);
        if (segment.file_bytes != file_bytes || segment.memory_bytes != memory_bytes)
            fail_msg("%s: %s", path, text);
    }
    pclose(in);
    assert_true(at > 0);
}

static size_t compare(const char *path) {
    const char *why;
    struct stat status;
    struct neap_elf_file file;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    const struct neap_memory source = {.read = descriptor_read, .context = &descriptor};
    assert_true(descriptor >= 0 && fstat(descriptor, &status) == 0);
    assert_int_equal(neap_elf_open(&source, (uint64_t)status.st_size, UINT64_MAX, &file, &why), NEAP_OK);
    segments_compare(&file, path);
    struct lines dynamic = nm("-D", path), all = nm("", path);
    size_t seen = names_compare(&file, &dynamic);
    for (size_t i = 0; i < dynamic.count; i++) /* a name of both tables is found in the first */
        lines_add(&all, &dynamic.all[i]);
    if (all.count)
        qsort(all.all, all.count, sizeof(*all.all), line_compare);
    seen += names_compare(&file, &all);
    free(dynamic.all);
    free(all.all);
    close(descriptor);
    return seen;
}

static bool has_tools(void) {
    return system("nm --version >/dev/null 2>&1 && readelf --version >/dev/null 2>&1") == 0;
}

static void test_real_files(void **state) {
    (void)state;
    static const char *const patterns[] = {NEAP_TEST_PYTHON, "/lib/*/libc.so.6",
                                           "/usr/lib/*/libpython3.*.so.*.*"};
    char pyenv[LINE_BYTES], self[LINE_BYTES];
    glob_t found;
    size_t names = 0;
    if (!has_tools())
        skip();
    snprintf(pyenv, sizeof(pyenv), "%s/.pyenv/versions/*/lib/libpython*.so.*.*",
             getenv("HOME") ? getenv("HOME") : "");
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[length > 0 ? length : 0] = '\0';
    glob(self, 0, NULL, &found);
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        glob(patterns[i], GLOB_APPEND, NULL, &found);
    glob(pyenv, GLOB_APPEND, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; i++)
        names += compare(found.gl_pathv[i]);
    assert_true(found.gl_pathc >= 2 && names > 100);
    globfree(&found);
}

/* What `strip` and `objcopy` leave. */
static void test_stripped_files(void **state) {
    (void)state;
    char folder[] = "/tmp/neap-elf-XXXXXX", command[LINE_BYTES], path[64];
    if (!has_tools() || system("strip --version >/dev/null 2>&1 && objcopy --version >/dev/null 2>&1") != 0)
        skip();
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof(command),
             "cd %s && cp -L /proc/%d/exe whole && strip -o stripped whole && strip -g -o no-debug whole && "
             "objcopy --only-keep-debug whole debug",
             folder, (int)getpid());
    assert_int_equal(system(command), 0);
    static const char *const names[] = {"whole", "stripped", "no-debug", "debug"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        compare(path);
        unlink(path);
    }
    rmdir(folder);
}

/* --- made files ------------------------------------------------------------------ */

#define RUNTIME UINT64_C(0x1100)

static struct bytes made(unsigned char *elf) {
    elf_image_make(elf, &(struct elf_image_addresses){RUNTIME, 0, 0});
    return (struct bytes){elf, ELF_IMAGE_BYTES, 0};
}

static uint64_t runtime_of(struct bytes *bytes, uint64_t most) {
    static const char *const names[] = {"_PyRuntime", "Py_Version"};
    struct neap_elf_file file;
    struct neap_elf_place places[2] = {{7, 7}, {7, 7}};
    if (open_bytes(bytes, &file, most) != NEAP_OK)
        return 0;
    neap_elf_symbols(&file, names, 2, places);
    assert_true(places[1].address == 0 && places[1].bytes == 0); /* undefined there */
    return places[0].address;
}

static void test_a_section(void **state) {
    (void)state;
    unsigned char elf[ELF_IMAGE_BYTES];
    struct bytes bytes = made(elf);
    struct neap_elf_file file;
    assert_int_equal(open_bytes(&bytes, &file, UINT64_MAX), NEAP_OK);
    assert_true(file.wide && file.type == ET_DYN && file.machine == EM_X86_64);
    struct neap_elf_place place = neap_elf_section(&file, ".PyRuntime");
    assert_true(place.address == RUNTIME && place.bytes == 4096);
    assert_true(neap_elf_section(&file, "PyRuntime").address == 0); /* the end of a name is another name */
    assert_true(neap_elf_section(&file, ".dynsym").address == 0);   /* not loaded */
}

/* A file that ends anywhere: what is not there is not read, and nothing is made up. */
static void test_every_length(void **state) {
    (void)state;
    unsigned char elf[ELF_IMAGE_BYTES];
    struct bytes whole = made(elf);
    for (uint64_t count = 0; count <= ELF_IMAGE_BYTES; count++) {
        unsigned char *cut = malloc(count + 1);
        assert_non_null(cut);
        memcpy(cut, elf, count);
        struct bytes bytes = {cut, count, 0};
        uint64_t found = runtime_of(&bytes, UINT64_MAX);
        assert_true(found == 0 || found == RUNTIME);
        free(cut);
    }
    assert_true(runtime_of(&whole, UINT64_MAX) == RUNTIME);
}

/* What may be read is a bound, whatever the file names how often. */
static void test_no_more_is_read_than_allowed(void **state) {
    (void)state;
    unsigned char elf[ELF_IMAGE_BYTES];
    for (uint64_t most = 0; most < 2 * ELF_IMAGE_BYTES; most += 8) {
        struct bytes bytes = made(elf);
        uint64_t found = runtime_of(&bytes, most);
        assert_true(bytes.read <= most && (found == 0 || found == RUNTIME));
    }
    /* Many section headers that all mean one large table of names. */
    enum { SECTIONS = 4096, LARGE = 1 << 20 };
    unsigned char *large = calloc(1, LARGE);
    assert_non_null(large);
    elf_image_make(large, &(struct elf_image_addresses){0, 0, 0});
    Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)large;
    Elf64_Shdr *sections = (Elf64_Shdr *)(void *)(large + ELF_IMAGE_DATA);
    header->e_shoff = ELF_IMAGE_DATA;
    header->e_shnum = SECTIONS;
    header->e_shstrndx = 0;
    for (size_t i = 1; i < SECTIONS; i++)
        sections[i] =
            i == 2
                ? (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_size = LARGE}
                : (Elf64_Shdr){
                      .sh_type = SHT_DYNSYM, .sh_size = LARGE, .sh_link = 2, .sh_entsize = sizeof(Elf64_Sym)};
    struct bytes bytes = {large, LARGE, 0};
    assert_true(runtime_of(&bytes, 16 * LARGE) == 0);
    assert_true(bytes.read <= 16 * LARGE);
    free(large);
}

/* Numbers that do not fit into the header stand in the first section header. */
static void test_numbers_beyond_the_header(void **state) {
    (void)state;
    unsigned char elf[ELF_IMAGE_BYTES];
    struct bytes bytes = made(elf);
    struct neap_elf_file file;
    Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)elf;
    Elf64_Shdr *first = (Elf64_Shdr *)(void *)(elf + ELF_IMAGE_SECTIONS_AT);
    *first =
        (Elf64_Shdr){.sh_size = header->e_shnum, .sh_link = header->e_shstrndx, .sh_info = header->e_phnum};
    header->e_shnum = 0;
    header->e_shstrndx = SHN_XINDEX;
    header->e_phnum = PN_XNUM;
    assert_int_equal(open_bytes(&bytes, &file, UINT64_MAX), NEAP_OK);
    assert_true(file.segments.count == 2 && file.sections.count == ELF_IMAGE_SECTIONS);
    assert_true(neap_elf_section(&file, ".PyRuntime").address == RUNTIME);
    first->sh_size = UINT64_MAX;
    assert_int_equal(open_bytes(&bytes, &file, UINT64_MAX), NEAP_OK);
    assert_true(file.sections.count == 0);
    first->sh_info = UINT32_MAX;
    assert_int_equal(open_bytes(&bytes, &file, UINT64_MAX), NEAP_ERROR_FORMAT);
}

/* A name that lies across two of the pieces in which a table is read, at every place. */
static void test_names_across_pieces(void **state) {
    (void)state;
    enum { PIECE = 1 << 15, ROOM = PIECE + 64 };
    static const char name[] = "_PyRuntime";
    unsigned char *elf = calloc(1, ELF_IMAGE_DATA + ROOM);
    assert_non_null(elf);
    for (uint32_t place = PIECE - sizeof(name) - 2; place < PIECE + 3; place++) {
        elf_image_make(elf, &(struct elf_image_addresses){RUNTIME, 0, 0});
        Elf64_Shdr *names = (Elf64_Shdr *)(void *)(elf + ELF_IMAGE_SECTIONS_AT) + 2;
        Elf64_Sym *symbol = (Elf64_Sym *)(void *)(elf + ELF_IMAGE_SYMBOLS_AT) + 1;
        memset(elf + ELF_IMAGE_DATA, 'x', ROOM);
        memcpy(elf + ELF_IMAGE_DATA + place, name, sizeof(name));
        names->sh_offset = ELF_IMAGE_DATA;
        names->sh_size = ROOM;
        symbol->st_name = place;
        struct bytes bytes = {elf, ELF_IMAGE_DATA + ROOM, 0};
        assert_true(runtime_of(&bytes, UINT64_MAX) == RUNTIME);
        symbol->st_name = place - 1; /* "x_PyRuntime" */
        assert_true(runtime_of(&bytes, UINT64_MAX) == 0);
    }
    free(elf);
}

/* 32 bits: the same file by hand. */
static void test_a_narrow_file(void **state) {
    (void)state;
    struct narrow {
        Elf32_Ehdr header;
        Elf32_Phdr load;
        Elf32_Shdr sections[3];
        Elf32_Sym symbols[2];
        char names[16];
    } elf = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
                   .e_type = ET_EXEC,
                   .e_machine = EM_386,
                   .e_phoff = offsetof(struct narrow, load),
                   .e_phnum = 1,
                   .e_phentsize = sizeof(Elf32_Phdr),
                   .e_shoff = offsetof(struct narrow, sections),
                   .e_shnum = 3,
                   .e_shentsize = sizeof(Elf32_Shdr)},
        .load = {.p_type = PT_LOAD, .p_vaddr = 0x8048000, .p_filesz = 5, .p_memsz = 9, .p_flags = PF_R},
        .sections = {{0},
                     {.sh_type = SHT_SYMTAB,
                      .sh_offset = offsetof(struct narrow, symbols),
                      .sh_size = 2 * sizeof(Elf32_Sym),
                      .sh_entsize = sizeof(Elf32_Sym),
                      .sh_link = 2},
                     {.sh_type = SHT_STRTAB, .sh_offset = offsetof(struct narrow, names), .sh_size = 16}},
        .symbols = {{0}, {.st_name = 1, .st_value = 0x8049123, .st_size = 12, .st_shndx = 1}},
        .names = "\0_PyRuntime",
    };
    struct bytes bytes = {(const unsigned char *)&elf, sizeof(elf), 0};
    struct neap_elf_file file;
    struct neap_elf_segment segment;
    assert_true(runtime_of(&bytes, UINT64_MAX) == 0x8049123);
    assert_int_equal(open_bytes(&bytes, &file, UINT64_MAX), NEAP_OK);
    assert_true(!file.wide && file.machine == EM_386);
    assert_int_equal(neap_elf_segment(&file, 0, &segment), NEAP_OK);
    assert_true(segment.type == PT_LOAD && segment.flags == PF_R && segment.address == 0x8048000);
    assert_true(segment.file_bytes == 5 && segment.memory_bytes == 9);
    assert_int_equal(neap_elf_segment(&file, 1, &segment), NEAP_ERROR_ARGUMENT);
}

static void test_notes(void **state) {
    (void)state;
    unsigned char notes[] = {5, 0,   0,   0,   3, 0, 0, 0, 7, 0, 0, 0, 'C', 'O', 'R', 'E', 0, 0,  0,
                             0, 'a', 'b', 'c', 0, 0, 0, 0, 0, 1, 0, 0, 0,   9,   0,   0,   0, 'z'};
    struct neap_elf_note note;
    uint64_t at = 0;
    assert_true(neap_elf_note_next(notes, sizeof(notes), &at, &note));
    assert_true(note.type == 7 && note.owner_bytes == 5 && note.content_bytes == 3);
    assert_memory_equal(note.owner, "CORE", 5);
    assert_memory_equal(note.content, "abc", 3);
    assert_true(neap_elf_note_next(notes, sizeof(notes), &at, &note)); /* without its padding, at the end */
    assert_true(note.type == 9 && note.owner_bytes == 0 && note.content_bytes == 1 && note.content[0] == 'z');
    assert_false(neap_elf_note_next(notes, sizeof(notes), &at, &note));
    at = 0;
    assert_false(neap_elf_note_next(notes, 22, &at, &note)); /* cut within its content */
    notes[3] = notes[7] = 0xff;                              /* larger than anything */
    assert_false(neap_elf_note_next(notes, sizeof(notes), &at, &note));
    assert_true(at == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_files),
        cmocka_unit_test(test_stripped_files),
        cmocka_unit_test(test_a_section),
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_no_more_is_read_than_allowed),
        cmocka_unit_test(test_numbers_beyond_the_header),
        cmocka_unit_test(test_names_across_pieces),
        cmocka_unit_test(test_a_narrow_file),
        cmocka_unit_test(test_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
