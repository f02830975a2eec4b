/* inspect/process/memory_copy.h: a copy of the private memory of a process.
 *
 *     source    ....|== stretch ==|......|== stretch ==|....
 *     copy      [ slack |== bytes ==| slack ]   [ ... ]          one reservation per stretch
 *
 * Three steps keep the pause short. `prepare` reserves address space for each stretch and its
 * growth, and takes memory for the pages that are present now, in huge pages where they are
 * dense. `take` only copies, with several threads. `fill` reads pages that are unchanged since
 * they were mapped from their file. A page that is nowhere reads as zero, as in the process; so does a page
 * in swap, which is not brought back for this. The copy takes as much memory as the process: pages of zeros
 * that were only read take none, there and here.
 */
#ifndef NEAP_INSPECT_PROCESS_MEMORY_COPY_H
#define NEAP_INSPECT_PROCESS_MEMORY_COPY_H

#include "inspect/process/process_image.h"
#include "inspect/process/snapshot.h"

struct neap__copy_reservation {
    uint64_t start, end;  /* addresses of the process */
    unsigned char *bytes; /* of the copy, as many */
};

struct neap__memory_copy {
    struct neap__copy_reservation *reservations;
    size_t reservation_count, reservation_room;
    struct neap_snapshot_stretch *stretches; /* by address */
    size_t stretch_count;
    uint64_t copied_bytes, missing_bytes;
};

/* Whether a mapping is private memory of the program, which has to be copied. */
bool neap__copy_wanted(const struct neap_image_mapping *mapping);

/* Lists the stretches of the mappings that are wanted; their `bytes` are NULL. NEAP_ERROR_MEMORY. */
int neap__copy_stretches(const struct neap_process_image *image, struct neap_snapshot_stretch **stretches,
                         size_t *count);

/* How much memory a copy takes at most. */
uint64_t neap__copy_bytes(const struct neap_process_image *image);

/* How much of what is to be copied is in swap, and so reads as zero. */
uint64_t neap__copy_swapped_bytes(const struct neap_process_image *image);

/* Prepares a zeroed *copy for a process like `image`. NEAP_ERROR_MEMORY. */
int neap__copy_prepare(struct neap__memory_copy *copy, const struct neap_process_image *image);

/* Copies the pages that are present by `image`, which was read during this pause. NEAP_ERROR_MEMORY,
 * NEAP_ERROR_PROCESS. */
int neap__copy_take(struct neap__memory_copy *copy, const neap_os_process_t *process,
                    const struct neap_process_image *image);

/* Adds the pages that lie in files. */
void neap__copy_fill(struct neap__memory_copy *copy, const struct neap_process_image *image);

void neap__copy_clear(struct neap__memory_copy *copy);

#endif
