/* elf/elf_file.c: headers as elf(5) lays them out, copied out before they are looked at. */
#include "elf/elf_file.h"

#include <elf.h>
#include <string.h>

#include "elf/elf_name.h"

enum { ENTRIES_A_READ = 64 };

/* --- reading ----------------------------------------------------------------- */

int neap__elf_read(struct neap_elf_file *file, uint64_t offset, void *out, size_t bytes) {
    if (offset > file->bytes || bytes > file->bytes - offset || bytes > file->left_bytes)
        return NEAP_ERROR_FORMAT;
    file->left_bytes -= bytes;
    return file->source.read(file->source.context, offset, out, bytes);
}

static bool is_within(const struct neap_elf_file *file, const struct neap_elf_table *table) {
    return table->offset <= file->bytes && table->count <= (file->bytes - table->offset) / table->entry_bytes;
}

static struct neap__elf_section section_decode(bool wide, const unsigned char *bytes) {
    if (wide) {
        Elf64_Shdr raw;
        memcpy(&raw, bytes, sizeof(raw));
        return (struct neap__elf_section){raw.sh_type,   raw.sh_name, raw.sh_link,    raw.sh_info,
                                          raw.sh_offset, raw.sh_size, raw.sh_entsize, raw.sh_addr};
    }
    Elf32_Shdr raw;
    memcpy(&raw, bytes, sizeof(raw));
    return (struct neap__elf_section){raw.sh_type,   raw.sh_name, raw.sh_link,    raw.sh_info,
                                      raw.sh_offset, raw.sh_size, raw.sh_entsize, raw.sh_addr};
}

int neap__elf_section_read(struct neap_elf_file *file, uint64_t number, struct neap__elf_section *section) {
    unsigned char bytes[sizeof(Elf64_Shdr)];
    if (number >= file->sections.count)
        return NEAP_ERROR_FORMAT;
    int error = neap__elf_read(file, file->sections.offset + number * file->sections.entry_bytes, bytes,
                               file->sections.entry_bytes);
    if (error == NEAP_OK)
        *section = section_decode(file->wide, bytes);
    return error;
}

void neap__elf_sections_visit(struct neap_elf_file *file, neap__elf_section_visit *visit, void *context) {
    unsigned char bytes[ENTRIES_A_READ * sizeof(Elf64_Shdr)];
    const struct neap_elf_table *table = &file->sections;
    bool more = true;
    for (uint64_t first = 0; more && first < table->count; first += ENTRIES_A_READ) {
        uint64_t left = table->count - first;
        size_t count = left < ENTRIES_A_READ ? (size_t)left : ENTRIES_A_READ;
        if (neap__elf_read(file, table->offset + first * table->entry_bytes, bytes,
                           count * table->entry_bytes) != NEAP_OK)
            return;
        for (size_t i = 0; more && i < count; i++) {
            struct neap__elf_section section = section_decode(file->wide, bytes + i * table->entry_bytes);
            more = visit(context, &section);
        }
    }
}

/* --- the header -------------------------------------------------------------- */

/* The members of the header, of both widths. */
struct header {
    unsigned type, machine;
    uint64_t segments_at, sections_at;
    unsigned segment_count, segment_bytes, section_count, section_bytes, titles;
};

static const char *header_read(struct neap_elf_file *file, struct header *header, int *error) {
    const unsigned char order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
    unsigned char ident[EI_NIDENT];
    Elf64_Ehdr wide;
    Elf32_Ehdr narrow;
    *error = neap__elf_read(file, 0, ident, sizeof(ident));
    if (*error != NEAP_OK || memcmp(ident, ELFMAG, SELFMAG) != 0)
        return "it is no ELF file";
    if (ident[EI_CLASS] != ELFCLASS64 && ident[EI_CLASS] != ELFCLASS32)
        return "it has neither 32 nor 64 bits";
    if (ident[EI_DATA] != order)
        return "it is of a machine with another byte order";
    file->wide = ident[EI_CLASS] == ELFCLASS64;
    *error = file->wide ? neap__elf_read(file, 0, &wide, sizeof(wide))
                        : neap__elf_read(file, 0, &narrow, sizeof(narrow));
    if (*error != NEAP_OK)
        return "it ends within its first header";
    if (file->wide)
        *header =
            (struct header){wide.e_type,      wide.e_machine, wide.e_phoff,     wide.e_shoff,   wide.e_phnum,
                            wide.e_phentsize, wide.e_shnum,   wide.e_shentsize, wide.e_shstrndx};
    else
        *header = (struct header){narrow.e_type,  narrow.e_machine,   narrow.e_phoff,
                                  narrow.e_shoff, narrow.e_phnum,     narrow.e_phentsize,
                                  narrow.e_shnum, narrow.e_shentsize, narrow.e_shstrndx};
    return NULL;
}

