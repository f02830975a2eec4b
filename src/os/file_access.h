/* os/file_access.h: pieces of files that others may cut off meanwhile.
 *
 * A mapped file that is cut off ends its readers (SIGBUS), so what another process
 * has open is read by copies. Errors: NEAP_ERROR_ABSENT (no such file), _PERMISSION,
 * _FORMAT (it is shorter, or no regular file), _SYSTEM. Any thread.
 */
#ifndef NEAP_OS_FILE_ACCESS_H
#define NEAP_OS_FILE_ACCESS_H

#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

/* Copies `bytes` at `offset`, all or nothing. Opens and closes the file: 3 us. */
int neap_os_file_read(const char *path, uint64_t offset, void *out, size_t bytes);

#endif
