/* elf/elf_file.h: what Neap needs of an ELF file: headers, the places of names, notes.
 *
 *   0        | ELF header: where the two tables are, and how many entries each has
 *   table    | program headers: segment = offset, bytes in the file ──> address, bytes in memory
 *   anywhere | section .dynsym: 24 (16) bytes a symbol ── name: offset ──> section .dynstr:
 * "...\0_PyRuntime\0..." | section .symtab: the same, may be stripped ────────────────> section .strtab table
 * | section headers: type, offset, bytes, and the section that it is linked with
 *
 * A program, a library, or a core file of 32 or 64 bits in this machine's byte order. The source is
 * addressed by offsets in the file. It is not trusted: every range is held against the length of the file
 * before it is read, nothing is allocated, and no more than `left_bytes` are read in all, so that the time is
 * bounded although a file may name one table a thousand times. A file that becomes shorter meanwhile is an
 * error of its source. One thread at a time for one file.
 */
#ifndef NEAP_ELF_ELF_FILE_H
#define NEAP_ELF_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

#include "base/memory_source.h"

enum { NEAP_ELF_NAMES_MOST = 4 }; /* names that are looked for at once */

/* Entries of one size, side by side, all of them within the file. */
struct neap_elf_table {
    uint64_t offset, count;
    size_t entry_bytes;
};

struct neap_elf_file {
    struct neap_memory source;
    uint64_t bytes;      /* the length of the file */
    uint64_t left_bytes; /* may still be read */
    bool wide;           /* 64 bits */
    unsigned type;       /* ET_DYN ... */
    unsigned machine;    /* EM_X86_64 ... */
    struct neap_elf_table segments, sections;
    uint64_t titles; /* the section that holds the names of sections; 0: none */
};

struct neap_elf_segment {
    uint32_t type, flags; /* PT_LOAD ..., PF_R ... */
    uint64_t offset, file_bytes;
    uint64_t address, memory_bytes;
};

/* Where a symbol or a section is in memory, before the file was moved to where it is loaded. */
struct neap_elf_place {
    uint64_t address, bytes; /* address 0: there is none */
};

struct neap_elf_note {
    uint32_t type;
    const unsigned char *owner; /* "CORE", with its NUL if the file has one; owner_bytes of it */
    const unsigned char *content;
    size_t owner_bytes, content_bytes;
};

/* Reads the header of a file of `bytes`, of which at most `most_bytes` are read from now on. The source must
 * outlive the file. NEAP_ERROR_FORMAT with *why, a static text that follows "it cannot be read: ", if it is
 * no ELF file or if a table does not lie in it; the errors of the source. *file is untouched then. */
int neap_elf_open(const struct neap_memory *source, uint64_t bytes, uint64_t most_bytes,
                  struct neap_elf_file *file, const char **why);

/* Reads program header `number`, which is less than segments.count. The errors of the source. */
int neap_elf_segment(struct neap_elf_file *file, uint64_t number, struct neap_elf_segment *segment);

/* Looks up `count` names, at most NEAP_ELF_NAMES_MOST: in .dynsym, and what is not there in .symtab. A symbol
 * without an address does not count. places[i] is 0, 0 if there is no such name, or if the file does not let
 * itself be read so far. A name with which more than 1024 others end can be missed. */
void neap_elf_symbols(struct neap_elf_file *file, const char *const *names, size_t count,
                      struct neap_elf_place *places);

/* The first section of this name that is loaded; 0, 0 if there is none. */
struct neap_elf_place neap_elf_section(struct neap_elf_file *file, const char *name);

/* Takes the note at *at of `length` bytes of notes and moves *at behind it. False at the end, or at a note
 * that does not end within the bytes. The note points into `bytes`. */
bool neap_elf_note_next(const unsigned char *bytes, uint64_t length, uint64_t *at,
                        struct neap_elf_note *note);

#endif
