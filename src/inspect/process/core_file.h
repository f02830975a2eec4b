/* inspect/process/core_file.h: a core file as an image and as memory. For snapshot.c.
 *
 *   | ELF header | PT_NOTE: threads, names of files | PT_LOAD a mapping: bytes, or fewer, or none |
 *
 * Written by the kernel or by gcore, for 32 or 64 bits in this machine's byte order.
 * Nothing in it is believed: segments that lie outside of the address space, overlap
 * one before, or are not all in the file are cut or left out; what is lost is counted.
 * Mapped as long as it is open. Any thread may read.
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
    uint64_t held_bytes; /* from the start on */
    uint32_t flags;      /* PF_R ... */
};

struct neap__core_file {
    const unsigned char *bytes;
    size_t length;
    bool mapped; /* to be unmapped at the end */
    bool wide;   /* 64 bits */
    unsigned machine;
    struct neap__core_segment *segments; /* one a mapping of the image, the same order */
    size_t segment_count;
    uint64_t held_bytes, missing_bytes;
};

/* Maps and reads `path`: see neap_snapshot_open. On failure *core is closed. */
int neap__core_file_open(const char *path, struct neap__core_file *core, struct neap_process_image *image,
                         struct neap_fault *fault);

/* The same of bytes in memory, which must outlive it. */
int neap__core_file_read(const void *bytes, size_t length, struct neap__core_file *core,
                         struct neap_process_image *image, struct neap_fault *fault);

void neap__core_file_close(struct neap__core_file *core);

/* Where to read each address: what the core has, and beyond it the files. For the caller to free. */
int neap__core_file_ranges(const struct neap__core_file *core, const struct neap_process_image *image,
                           struct neap__range **ranges, size_t *count);

/* Private memory that it has. For the caller to free. */
int neap__core_file_stretches(const struct neap__core_file *core, const struct neap_process_image *image,
                              struct neap_snapshot_stretch **stretches, size_t *count);

#endif
