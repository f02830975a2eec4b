/* inspect/process/core_file.h: a core file as an image and as memory. For snapshot.c.
 *
 *   | ELF header | PT_NOTE: threads, names of files | PT_LOAD per mapping: all its bytes, some or none |
 *
 * The kernel or gcore writes it, for 32 or 64 bits; it must have this machine's byte order.
 * The file is not trusted. Segments that lie outside of the address space, overlap an
 * earlier one, or are not all in the file are cut or left out; lost bytes are counted.
 * The file is mapped as long as it is open. Any thread may read.
 */
#ifndef NEAP_INSPECT_PROCESS_CORE_FILE_H
#define NEAP_INSPECT_PROCESS_CORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

#include "base/memory_source.h"
#include "inspect/process/range_index.h"
#include "inspect/process/process_image.h"
#include "inspect/process/snapshot.h"

struct neap__core_segment {
    uint64_t start, end; /* addresses */
    uint64_t file_offset;
    uint64_t held_bytes; /* how many bytes, from the start, the file has */
    uint32_t flags;      /* PF_R ... */
};

struct neap__core_file {
    const unsigned char *bytes;
    size_t length;
    bool mapped; /* close unmaps it */
    bool wide;   /* 64 bits */
    unsigned machine;
    struct neap__core_segment *segments; /* one per mapping of the image, in the same order */
    size_t segment_count;
    uint64_t held_bytes, missing_bytes;
};

/* Maps and reads `path`: see neap_snapshot_open. On failure *core is closed. */
int neap__core_file_open(const char *path, struct neap__core_file *core, struct neap_process_image *image,
                         struct neap_fault *fault);

/* The same for the bytes of a core file in memory, which must outlive `core`. */
int neap__core_file_read(const void *bytes, size_t length, struct neap__core_file *core,
                         struct neap_process_image *image, struct neap_fault *fault);

void neap__core_file_close(struct neap__core_file *core);

/* The ranges in which addresses can be read: those in the core, and beyond them those of mapped files.
 * The caller frees *ranges. */
int neap__core_file_ranges(const struct neap__core_file *core, const struct neap_process_image *image,
                           struct neap__range **ranges, size_t *count);

/* The private memory that the core has. The caller frees *stretches. */
int neap__core_file_stretches(const struct neap__core_file *core, const struct neap_process_image *image,
                              struct neap_snapshot_stretch **stretches, size_t *count);

#endif
