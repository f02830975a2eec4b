/* elf/elf_name.h: looking for names in an ELF file. For the files of this module.
 *
 *   names     1. read the string table once, in pieces: at which offsets does "_PyRuntime\0" begin?
 *   symbols   2. read the symbol table once, in pieces: which symbol has one of these offsets for a name?
 *
 * So a name costs no comparison of texts for each symbol, and a file without the name costs no look at its
 * symbols. Several offsets can have the same text: linkers let a name be the end of another one.
 */
#ifndef NEAP_ELF_ELF_NAME_H
#define NEAP_ELF_ELF_NAME_H

#include "elf/elf_file.h"

struct neap__elf_section {
    uint32_t type, name, link, info; /* SHT_DYNSYM ..., the offset of its name, the number of a section */
    uint64_t offset, bytes, entry_bytes;
    uint64_t address; /* 0: it is not loaded */
};

/* Copies within the file and within what may still be read; NEAP_ERROR_FORMAT beyond, the source's errors. */
int neap__elf_read(struct neap_elf_file *file, uint64_t offset, void *out, size_t bytes);

int neap__elf_section_read(struct neap_elf_file *file, uint64_t number, struct neap__elf_section *section);

/* Calls `visit` for each section header in order until it returns false, or until they cannot be read. */
typedef bool neap__elf_section_visit(void *context, const struct neap__elf_section *section);
void neap__elf_sections_visit(struct neap_elf_file *file, neap__elf_section_visit *visit, void *context);

#endif