/* Where a number does not fit into the header, the first section header has it. */
static void numbers_beyond(struct neap_elf_file *file, const struct header *header) {
    struct neap__elf_section first;
    bool no_count = header->section_count == 0 && header->sections_at != 0;
    if (!no_count && header->segment_count != PN_XNUM && header->titles != SHN_XINDEX)
        return;
    file->sections.count = 1;
    bool known = neap__elf_section_read(file, 0, &first) == NEAP_OK;
    file->sections.count = no_count ? (known ? first.bytes : 0) : header->section_count;
    if (header->segment_count == PN_XNUM)
        file->segments.count = known ? first.info : 0;
    if (header->titles == SHN_XINDEX)
        file->titles = known ? first.link : 0;
}

static const char *tables_find(struct neap_elf_file *file, const struct header *header) {
    file->type = header->type;
    file->machine = header->machine;
    file->titles = header->titles;
    file->segments = (struct neap_elf_table){header->segments_at, header->segment_count,
                                             file->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)};
    file->sections = (struct neap_elf_table){header->sections_at, header->section_count,
                                             file->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)};
    numbers_beyond(file, header);
    if (file->segments.count > 0 &&
        (header->segment_bytes != file->segments.entry_bytes || !is_within(file, &file->segments)))
        return "its list of segments is incomplete";
    /* The loader needs no section headers: a file whose own are cut off is read without them. */
    if (header->section_bytes != file->sections.entry_bytes || !is_within(file, &file->sections))
        file->sections.count = 0;
    return NULL;
}

int neap_elf_open(const struct neap_memory *source, uint64_t bytes, uint64_t most_bytes,
                  struct neap_elf_file *file, const char **why) {
    struct neap_elf_file made = {.source = *source, .bytes = bytes, .left_bytes = most_bytes};
    struct header header;
    int error = NEAP_OK;
    *why = header_read(&made, &header, &error);
    if (!*why)
        *why = tables_find(&made, &header);
    if (*why)
        return error != NEAP_OK ? error : NEAP_ERROR_FORMAT;
    *file = made;
    return NEAP_OK;
}

int neap_elf_segment(struct neap_elf_file *file, uint64_t number, struct neap_elf_segment *segment) {
    const struct neap_elf_table *table = &file->segments;
    Elf64_Phdr wide;
    Elf32_Phdr narrow;
    if (number >= table->count)
        return NEAP_ERROR_ARGUMENT;
    void *out = file->wide ? (void *)&wide : (void *)&narrow;
    int error = neap__elf_read(file, table->offset + number * table->entry_bytes, out, table->entry_bytes);
    if (error != NEAP_OK)
        return error;
    *segment = file->wide ? (struct neap_elf_segment){wide.p_type,   wide.p_flags, wide.p_offset,
                                                      wide.p_filesz, wide.p_vaddr, wide.p_memsz}
                          : (struct neap_elf_segment){narrow.p_type,   narrow.p_flags, narrow.p_offset,
                                                      narrow.p_filesz, narrow.p_vaddr, narrow.p_memsz};
    return NEAP_OK;
}

/* --- notes ------------------------------------------------------------------- */

bool neap_elf_note_next(const unsigned char *bytes, uint64_t length, uint64_t *at,
                        struct neap_elf_note *note) {
    Elf32_Nhdr header; /* the same in both widths */
    if (*at > length || length - *at < sizeof(header))
        return false;
    memcpy(&header, bytes + *at, sizeof(header));
    uint64_t owner = *at + sizeof(header), left = length - owner;
    uint64_t owner_room = ((uint64_t)header.n_namesz + 3) & ~(uint64_t)3;
    uint64_t content_room = ((uint64_t)header.n_descsz + 3) & ~(uint64_t)3;
    if (owner_room > left || header.n_descsz > left - owner_room)
        return false;
    *note = (struct neap_elf_note){.type = header.n_type,
                                   .owner = bytes + owner,
                                   .content = bytes + owner + owner_room,
                                   .owner_bytes = header.n_namesz,
                                   .content_bytes = header.n_descsz};
    left -= owner_room;
    *at = content_room > left ? length : owner + owner_room + content_room;
    return true;
}
