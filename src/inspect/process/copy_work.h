/* inspect/process/copy_work.h: copies parts of a process's memory with several threads.
 *
 *     pieces [0 1 2 ... | ... | ...]   a thread that has finished a piece takes the next one
 *
 * Called by memory_copy.c. One thread adds all pieces. Then one thread runs the work and starts
 * helper threads for it.
 */
#ifndef NEAP_INSPECT_PROCESS_COPY_WORK_H
#define NEAP_INSPECT_PROCESS_COPY_WORK_H

#include <stdbool.h>

#include "inspect/process/process_image.h"
#include "os/process_memory.h"

struct neap__copy_work {
    struct neap_os_process_memory_piece *pieces; /* source and destination of each; owned */
    size_t count, room;
    pid_t pid;
    bool out_of_memory;     /* memory ran out while adding */
    size_t next;            /* index of the next piece; this and the next two are shared by the threads */
    uint64_t missing_bytes; /* bytes that could not be read */
    int error;
};

/* Adds [address, address + bytes), cut into pieces of a suitable size. */
void neap__copy_work_add(struct neap__copy_work *work, uint64_t address, unsigned char *here, uint64_t bytes);

/* gather copies all pieces; populate only allocates the memory of their destinations. Return 0,
 * NEAP_ERROR_MEMORY if out_of_memory is set, or the error of reading the process. */
int neap__copy_work_gather(struct neap__copy_work *work);
int neap__copy_work_populate(struct neap__copy_work *work);

void neap__copy_work_clear(struct neap__copy_work *work);

/* Calls `visit` for each range of neighbouring pages of the mapping that are in memory (if `present`) or
 * that are not. A mapping that is partly swapped out counts as present as a whole. */
void neap__copy_runs(const struct neap_process_image *image, const struct neap_image_mapping *mapping,
                     bool present, void (*visit)(void *context, uint64_t start, uint64_t end), void *context);

#endif
