/* inspect/process/memory_copy.h: the private memory of a process, copied.
 *
 *     source    ....|== stretch ==|......|== stretch ==|....
 *     copy      [ slack |== bytes ==| slack ]   [ ... ]          a reservation each
 *
 * prepare: address space for each stretch and for its growth, and memory for the pages that
 * are there now, dense parts in huge pages; take: only copying, by several threads; fill:
 * pages that are still a file's, from the file. Pages that are nowhere read as zero, which
 * is what the process would read.
 */
#ifndef NEAP_INSPECT_PROCESS_MEMORY_COPY_H
#define NEAP_INSPECT_PROCESS_MEMORY_COPY_H

#include "inspect/process/process_image.h"
#include "inspect/process/snapshot.h"

struct neap__copy_reservation {
    uint64_t start, end;  /* addresses of the process */
    unsigned char *bytes; /* here, as many */
};

struct neap__memory_copy {
    struct neap__copy_reservation *reservations;
    size_t reservation_count, reservation_room;
    struct neap_snapshot_stretch *stretches; /* by address */
    size_t stretch_count;
    uint64_t copied_bytes, missing_bytes;
};

/* Whether a mapping's memory is the program's own, so that it has to be copied. */
bool neap__copy_wanted(const struct neap_image_mapping *mapping);

/* The stretches of wanted mappings, without bytes. NEAP_ERROR_MEMORY. */
int neap__copy_stretches(const struct neap_process_image *image, struct neap_snapshot_stretch **stretches,
                         size_t *count);

/* A zeroed *copy becomes ready for an image like this. NEAP_ERROR_MEMORY. */
int neap__copy_prepare(struct neap__memory_copy *copy, const struct neap_process_image *image);

/* Copies what `image`, just read, says is there. NEAP_ERROR_MEMORY, NEAP_ERROR_PROCESS. */
int neap__copy_take(struct neap__memory_copy *copy, const struct neap_process_image *image);

/* Adds what lies in files. */
void neap__copy_fill(struct neap__memory_copy *copy, const struct neap_process_image *image);

void neap__copy_clear(struct neap__memory_copy *copy);

#endif
