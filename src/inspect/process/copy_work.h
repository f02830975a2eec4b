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
#include "os/process.h"

/* Pieces of source and destination. */
struct neap__copy_pieces {
    struct neap_os_process_piece *list; /* owned */
    size_t count, room;
    size_t next; /* index of the piece that is taken next, by whichever thread */
};

struct neap__copy_work {
    const neap_os_process_t *process; /* for gather; not owned */
    struct neap__copy_pieces alone;   /* pages of the process alone */
    struct neap__copy_pieces shared;  /* pages that it may share, and pages of zeros */
    bool out_of_memory;               /* memory ran out while adding */
    uint64_t missing_bytes; /* bytes that could not be read; shared by the threads, as the next is */
    int error;
};

/* Adds [address, address + bytes), cut into pieces of a suitable size. */
void neap__copy_work_add(struct neap__copy_work *work, bool shared, uint64_t address, unsigned char *here,
                         uint64_t bytes);

/* gather copies all pieces; populate only allocates the memory of their destinations, but for the shared
 * ones, which may be zeros. Return 0, NEAP_ERROR_MEMORY if out_of_memory is set, or the error of reading. */
int neap__copy_work_gather(struct neap__copy_work *work);
int neap__copy_work_populate(struct neap__copy_work *work);

void neap__copy_work_clear(struct neap__copy_work *work);

enum neap__copy_pages {
    NEAP__COPY_ALONE,  /* in memory, of the process alone */
    NEAP__COPY_SHARED, /* in memory, and may be shared */
    NEAP__COPY_ABSENT, /* neither in memory nor in swap */
};

/* Calls `visit` for each range of neighbouring pages of the mapping that are of that kind. */
void neap__copy_runs(const struct neap_process_image *image, const struct neap_image_mapping *mapping,
                     enum neap__copy_pages pages, void (*visit)(void *context, uint64_t start, uint64_t end),
                     void *context);

#endif
