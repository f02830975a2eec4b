/* inspect/neap_heap/live_neap_heap.h: a running process looked at for a Neap heap.
 *
 *     neap_live_heap_find -> neap_live_heap_read   any number of times
 *                      -> neap_live_heap_trim
 *
 * The target neither stops nor runs anything for it, but for a trim, which its
 * own helper thread does when asked through the anchor. One thread per target.
 */
#ifndef NEAP_INSPECT_NEAP_HEAP_LIVE_NEAP_HEAP_H
#define NEAP_INSPECT_NEAP_HEAP_LIVE_NEAP_HEAP_H

#include <stdbool.h>
#include <sys/types.h>

#include "inspect/neap_heap/heap_reader.h"

struct neap_live_heap {
    pid_t pid;
    char program[256]; /* last part of its path, "python3.11" */
    bool python;       /* it is a Python, or has one in it */
    bool neap;         /* Neap's library is loaded and its anchor was found: */
    struct neap_layout_anchor anchor;
    uint64_t anchor_address;
    char wakeup_file[600];   /* library file as reached from here, for os/thread.h; "" if it cannot be */
    struct neap_fault fault; /* after NEAP_ERROR_FORMAT: what was wrong */
};

/* Finds out what `pid` is. NEAP_ERROR_PROCESS, NEAP_ERROR_PERMISSION, or
 * NEAP_ERROR_FORMAT if Neap's library is there with an anchor that cannot be
 * read; `program` is filled as far as the system tells, also on failure. */
int neap_live_heap_find(pid_t pid, struct neap_live_heap *target);

/* Reads anchor and heap. Errors as neap_heap_read. */
int neap_live_heap_read(struct neap_live_heap *target, struct neap_heap_view *view);

/* Has the target give back all it can and waits for it, at most `timeout_ms`.
 * *bytes is what was given back: none by a target that has not needed a purging
 * thread so far, for it has next to nothing to give. NEAP_ERROR_ABSENT if its heap serves nothing,
 * NEAP_ERROR_TIMEOUT if it did not answer; else as for reading. */
int neap_live_heap_trim(struct neap_live_heap *target, uint32_t timeout_ms, uint64_t *bytes);

#endif
