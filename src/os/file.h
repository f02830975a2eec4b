/* os/file.h: files that are read, where they lie or by copies.
 *
 * A mapping is read-only, shared by all processes that have it, and stays whole when an
 * atomic file (os/atomic_file.h) takes the file's name. Only truncating the very file under a mapping
 * ends its readers (SIGBUS): what another process may cut off meanwhile is read by copies.
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

/* A mapping is going to be read here and there: what is not touched is not to come into memory
 * with what is. A hint. */
void neap_os_file_map_scattered(const void *data, size_t bytes);

/* Has the system forget what it keeps in memory of a file that is synced, but for its first
 * `kept_bytes`. It keeps a file in pieces as large as it was written in (of up to 2 MiB), and
 * whoever touches a byte then has the piece; what comes from the disk again comes by pages. A hint. */
void neap_os_file_forget(const char *path, size_t kept_bytes);

/* Copies `bytes` at `offset`, all or nothing. Opens and closes the file: 3 us. */
int neap_os_file_read(const char *path, uint64_t offset, void *out, size_t bytes);

struct stat;

/* Opens `path` for reading if it is a regular file, and fills in *status. What else lies there is not opened
 * at all: to open a pipe waits, and to open a device may do things. The caller closes *file. Errors as above.
 */
int neap__os_regular_open(const char *path, int *file, struct stat *status);

/* The enum neap_error for errno after a call on a file. */
int neap__os_file_error(void);

#endif
