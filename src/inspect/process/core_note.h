/* inspect/process/core_note.h: the notes of a core file: files, threads, program.
 *
 *   NT_FILE      count, page size, (start, end, page offset)..., names...
 *   NT_PRSTATUS  one per thread: its number and registers
 *   NT_PRPSINFO  the name of the program and the process number
 *
 * A note that is cut off or contradicts itself is left out. Called by core_file.c; one thread
 * at a time.
 */
#ifndef NEAP_INSPECT_PROCESS_CORE_NOTE_H
#define NEAP_INSPECT_PROCESS_CORE_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/process/process_image.h"

struct neap__core_mapped {
    uint64_t start, end, offset;
    const char *path; /* in the core's bytes while the notes are read; in `texts` once ordered */
};

struct neap__core_notes {
    bool wide; /* set by the caller, as is `machine` */
    unsigned machine;
    uint64_t page_bytes; /* 0: not known */
    struct neap__core_mapped *files;
    size_t file_count, file_room;
    struct neap_image_thread *threads;
    size_t thread_count, thread_room;
    char program[17];
    pid_t pid;
    char *texts;
};

/* Reads the notes of one segment. NEAP_ERROR_MEMORY. */
int neap__core_notes_add(struct neap__core_notes *notes, const unsigned char *bytes, uint64_t length);

/* Sorts the files. Call it once, after the last segment. */
void neap__core_notes_order(struct neap__core_notes *notes);

/* The file that is mapped at `address`; NULL if none. */
const struct neap__core_mapped *neap__core_notes_file(const struct neap__core_notes *notes, uint64_t address);

/* Moves threads, names and texts into the image. */
void neap__core_notes_give(struct neap__core_notes *notes, struct neap_process_image *image);

void neap__core_notes_clear(struct neap__core_notes *notes);

#endif
