/* os/file.h: reads files by mapping them or by copying parts.
 *
 * A mapping is read-only and shared by all processes that map the file. It stays whole when an
 * atomic file (os/atomic_file.h) takes the file's name. But if another process truncates the mapped
 * file itself, SIGBUS ends its readers. So files that others may truncate are read by copies.
 *
 * Any thread. Errors: NEAP_ERROR_ABSENT (no such file or folder), _PERMISSION, _MEMORY,
 * _FORMAT (not a regular file, or too short), _SYSTEM (errno tells).
 */
#ifndef NEAP_OS_FILE_H
#define NEAP_OS_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

/* Maps the whole of a file that is not empty; `*data` is page-aligned. In constant time: nothing is read. */
int neap_os_file_map(const char *path, const void **data, size_t *bytes);

void neap_os_file_unmap(const void *data, size_t bytes);

/* Hints that a mapping is read at scattered places, so that pages that are not touched do not come into
 * memory. */
void neap_os_file_map_scattered(const void *data, size_t bytes);

/* Hints that the system may drop what it caches of a synced file, except for the first `kept_bytes`. The
 * system caches a written file in pieces of up to 2 MiB, and touching one byte maps its whole piece. Parts
 * that are read from the disk again come by single pages. */
void neap_os_file_forget(const char *path, size_t kept_bytes);

/* Copies `bytes` at `offset`, all or nothing. Opens and closes the file: 3 us. */
int neap_os_file_read(const char *path, uint64_t offset, void *out, size_t bytes);

struct stat;

/* Opens `path` for reading if it is a regular file, and fills in *status. Anything else is not opened,
 * because opening a pipe waits and opening a device may have effects. The caller closes *file. Errors as
 * above. */
int neap__os_regular_open(const char *path, int *file, struct stat *status);

/* The enum neap_error for errno after a call on a file; never NEAP_OK. */
int neap__os_file_error(void);

#endif
