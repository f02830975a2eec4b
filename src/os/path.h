/* os/path.h: tells what lies at a path, and whether another user controls it.
 *
 * Root may write in folders where others write too. A link at the end of a path may lead to any file. So
 * it is followed only if the caller or root has made it. (For links to folders earlier in the path, the
 * kernel has fs.protected_symlinks.) Any thread.
 */
#ifndef NEAP_OS_PATH_H
#define NEAP_OS_PATH_H

#include <linux/limits.h>
#include <stdbool.h>

#include <neap/error.h>

enum neap_os_path_kind {
    NEAP_OS_PATH_NONE, /* nothing that can be asked */
    NEAP_OS_PATH_FILE, /* a regular file */
    NEAP_OS_PATH_FOLDER,
    NEAP_OS_PATH_STREAM, /* a pipe, a socket, a character device */
    NEAP_OS_PATH_DISK,   /* a block device */
};

/* What lies at `path`, through symbolic links. */
enum neap_os_path_kind neap_os_path_kind(const char *path);

/* Whether a user other than the caller and root decides where writing to `path` goes: a link or a named pipe
 * of that user is there. */
bool neap_os_path_is_foreign(const char *path);

/* Opens a stream (as neap_os_path_kind says) for writing. The caller closes *descriptor. If something else
 * has taken its place, NEAP_ERROR_FORMAT; no file is made or emptied. Waits for the reader of a named pipe.
 * The other errors are those of os/file.h. */
int neap_os_path_stream_open(const char *path, int *descriptor);

/* Replaces `path` by the path that the links at its end lead to; a link of the
 * kernel's (as below) stays. Returns NEAP_ERROR_PERMISSION with errno
 * EPERM for a link of another user; NEAP_ERROR_SYSTEM with ELOOP or ENAMETOOLONG; else the errors of
 * os/file.h. */
int neap__os_path_follow(char path[PATH_MAX]);

/* Whether it is a link within /proc, as /proc/self/fd/3 is: that leads to a thing and not to a name. */
bool neap__os_path_is_kernel_link(const char *path);

/* Whether this process may read the file, as it would find it now. */
bool neap_os_path_is_readable(const char *path);

#endif
