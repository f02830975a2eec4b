/* inspect/process/snapshot.h: the memory of a process at one moment.
 *
 *     pause   pause, copy all memory that can hold objects, resume; then analyse   (default)
 *     running copy without pausing; readers reject structures that changed meanwhile
 *     hold    pause, analyse through a small cache, resume at destroy; takes little memory
 *     core    read a core file in place
 *
 *     target   |rw-p heap|   |rw-p arenas ... |    |r--p .rodata|
 *                   |               |                    |
 *     stretch    same length, same offsets; resident    the file itself, open
 *                pages are copied, others are zero      as long as the snapshot
 *
 * Private memory that was written is copied; unchanged memory of a file is read from the
 * file, which is opened when the snapshot is taken. A range within one mapping, or within neighbouring copied
 * mappings, is contiguous in the snapshot too (`view`). Memory for the copy is taken before the pause. Any
 * number of threads may use the neap_memory of a snapshot at once; with way HOLD only one.
 */
#ifndef NEAP_INSPECT_PROCESS_SNAPSHOT_H
#define NEAP_INSPECT_PROCESS_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <neap/error.h>

#include "base/memory_source.h"
#include "inspect/process/process_image.h"
#include "os/process.h"

enum neap_snapshot_way {
    NEAP_SNAPSHOT_PAUSE,
    NEAP_SNAPSHOT_RUNNING,
    NEAP_SNAPSHOT_HOLD,
    NEAP_SNAPSHOT_CORE,
};

struct neap_snapshot_facts {
    enum neap_snapshot_way way;
    bool too_little_memory; /* HOLD was used instead of PAUSE, because there was too little memory to copy, or
                               too little address space */
    bool ended; /* HOLD: the process ended before all was read, so that what was found is worth nothing */
    uint64_t pause_ns;     /* how long the target was paused; with HOLD known after release */
    uint64_t copied_bytes; /* bytes of copied pages; for a core file, bytes in the file */
    uint64_t
        swapped_bytes; /* bytes in swap, which read as zero: nothing is brought back by being looked at */
    uint64_t missing_bytes; /* bytes that were unmapped while being read, or that a cut file lacks; they
                               read as zero in a copy and cannot be read in a core file */
};

/* A range of addresses whose private memory is in the snapshot. Pages that were never touched read
 * as zero. `bytes` is NULL with way HOLD. Only these ranges can hold blocks. */
struct neap_snapshot_stretch {
    uint64_t start, end;
    const unsigned char *bytes;
};

typedef struct neap_snapshot neap_snapshot_t;

/* Takes a snapshot of `process`, which must outlive it, in one of the first three ways. If the machine, or a
 * control group that this process shares with the target, has too little memory for a copy, PAUSE becomes
 * HOLD, because the kernel might otherwise end the target; and also if this process has too little address
 * space. Returns the errors of os/pause.h, or NEAP_ERROR_MEMORY if there is too little memory for HOLD too,
 * or for RUNNING; NEAP_ERROR_PROCESS also if it executed another program before all was read. The caller owns
 * *snapshot. */
int neap_snapshot_take(neap_os_process_t *process, enum neap_snapshot_way way, neap_snapshot_t **snapshot);

/* Opens a core file (ELF, 32 or 64 bits, this byte order). NEAP_ERROR_ABSENT if there is no such
 * file, NEAP_ERROR_PERMISSION, NEAP_ERROR_FORMAT with *fault (an offset into the file) if it is
 * no core file. A file that is cut off is read as far as it goes. */
int neap_snapshot_open(const char *path, neap_snapshot_t **snapshot, struct neap_fault *fault);

/* The same for a core file in memory, whose bytes must outlive the snapshot. */
int neap_snapshot_read(const void *bytes, size_t length, neap_snapshot_t **snapshot,
                       struct neap_fault *fault);

/* Resumes a target that is still paused. Afterwards only copied memory can be read: all of it, or none
 * with HOLD. Returns the length of the pause in ns. */
uint64_t neap_snapshot_release(neap_snapshot_t *snapshot);

void neap_snapshot_destroy(neap_snapshot_t *snapshot);

/* The results of these are valid until the snapshot is destroyed. */
struct neap_memory neap_snapshot_memory(neap_snapshot_t *snapshot);
struct neap_process_image *neap_snapshot_image(neap_snapshot_t *snapshot); /* of the same moment */
const struct neap_snapshot_facts *neap_snapshot_facts(const neap_snapshot_t *snapshot);

#endif
