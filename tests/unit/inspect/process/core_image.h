/* A small sound core file in memory, to be read, cut and bent. Shared by test_core_file and its fuzz target.
 */
#ifndef TESTS_INSPECT_CORE_IMAGE_H
#define TESTS_INSPECT_CORE_IMAGE_H

#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    CORE_IMAGE_LOADS = 4,
    CORE_IMAGE_NOTES = 1024,
    CORE_IMAGE_BYTES = 4096 + CORE_IMAGE_NOTES + 4 * 4096,
    CORE_IMAGE_PID = 1234,
    CORE_IMAGE_STATUS = 336, /* bytes of struct elf_prstatus */
    CORE_IMAGE_INFO = 136,
};
#define CORE_IMAGE_HEAP  UINT64_C(0x10000) /* two pages, both there */
#define CORE_IMAGE_DATA  UINT64_C(0x20000) /* of /neap/none, one of two pages there */
#define CORE_IMAGE_TEXT  UINT64_C(0x30000) /* of /neap/none, not there */
#define CORE_IMAGE_STACK UINT64_C(0x40000) /* one page */

static inline size_t core_image_note(unsigned char *at, uint32_t type, const void *content, uint32_t bytes) {
    Elf64_Nhdr header = {.n_namesz = 5, .n_descsz = bytes, .n_type = type};
    memcpy(at, &header, sizeof(header));
    memcpy(at + sizeof(header), "CORE\0\0\0", 8);
    memcpy(at + sizeof(header) + 8, content, bytes);
    return sizeof(header) + 8 + ((size_t)bytes + 3) / 4 * 4;
}

/* Fills CORE_IMAGE_BYTES at `core`: byte i of the heap is i * 7. */
static inline void core_image_make(unsigned char *core) {
    static const struct {
        uint64_t address, bytes, held;
        uint32_t flags;
    } loads[CORE_IMAGE_LOADS] = {
        {CORE_IMAGE_HEAP, 8192, 8192, PF_R | PF_W},
        {CORE_IMAGE_DATA, 8192, 4096, PF_R | PF_W},
        {CORE_IMAGE_TEXT, 4096, 0, PF_R | PF_X},
        {CORE_IMAGE_STACK, 4096, 4096, PF_R | PF_W},
    };
    unsigned char status[CORE_IMAGE_STATUS] = {0}, info[CORE_IMAGE_INFO] = {0}, files[128] = {0};
    const uint64_t ranges[] = {
        2, 4096, CORE_IMAGE_DATA, CORE_IMAGE_DATA + 8192, 1, CORE_IMAGE_TEXT, CORE_IMAGE_TEXT + 4096, 0};
    const uint64_t stack = CORE_IMAGE_STACK + 100, block = CORE_IMAGE_HEAP + 8;
    const int32_t pid = CORE_IMAGE_PID;
    memset(core, 0, CORE_IMAGE_BYTES);
    Elf64_Ehdr header = {.e_type = ET_CORE,
                         .e_machine = EM_X86_64,
                         .e_version = EV_CURRENT,
                         .e_phoff = sizeof(Elf64_Ehdr),
                         .e_phentsize = sizeof(Elf64_Phdr),
                         .e_phnum = CORE_IMAGE_LOADS + 1};
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    memcpy(core, &header, sizeof(header));
    memcpy(status + 32, &pid, sizeof(pid));
    memcpy(status + 112 + 19 * 8, &stack, sizeof(stack));
    memcpy(status + 112 + 21 * 8, &block, sizeof(block));
    memcpy(info + 24, &pid, sizeof(pid));
    memcpy(info + 40, "python3.11", 10);
    memcpy(files, ranges, sizeof(ranges));
    memcpy(files + sizeof(ranges), "/neap/none\0/neap/none", 22);
    unsigned char *note = core + 4096;
    note += core_image_note(note, NT_PRSTATUS, status, sizeof(status));
    note += core_image_note(note, NT_PRPSINFO, info, sizeof(info));
    core_image_note(note, NT_FILE, files, sizeof(ranges) + 22);
    Elf64_Phdr segment = {.p_type = PT_NOTE, .p_offset = 4096, .p_filesz = CORE_IMAGE_NOTES};
    memcpy(core + sizeof(header), &segment, sizeof(segment));
    uint64_t offset = 4096 + CORE_IMAGE_NOTES;
    for (size_t i = 0; i < CORE_IMAGE_LOADS; i++) {
        segment = (Elf64_Phdr){.p_type = PT_LOAD,
                               .p_flags = loads[i].flags,
                               .p_offset = offset,
                               .p_vaddr = loads[i].address,
                               .p_filesz = loads[i].held,
                               .p_memsz = loads[i].bytes};
        memcpy(core + sizeof(header) + (i + 1) * sizeof(segment), &segment, sizeof(segment));
        offset += loads[i].held;
    }
    for (size_t i = 0; i < 8192; i++)
        core[4096 + CORE_IMAGE_NOTES + i] = (unsigned char)(i * 7);
}

#endif
