/* os/atomic_file.h: files that appear whole.
 *
 *     open ──> write ... ──> commit     synced, named path.RANDOM.neap, renamed to path, its folder synced
 *                  │
 *                  └──────> discard     nothing is left of it
 *
 * Whatever happens in between, `path` names the old file or the whole new one. Where the file
 * system can (O_TMPFILE), the new file has no name before commit, so that a process that is
 * killed leaves nothing behind. Elsewhere it has its temporary name, a draft, from the start, and its
 * writer holds a lock on it; the next open for the same path removes the drafts of the caller that have
 * such a name and no lock.
 *
 * Root writes where others can write too. So the new file belongs to the caller and has the mode
 * of any new file (0666 less the umask). It takes the permission bits of an old file, without
 * set-id and sticky bits, only if that belongs to the caller. A link at `path` is followed if it
 * is the caller's or root's, and refused otherwise. The folder is opened once, and everything is done
 * in that folder. Any thread; one at a time for one file. Errors as those of os/file.h.
 */
#ifndef NEAP_OS_ATOMIC_FILE_H
#define NEAP_OS_ATOMIC_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <neap/error.h>

enum { NEAP_OS_ATOMIC_FILE_NAME_BYTES = 256, NEAP_OS_ATOMIC_FILE_BUFFER_BYTES = 16384 };

/* On the stack; the members are private. */
struct neap_os_atomic_file {
    int descriptor;
    int folder;      /* that `name` is in */
    unsigned mode;   /* permission bits of the old file, to be kept; 0: a new file's */
    size_t buffered; /* bytes in the buffer */
    char name[NEAP_OS_ATOMIC_FILE_NAME_BYTES];
    char temporary[NEAP_OS_ATOMIC_FILE_NAME_BYTES]; /* "": it has no name yet */
    char buffer[NEAP_OS_ATOMIC_FILE_BUFFER_BYTES];
};

/* Makes an empty file that is to be `path`. NEAP_ERROR_FORMAT: a folder (errno EISDIR), or another thing that
 * is no regular file, is there (ENODEV). NEAP_ERROR_PERMISSION, also for another user's link (EPERM). */
int neap_os_atomic_file_open(struct neap_os_atomic_file *file, const char *path);

/* Appends. After a failure the file can only be discarded. */
int neap_os_atomic_file_write(struct neap_os_atomic_file *file, const void *data, size_t bytes);

/* Writes over the first bytes of what has been written. */
int neap_os_atomic_file_write_start(struct neap_os_atomic_file *file, const void *data, size_t bytes);

/* Makes it the file at `path`. On failure it is discarded. */
int neap_os_atomic_file_commit(struct neap_os_atomic_file *file);

void neap_os_atomic_file_discard(struct neap_os_atomic_file *file);

/* For tests: the n-th next write, sync or rename of an atomic file fails (1 = the next); 0 = off. */
void neap_os_atomic_file_fault_after(unsigned n);

/* For tests: new files have a name from the start, as where there is no O_TMPFILE. */
void neap_os_atomic_file_name_drafts(bool wanted);

#endif
