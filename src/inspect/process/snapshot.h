/* inspect/process/snapshot.h: the memory of a process at one moment, to be read at leisure.
 *
 *     pause   stop, copy all that can hold objects, go on; then analyse        (default)
 *     running copy without stopping: structures may be torn, which readers reject
 *     hold    stop, analyse through a small cache, go on at destroy: little memory
 *     core    a core file, in place
 *
 *     target   |rw-p heap|   |rw-p arenas ... |    |r--p .rodata|
 *                   |               |                    |
 *     stretch    same length, same offsets, resident    the file itself, mapped
 *                pages copied, the others zero          when first asked for
 *
 * What is copied is private memory that was written to; what a file still holds as it
 * is on disk is read from there. So a range within one mapping, or within neighbours
 * that were both copied, is one piece here too (`view`). Memory for the copy is taken
 * before the pause. neap_memory of a snapshot may be used by any number of threads
 * at once, with way HOLD by one.
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

enum neap_snapshot_way {
    NEAP_SNAPSHOT_PAUSE,
    NEAP_SNAPSHOT_RUNNING,
    NEAP_SNAPSHOT_HOLD,
    NEAP_SNAPSHOT_CORE,
};

struct neap_snapshot_facts {
    enum neap_snapshot_way way;
    bool too_little_memory; /* HOLD in place of PAUSE: a copy might have ended the target */
    uint64_t pause_ns;      /* how long the target stood still; HOLD: known after release */
    uint64_t copied_bytes;  /* pages copied; of a core file, bytes it holds */
    uint64_t missing_bytes; /* that went away while being read, or that a cut file lacks; they read as
                               zero in the copy, and not at all in a core file */
};

/* A stretch of addresses of which the snapshot has the private memory, pages that were never
 * touched reading as zero. `bytes` NULL with way HOLD. What may hold blocks lies in these. */
struct neap_snapshot_stretch {
    uint64_t start, end;
    const unsigned char *bytes;
};

typedef struct neap_snapshot neap_snapshot_t;

/* Takes a snapshot of `pid` in one of the first three ways. Where the machine, or a control group
 * that this process shares with the target, has too little memory for a copy, PAUSE becomes HOLD, since
 * the kernel might end the target for the copy's sake. Errors of os/pause.h, and NEAP_ERROR_MEMORY: too
 * little even for that, or RUNNING was asked for. The caller owns *snapshot. */
int neap_snapshot_take(pid_t pid, enum neap_snapshot_way way, neap_snapshot_t **snapshot);

/* Opens a core file (ELF, 32 or 64 bits, this byte order). NEAP_ERROR_ABSENT if there is no such
 * file, NEAP_ERROR_PERMISSION, NEAP_ERROR_FORMAT with *fault (an offset into the file) if it is
 * no core file. A file that is cut off is read as far as it goes. */
int neap_snapshot_open(const char *path, neap_snapshot_t **snapshot, struct neap_fault *fault);

/* The same of a core file in memory, whose bytes must outlive the snapshot. */
int neap_snapshot_read(const void *bytes, size_t length, neap_snapshot_t **snapshot,
                       struct neap_fault *fault);

/* Lets a target that is still held go on; reading after that is for what was copied only (all,
 * but with HOLD). Returns the pause in ns. */
uint64_t neap_snapshot_release(neap_snapshot_t *snapshot);

void neap_snapshot_destroy(neap_snapshot_t *snapshot);

/* Good as long as the snapshot. */
struct neap_memory neap_snapshot_memory(neap_snapshot_t *snapshot);
struct neap_process_image *neap_snapshot_image(neap_snapshot_t *snapshot); /* of the same moment */
const struct neap_snapshot_facts *neap_snapshot_facts(const neap_snapshot_t *snapshot);

#endif
