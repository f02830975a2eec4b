/* inspect/process/paused_memory.h: reads the memory of a paused process through a small cache.
 *
 * The cache is direct-mapped: each address belongs to one line of 16 KiB. It has at most
 * 32 MiB, which are allocated as they are used. Pages that are not in memory read as zero,
 * and the process does not get them by being read. One thread at a time.
 */
#ifndef NEAP_INSPECT_PROCESS_PAUSED_MEMORY_H
#define NEAP_INSPECT_PROCESS_PAUSED_MEMORY_H

#include "inspect/process/process_image.h"
#include "os/process.h"

struct neap__paused_memory {
    const neap_os_process_t *process;
    const struct neap_process_image *image;
    uint64_t *tags; /* of each line, the address that it holds, plus 1 */
    unsigned char *lines;
    uint64_t read_bytes; /* from the process */
};

/* Both must outlive it. NEAP_ERROR_MEMORY. */
int neap__paused_memory_open(struct neap__paused_memory *held, const neap_os_process_t *process,
                             const struct neap_process_image *image);
void neap__paused_memory_close(struct neap__paused_memory *held);

/* Reads within one stretch of copied memory; NEAP_ERROR_PROCESS if the process has ended. */
int neap__paused_memory_read(struct neap__paused_memory *held, uint64_t address, void *out, size_t bytes);

#endif
