/* inspect/process/copy_work.h: parts of a process's memory that several threads work through.
 *
 *     pieces [0 1 2 ... | ... | ...]   a turn each; who is done takes the next
 *
 * For memory_copy.c. One thread adds; then one runs the work, with helpers of its own.
 */
#ifndef NEAP_INSPECT_PROCESS_COPY_WORK_H
#define NEAP_INSPECT_PROCESS_COPY_WORK_H

#include <stdbool.h>

#include "inspect/process/process_image.h"
#include "os/process_memory.h"

struct neap__copy_work {
    struct neap_os_process_memory_piece *pieces; /* where from, where to; owned */
    size_t count, room;
    pid_t pid;
    bool out_of_memory;     /* memory ran out while adding */
    size_t next;            /* piece; from here on shared by the threads */
    uint64_t missing_bytes; /* that could not be read */
    int error;
};

/* Adds [address, address + bytes), cut into pieces that are worth a turn. */
void neap__copy_work_add(struct neap__copy_work *work, uint64_t address, unsigned char *here, uint64_t bytes);

/* Copies all pieces, or puts memory behind their places. 0, NEAP_ERROR_MEMORY if out_of_memory, or why
 * the process could not be read. */
int neap__copy_work_gather(struct neap__copy_work *work);
int neap__copy_work_populate(struct neap__copy_work *work);

void neap__copy_work_clear(struct neap__copy_work *work);

/* Calls `visit` for each run of pages of the mapping that are in memory (`present`), or are not. Of
 * one that is swapped out in part all counts as present. */
void neap__copy_runs(const struct neap_process_image *image, const struct neap_image_mapping *mapping,
                     bool present, void (*visit)(void *context, uint64_t start, uint64_t end), void *context);

#endif
