/* A small sound ELF file in memory: a CPython as far as one looks for its variables in it.
 *
 *   | header | 2 loads | 5 sections | .dynsym: 3 symbols | .dynstr | .shstrtab | ... | .data |
 *   file 0                                                                     ELF_IMAGE_DATA
 *
 * The writable load holds ELF_IMAGE_DATA_BYTES of address space, most of it without bytes in the file.
 */
#ifndef TESTS_ELF_ELF_IMAGE_H
#define TESTS_ELF_ELF_IMAGE_H

#include <elf.h>
#include <stdint.h>
#include <string.h>

enum {
    ELF_IMAGE_DATA = 4096, /* offset, and address in the file, of what is writable */
    ELF_IMAGE_BYTES = ELF_IMAGE_DATA + 64,
    ELF_IMAGE_DATA_BYTES = 1 << 20,
    ELF_IMAGE_SECTIONS = 5,
    ELF_IMAGE_SYMBOLS = 4, /* the first is none */
};

struct elf_image_addresses {
    uint64_t runtime, version, type; /* _PyRuntime, Py_Version, PyType_Type; 0: it has no such symbol */
};

static const char elf_image_names[] = "\0_PyRuntime\0Py_Version\0PyType_Type";
static const char elf_image_titles[] = "\0.dynsym\0.dynstr\0.shstrtab\0.PyRuntime";

enum {
    ELF_IMAGE_LOADS_AT = sizeof(Elf64_Ehdr),
    ELF_IMAGE_SECTIONS_AT = ELF_IMAGE_LOADS_AT + 2 * sizeof(Elf64_Phdr),
    ELF_IMAGE_SYMBOLS_AT = ELF_IMAGE_SECTIONS_AT + ELF_IMAGE_SECTIONS * sizeof(Elf64_Shdr),
    ELF_IMAGE_NAMES_AT = ELF_IMAGE_SYMBOLS_AT + ELF_IMAGE_SYMBOLS * sizeof(Elf64_Sym),
    ELF_IMAGE_TITLES_AT = ELF_IMAGE_NAMES_AT + sizeof(elf_image_names),
};

static inline void elf_image_header(unsigned char *file) {
    Elf64_Ehdr header = {.e_type = ET_DYN,
                         .e_machine = EM_X86_64,
                         .e_version = EV_CURRENT,
                         .e_phoff = ELF_IMAGE_LOADS_AT,
                         .e_shoff = ELF_IMAGE_SECTIONS_AT,
                         .e_ehsize = sizeof(Elf64_Ehdr),
                         .e_phentsize = sizeof(Elf64_Phdr),
                         .e_phnum = 2,
                         .e_shentsize = sizeof(Elf64_Shdr),
                         .e_shnum = ELF_IMAGE_SECTIONS,
                         .e_shstrndx = 3};
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    memcpy(file, &header, sizeof(header));
}

static inline void elf_image_loads(unsigned char *file) {
    const Elf64_Phdr loads[] = {
        {.p_type = PT_LOAD,
         .p_flags = PF_R | PF_X,
         .p_filesz = ELF_IMAGE_DATA,
         .p_memsz = ELF_IMAGE_DATA,
         .p_align = 4096},
        {.p_type = PT_LOAD,
         .p_flags = PF_R | PF_W,
         .p_offset = ELF_IMAGE_DATA,
         .p_vaddr = ELF_IMAGE_DATA,
         .p_filesz = ELF_IMAGE_BYTES - ELF_IMAGE_DATA,
         .p_memsz = ELF_IMAGE_DATA_BYTES,
         .p_align = 4096},
    };
    memcpy(file + ELF_IMAGE_LOADS_AT, loads, sizeof(loads));
}

static inline void elf_image_sections(unsigned char *file, uint64_t runtime) {
    const Elf64_Shdr sections[ELF_IMAGE_SECTIONS] = {
        {.sh_type = SHT_NULL},
        {.sh_name = 1,
         .sh_type = SHT_DYNSYM,
         .sh_offset = ELF_IMAGE_SYMBOLS_AT,
         .sh_size = ELF_IMAGE_SYMBOLS * sizeof(Elf64_Sym),
         .sh_link = 2,
         .sh_entsize = sizeof(Elf64_Sym)},
        {.sh_name = 9,
         .sh_type = SHT_STRTAB,
         .sh_offset = ELF_IMAGE_NAMES_AT,
         .sh_size = sizeof(elf_image_names)},
        {.sh_name = 17,
         .sh_type = SHT_STRTAB,
         .sh_offset = ELF_IMAGE_TITLES_AT,
         .sh_size = sizeof(elf_image_titles)},
        {.sh_name = 27, .sh_type = SHT_NOBITS, .sh_addr = runtime, .sh_size = 4096},
    };
    memcpy(file + ELF_IMAGE_SECTIONS_AT, sections, sizeof(sections));
}

/* Fills ELF_IMAGE_BYTES at `file`. */
static inline void elf_image_make(unsigned char *file, const struct elf_image_addresses *addresses) {
    const uint64_t values[] = {0, addresses->runtime, addresses->version, addresses->type};
    const uint32_t places[] = {0, 1, 12, 23};
    memset(file, 0, ELF_IMAGE_BYTES);
    elf_image_header(file);
    elf_image_loads(file);
    elf_image_sections(file, addresses->runtime);
    for (size_t i = 1; i < ELF_IMAGE_SYMBOLS; i++) {
        const Elf64_Sym symbol = {.st_name = places[i],
                                  .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
                                  .st_shndx = values[i] ? 4 : SHN_UNDEF,
                                  .st_value = values[i],
                                  .st_size = 64};
        memcpy(file + ELF_IMAGE_SYMBOLS_AT + i * sizeof(symbol), &symbol, sizeof(symbol));
    }
    memcpy(file + ELF_IMAGE_NAMES_AT, elf_image_names, sizeof(elf_image_names));
    memcpy(file + ELF_IMAGE_TITLES_AT, elf_image_titles, sizeof(elf_image_titles));
}

#endif
