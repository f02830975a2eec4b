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
 * Returns 0 or a negative enum neap_error. Any thread, one at a time for one segment.
 */
#ifndef NEAP_OS_SEGMENT_H
#define NEAP_OS_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>

#include <neap/error.h>

enum { NEAP_OS_SEGMENT_NAME_MAX = 200 };

struct neap_os_segment {
    void *address;
    size_t bytes;
    bool writing; /* false in a child of the process that made or took it */
    int file;     /* -1: closed */
    char name[NEAP_OS_SEGMENT_NAME_MAX + 1];
    struct neap_os_segment *next; /* of this process's writing ones */
};

/* Makes a segment without a name, of `bytes`, all zero, writable, with the lock taken. `mode` as of a
 * file. The struct must not move until it is closed; this holds for take too.
 * NEAP_ERROR_ARGUMENT: the name is out of range. NEAP_ERROR_MEMORY, NEAP_ERROR_SYSTEM. */
int neap_os_segment_make(struct neap_os_segment *segment, const char *name, size_t bytes, unsigned mode);

/* Gives a segment that was made its name. NEAP_ERROR_BUSY if there is a segment of that name. */
int neap_os_segment_publish(struct neap_os_segment *segment);

/* Maps an existing segment of this user for writing. NEAP_ERROR_ABSENT, NEAP_ERROR_BUSY (it has a writer),
 * NEAP_ERROR_PERMISSION (it belongs to another user), NEAP_ERROR_FORMAT (it is empty or no regular file). */
int neap_os_segment_take(struct neap_os_segment *segment, const char *name);

/* Maps an existing one for reading. Errors as of take, but for BUSY. */
int neap_os_segment_open(struct neap_os_segment *segment, const char *name);

/* Unmaps it and lets go of the lock. Closing a closed one does nothing. */
void neap_os_segment_close(struct neap_os_segment *segment);

/* Removes the name of a segment that the caller writes, if it is still its own. */
void neap_os_segment_unname(const struct neap_os_segment *segment);

/* Whether some process holds the writer's lock. A system call. */
bool neap_os_segment_has_writer(const struct neap_os_segment *segment);

#endif
