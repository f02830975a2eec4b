/* elf/elf_name.c: two passes over a table each, in pieces of 32 KiB. */
#include "elf/elf_name.h"

#include <assert.h>
#include <elf.h>
#include <string.h>

enum {
    PIECE_BYTES = 1 << 15,
    NAME_BYTES_MOST = 64,
    OFFSETS_MOST = 1024, /* of one name in one string table */
};

/* A name that is looked for, and where the string table has it. */
struct wanted {
    const char *name;
    size_t bytes;                   /* with its NUL */
    uint32_t offsets[OFFSETS_MOST]; /* ascending */
    unsigned offset_count;
};

static size_t wanted_make(struct wanted *wanted, const char *const *names, size_t count) {
    size_t longest = 0;
    for (size_t k = 0; k < count; k++) {
        wanted[k].name = names[k];
        wanted[k].bytes = strlen(names[k]) + 1;
        wanted[k].offset_count = 0;
        assert(wanted[k].bytes <= NAME_BYTES_MOST);
        longest = wanted[k].bytes > longest ? wanted[k].bytes : longest;
    }
    return longest;
}

/* --- names ------------------------------------------------------------------- */

/* Notes where `wanted` begins in `bytes` of a string table, the first of which is at `offset`. What ends
 * within the first `seen_bytes` has been noted before. */
static void offsets_note(struct wanted *wanted, const unsigned char *piece, size_t bytes, size_t seen_bytes,
                         uint64_t offset) {
    const unsigned char *at = piece, *end = piece + bytes;
    while (wanted->offset_count < OFFSETS_MOST &&
           (at = memmem(at, (size_t)(end - at), wanted->name, wanted->bytes))) {
        uint64_t found = offset + (uint64_t)(at - piece);
        if ((size_t)(at - piece) + wanted->bytes > seen_bytes && found <= UINT32_MAX)
            wanted->offsets[wanted->offset_count++] = (uint32_t)found;
        at++;
    }
}

/* The first pass. False if the table cannot be read, or has none of the names. */
static bool names_find(struct neap_elf_file *file, uint64_t number, struct wanted *wanted, size_t count,
                       size_t longest) {
    unsigned char piece[NAME_BYTES_MOST + PIECE_BYTES];
    struct neap__elf_section table;
    size_t kept = 0; /* the end of the piece before, in which a name may begin */
    bool any = false;
    if (neap__elf_section_read(file, number, &table) != NEAP_OK || table.type != SHT_STRTAB)
        return false;
    for (uint64_t at = 0; at < table.bytes;) {
        uint64_t left = table.bytes - at;
        size_t part = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        if (at > UINT64_MAX - table.offset ||
            neap__elf_read(file, table.offset + at, piece + kept, part) != NEAP_OK)
            return false;
        for (size_t k = 0; k < count; k++)
            offsets_note(&wanted[k], piece, kept + part, kept, at - kept);
        at += part;
        size_t held = kept + part;
        kept = held < longest - 1 ? held : longest - 1;
        memmove(piece, piece + held - kept, kept);
    }
    for (size_t k = 0; k < count; k++)
        any |= wanted[k].offset_count > 0;
    return any;
}

static bool has_offset(const struct wanted *wanted, uint32_t offset) {
    unsigned low = 0, high = wanted->offset_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (wanted->offsets[middle] == offset)
            return true;
        if (wanted->offsets[middle] < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* --- symbols ----------------------------------------------------------------- */

/* What is looked for in all tables of one type. */
struct search {
    struct neap_elf_file *file;
    const char *const *names;
    size_t count;
    struct neap_elf_place *places;
    uint32_t type;
};

static bool is_complete(const struct search *search) {
    for (size_t k = 0; k < search->count; k++)
        if (search->places[k].address == 0)
            return false;
    return true;
}

/* The place of a symbol; address 0 if it is defined elsewhere. */
static struct neap_elf_place symbol_place(bool wide, const unsigned char *bytes) {
    if (wide) {
        Elf64_Sym raw;
        memcpy(&raw, bytes, sizeof(raw));
        return (struct neap_elf_place){raw.st_shndx == SHN_UNDEF ? 0 : raw.st_value, raw.st_size};
    }
    Elf32_Sym raw;
    memcpy(&raw, bytes, sizeof(raw));
    return (struct neap_elf_place){raw.st_shndx == SHN_UNDEF ? 0 : raw.st_value, raw.st_size};
}

static void symbol_take(struct search *search, const struct wanted *wanted, const unsigned char *bytes) {
    uint32_t name; /* the first member, in both widths */
    memcpy(&name, bytes, sizeof(name));
    for (size_t k = 0; k < search->count; k++) {
        if (search->places[k].address != 0 || !has_offset(&wanted[k], name))
            continue;
        struct neap_elf_place place = symbol_place(search->file->wide, bytes);
        if (place.address != 0)
            search->places[k] = place;
    }
}

/* The second pass. */
static void symbols_read(struct search *search, const struct wanted *wanted,
                         const struct neap__elf_section *table) {
    unsigned char piece[PIECE_BYTES];
    const size_t step = search->file->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
    const size_t most = PIECE_BYTES / step * step;
    for (uint64_t at = 0; table->bytes - at >= step && !is_complete(search);) {
        uint64_t left = (table->bytes - at) / step * step;
        size_t part = left < most ? (size_t)left : most;
        if (at > UINT64_MAX - table->offset ||
            neap__elf_read(search->file, table->offset + at, piece, part) != NEAP_OK)
            return;
        for (size_t place = 0; place < part; place += step)
            symbol_take(search, wanted, piece + place);
        at += part;
    }
}

static bool table_search(void *context, const struct neap__elf_section *section) {
    struct search *search = context;
    struct wanted wanted[NEAP_ELF_NAMES_MOST];
    const size_t step = search->file->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
    if (section->type != search->type || section->entry_bytes != step)
        return true;
    size_t longest = wanted_make(wanted, search->names, search->count);
    if (names_find(search->file, section->link, wanted, search->count, longest))
        symbols_read(search, wanted, section);
    return !is_complete(search);
}

void neap_elf_symbols(struct neap_elf_file *file, const char *const *names, size_t count,
                      struct neap_elf_place *places) {
    static const uint32_t types[] = {SHT_DYNSYM, SHT_SYMTAB};
    assert(count <= NEAP_ELF_NAMES_MOST);
    memset(places, 0, count * sizeof(*places));
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct search search = {file, names, count, places, types[i]};
        if (!is_complete(&search))
            neap__elf_sections_visit(file, table_search, &search);
    }
}

/* --- sections ---------------------------------------------------------------- */

struct title {
    struct wanted wanted;
    struct neap_elf_place place;
};

static bool title_match(void *context, const struct neap__elf_section *section) {
    struct title *title = context;
    if (section->address == 0 || !has_offset(&title->wanted, section->name))
        return true;
    title->place = (struct neap_elf_place){section->address, section->bytes};
    return false;
}

struct neap_elf_place neap_elf_section(struct neap_elf_file *file, const char *name) {
    struct title title = {.place = {0, 0}};
    size_t longest = wanted_make(&title.wanted, &name, 1);
    if (names_find(file, file->titles, &title.wanted, 1, longest))
        neap__elf_sections_visit(file, title_match, &title);
    return title.place;
}
