/* inspect/neap_heap/live_neap_heap.h: finds and reads the Neap heap of a running process.
 *
 *     neap_live_heap_find -> neap_live_heap_read   any number of times
 *                         -> neap_live_heap_trim
 *                         -> neap_live_heap_close
 *
 * The target is held by one handle (os/process.h). So all reads and the one write go to the program that was
 * found, whatever the process executes later and whoever gets its number. The target is not paused. It runs
 * code only for a trim: its helper thread does that when it is asked to through the anchor. One thread per
 * target.
 */
#ifndef NEAP_INSPECT_NEAP_HEAP_LIVE_NEAP_HEAP_H
#define NEAP_INSPECT_NEAP_HEAP_LIVE_NEAP_HEAP_H

#include <stdbool.h>
#include <sys/types.h>

#include "inspect/neap_heap/heap_reader.h"
#include "os/process.h"

struct neap_live_heap {
    pid_t pid;
    neap_os_process_t *process; /* owned; NULL if it could not be opened */
    char program[256];          /* last part of its path, "python3.11" */
    bool python;                /* it is a Python, or a program that contains one */
    bool neap; /* Neap's library is loaded, and its anchor was found; the next three are set */
    struct neap_layout_anchor anchor;
    uint64_t anchor_address;
    const uint32_t *wakeup_page; /* of the library's file, for os/thread.h; NULL if it cannot be had */
    struct neap_fault fault;     /* after NEAP_ERROR_FORMAT: the cause */
};

/* Examines `pid`; with `to_trim`, for neap_live_heap_trim too. NEAP_ERROR_PROCESS, also if it executes
 * another program meanwhile; NEAP_ERROR_PERMISSION; NEAP_ERROR_FORMAT if Neap's library is loaded and its
 * anchor cannot be read; NEAP_ERROR_BUSY if that is in swap. `program` is filled as far as possible, also on
 * failure. The caller closes *target in any case. */
int neap_live_heap_find(pid_t pid, bool to_trim, struct neap_live_heap *target);
void neap_live_heap_close(struct neap_live_heap *target);

/* Reads the anchor and the heap. Errors as for neap_heap_read. */
int neap_live_heap_read(struct neap_live_heap *target, struct neap_heap_view *view);

/* Asks the target to give back all that it can, and waits at most `timeout_ms` for
 * it. *bytes is how much it gave back. It is 0 if the target has not needed its helper
 * thread so far, because it then has almost nothing to give back. NEAP_ERROR_ABSENT if
 * its heap serves no blocks, NEAP_ERROR_TIMEOUT if it did not answer, NEAP_ERROR_PROCESS if the
 * program ended or was left; other errors as for reading. */
int neap_live_heap_trim(struct neap_live_heap *target, uint32_t timeout_ms, uint64_t *bytes);

#endif
