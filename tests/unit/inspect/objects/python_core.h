/* tests/unit/inspect/objects/python_core.h: a made-up Python as a core file, to be looked at as a whole.
 *
 *   | header, segments | notes: a thread, its name, files | statics | arenas | far, structs | stack |
 *   0                  4096                               8192 = IMAGE_BASE in memory
 *
 * The interpreter's file lies in memory too and is named by the core, so that its variables are found as
 * those of a real one are.
 */
#ifndef NEAP_TEST_PYTHON_CORE_H
#define NEAP_TEST_PYTHON_CORE_H

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../pylayout/python_objects.h"
#include "../process/core_image.h"
#include "../python/python_file.h"

enum {
    PYTHON_CORE_NOTES = 4096, /* offset and bytes of the notes */
    PYTHON_CORE_IMAGE = 8192,
    PYTHON_CORE_STACK_BYTES = 4096,
};

struct python_core {
    unsigned char *bytes; /* the caller's, for free() */
    size_t size;
    int file; /* descriptor of the interpreter's file; likewise, for close() */
};

/* A file that has the interpreter's symbols. */
static inline int python_core_file(const struct runtime_image *made) {
    unsigned char elf[ELF_IMAGE_BYTES];
    const uint64_t bias = IMAGE_BASE - ELF_IMAGE_DATA;
    int file = memfd_create("python", MFD_CLOEXEC);
    elf_image_make(elf, &(struct elf_image_addresses){made->runtime - bias, 0, made->image.type - bias});
    if (file < 0 || write(file, elf, sizeof(elf)) != (ssize_t)sizeof(elf))
        abort();
    return file;
}

/* A thread whose stack is the last segment, and two files: the interpreter, and one that names its version.
 */
static inline void python_core_notes(const struct python_core *core, const struct runtime_image *made) {
    unsigned char status[CORE_IMAGE_STATUS] = {0}, info[CORE_IMAGE_INFO] = {0}, files[256] = {0};
    const uint64_t pointer = IMAGE_BASE + made->image.size + 100, none = IMAGE_BASE - 8192;
    const uint64_t ranges[] = {
        2, 4096, none, none + 4096, 0, IMAGE_BASE, IMAGE_BASE + IMAGE_STATIC_BYTES, ELF_IMAGE_DATA / 4096};
    const int32_t pid = CORE_IMAGE_PID;
    char names[128];
    unsigned char *note = core->bytes + PYTHON_CORE_NOTES;
    int length = snprintf(names, sizeof(names), "/neap/python3.%u%c/proc/self/fd/%d",
                          made->image.version->minor, 0, core->file) +
                 1;
    memcpy(status + 32, &pid, sizeof(pid));
    memcpy(status + 112 + 19 * 8, &pointer, sizeof(pointer));
    memcpy(info + 24, &pid, sizeof(pid));
    memcpy(info + 40, "python", 6);
    memcpy(files, ranges, sizeof(ranges));
    memcpy(files + sizeof(ranges), names, (size_t)length);
    note += core_image_note(note, NT_PRSTATUS, status, sizeof(status));
    note += core_image_note(note, NT_PRPSINFO, info, sizeof(info));
    core_image_note(note, NT_FILE, files, (uint32_t)sizeof(ranges) + (uint32_t)length);
}

static inline struct python_core python_core_make(const struct runtime_image *made) {
    const struct python_image *image = &made->image;
    const uint64_t arena = image->arenas[1] - image->arenas[0];
    const uint64_t cuts[] = {0,
                             IMAGE_STATIC_BYTES,
                             IMAGE_STATIC_BYTES + arena,
                             IMAGE_STATIC_BYTES + 2 * arena,
                             image->size,
                             image->size + PYTHON_CORE_STACK_BYTES};
    enum { LOADS = sizeof(cuts) / sizeof(cuts[0]) - 1 };
    struct python_core core = {.size = PYTHON_CORE_IMAGE + image->size + PYTHON_CORE_STACK_BYTES};
    core.bytes = calloc(1, core.size);
    if (!core.bytes)
        abort();
    core.file = python_core_file(made);
    Elf64_Ehdr header = {.e_type = ET_CORE,
                         .e_machine = EM_X86_64,
                         .e_version = EV_CURRENT,
                         .e_phoff = sizeof(Elf64_Ehdr),
                         .e_phentsize = sizeof(Elf64_Phdr),
                         .e_phnum = LOADS + 1};
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    Elf64_Phdr segments[LOADS + 1] = {{.p_type = PT_NOTE,
                                       .p_offset = PYTHON_CORE_NOTES,
                                       .p_filesz = PYTHON_CORE_IMAGE - PYTHON_CORE_NOTES}};
    for (size_t i = 0; i < LOADS; i++)
        segments[i + 1] = (Elf64_Phdr){.p_type = PT_LOAD,
                                       .p_flags = PF_R | PF_W,
                                       .p_offset = PYTHON_CORE_IMAGE + cuts[i],
                                       .p_vaddr = IMAGE_BASE + cuts[i],
                                       .p_filesz = cuts[i + 1] - cuts[i],
                                       .p_memsz = cuts[i + 1] - cuts[i]};
    memcpy(core.bytes, &header, sizeof(header));
    memcpy(core.bytes + sizeof(header), segments, sizeof(segments));
    python_core_notes(&core, made);
    memcpy(core.bytes + PYTHON_CORE_IMAGE, image->bytes, image->size);
    return core;
}

#endif
