/* os/path.h: what lies at a path, and who decides that.
 *
 * Root writes in folders where others write too. A link at the end of a path that another user than
 * the caller or root has made is not followed: it may lead to any file. (The kernel looks after the
 * links of folders in front of it, fs.protected_symlinks.) Any thread.
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

/* Whether another user than the caller and root decides what is written to at `path`: a link of theirs leads
 * on from there, or a named pipe of theirs is there. */
bool neap_os_path_is_foreign(const char *path);

/* Opens a stream (as neap_os_path_kind) for writing; the caller closes *descriptor. Whatever is there by now,
 * no file is made or emptied: NEAP_ERROR_FORMAT if it is no stream. Waits for the reader of a named pipe. The
 * other errors are those of os/file.h. */
int neap_os_path_stream_open(const char *path, int *descriptor);

/* Replaces `path` by what the links at its end lead to; a link of the kernel's (as below) stays.
 * NEAP_ERROR_PERMISSION with errno EPERM at another user's link; NEAP_ERROR_SYSTEM with ELOOP or
 * ENAMETOOLONG; the errors of os/file.h. */
int neap__os_path_follow(char path[PATH_MAX]);

/* Whether it is a link within /proc, as /proc/self/fd/3 is: that leads to a thing and not to a name. */
bool neap__os_path_is_kernel_link(const char *path);

#endif
