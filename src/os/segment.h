/* os/segment.h: named memory that processes share: one writes, the others read.
 *
 *     make -> fill it -> publish -----------> close      the name appears at once, whole
 *     take (left by a writer that died) ----> close      or goes on under a new writer
 *     open (read-only) ---------------------> close
 *
 * The writer holds a lock on the segment that the system lets go of when the process
 * ends, however it ends. A forked child does not keep it: there the segment turns into one that
 * is only read. Segments are files /dev/shm/neap.NAME; all their memory is there from the start,
 * so that touching it cannot fail later. A segment stays until its name is removed and
 * nobody maps it any more.
 *
 * Anybody may put anything under a name. So a segment is opened only if it is a regular file with one
 * name that belongs to the caller, to root or to the user whom the caller names, and that nobody else may
 * write. What else is there (a link, a pipe, a device) is not opened at all. The owner can still cut the
 * file short: the mapping is guarded (os/file_guard.h).
 *
 * Returns 0 or a negative enum neap_error. Any thread, one at a time for one segment.
 */
#ifndef NEAP_OS_SEGMENT_H
#define NEAP_OS_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

#include "os/file_guard.h"

enum { NEAP_OS_SEGMENT_NAME_MAX = 200 };

#define NEAP_OS_SEGMENT_OWN_OR_ROOT UINT32_MAX /* no user has this id */

struct neap_os_segment {
    void *address;
    size_t bytes;
    struct neap_os_file_guard *guard;
    bool writing; /* false in a child of the process that made or took it */
    int file;     /* -1: closed */
    char name[NEAP_OS_SEGMENT_NAME_MAX + 1];
    struct neap_os_segment *next; /* of this process's writing ones */
};

/* Makes a segment without a name, of `bytes`, all zero, writable, with the lock taken. `mode` as of a
 * file, without the rights of others to write. The struct must not move until it is closed; this holds for
 * take too. NEAP_ERROR_ARGUMENT: the name is out of range. NEAP_ERROR_MEMORY, NEAP_ERROR_SYSTEM. */
int neap_os_segment_make(struct neap_os_segment *segment, const char *name, size_t bytes, unsigned mode);

/* Gives a segment that was made its name. NEAP_ERROR_BUSY if there is a segment of that name. */
int neap_os_segment_publish(struct neap_os_segment *segment);

/* Maps an existing one of this user's for writing, and takes the rights of others to write away.
 * NEAP_ERROR_ABSENT, NEAP_ERROR_BUSY (it has a writer), NEAP_ERROR_PERMISSION (another user's, a link, or
 * with a second name), NEAP_ERROR_FORMAT (no file of any bytes). */
int neap_os_segment_take(struct neap_os_segment *segment, const char *name);

/* Maps an existing one of user `owner` for reading; NEAP_OS_SEGMENT_OWN_OR_ROOT: the caller's or root's.
 * Errors as of take, but for BUSY; NEAP_ERROR_PERMISSION also if others than its owner may write it. */
int neap_os_segment_open(struct neap_os_segment *segment, const char *name, uint32_t owner);

/* Whether bytes that were touched are not in the segment any more: its owner cut it short. */
static inline bool neap_os_segment_is_cut(const struct neap_os_segment *segment) {
    return neap_os_file_guard_is_cut(segment->guard);
}

/* Unmaps it and lets go of the lock. Closing a closed one does nothing. */
void neap_os_segment_close(struct neap_os_segment *segment);

/* Removes the name of a segment that the caller writes, if it is still its own. */
void neap_os_segment_unname(const struct neap_os_segment *segment);

/* Whether some process holds the writer's lock. A system call. */
bool neap_os_segment_has_writer(const struct neap_os_segment *segment);

#endif
