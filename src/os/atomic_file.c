/* os/atomic_file.c */
#include "os/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

static unsigned fault_countdown;

void neap_os_atomic_file_fault_after(unsigned n) {
    fault_countdown = n;
}

/* Whether this step is the one that is to fail, with errno as a full disk sets it. */
static bool fault_now(void) {
    if (fault_countdown == 0 || --fault_countdown != 0)
        return false;
    errno = ENOSPC;
    return true;
}

int neap_os_atomic_file_open(struct neap_os_atomic_file *file, const char *path) {
    int length = snprintf(file->temporary, sizeof file->temporary, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof file->temporary) {
        errno = ENAMETOOLONG;
        return NEAP_ERROR_SYSTEM;
    }
    file->path = path;
    file->buffered = 0;
    file->descriptor = mkostemp(file->temporary, O_CLOEXEC);
    return file->descriptor < 0 ? neap__os_file_error() : NEAP_OK;
}

/* The whole of `data`, at `offset` or, with -1, at the end. */
static int write_all(int descriptor, const char *data, size_t bytes, off_t offset) {
    while (bytes > 0) {
        ssize_t done = fault_now()  ? -1
                       : offset < 0 ? write(descriptor, data, bytes)
                                    : pwrite(descriptor, data, bytes, offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return neap__os_file_error();
        data += done;
        bytes -= (size_t)done;
        offset += offset < 0 ? 0 : done;
    }
    return NEAP_OK;
}

static int flush(struct neap_os_atomic_file *file) {
    size_t bytes = file->buffered;
    file->buffered = 0;
    return write_all(file->descriptor, file->buffer, bytes, -1);
}

int neap_os_atomic_file_write(struct neap_os_atomic_file *file, const void *data, size_t bytes) {
    if (bytes == 0)
        return NEAP_OK;
    if (bytes > sizeof file->buffer - file->buffered) {
        int error = flush(file);
        if (error != NEAP_OK)
            return error;
    }
    if (bytes > sizeof file->buffer)
        return write_all(file->descriptor, data, bytes, -1);
    memcpy(file->buffer + file->buffered, data, bytes);
    file->buffered += bytes;
    return NEAP_OK;
}

int neap_os_atomic_file_write_start(struct neap_os_atomic_file *file, const void *data, size_t bytes) {
    int error = flush(file);
    return error != NEAP_OK ? error : write_all(file->descriptor, data, bytes, 0);
}

/* The mode of the file that is replaced, or that of any new file. */
static mode_t mode_of(const char *path) {
    struct stat status;
    if (stat(path, &status) == 0)
        return status.st_mode & 07777;
    mode_t mask = umask(0); /* can only be read by setting it */
    umask(mask);
    return 0666 & ~mask;
}

/* Makes the rename outlast a crash. Where a folder cannot be opened or synced
 * (some network and user-space file systems) it is as good as it gets. */
static void sync_folder_of(const char *path) {
    char folder[NEAP_OS_ATOMIC_FILE_PATH_BYTES];
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (length >= sizeof folder)
        return;
    memcpy(folder, slash == NULL ? "." : path, length == 0 ? 1 : length);
    folder[length == 0 ? 1 : length] = '\0';
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        fsync(descriptor);
        close(descriptor);
    }
}

int neap_os_atomic_file_commit(struct neap_os_atomic_file *file) {
    int error = flush(file);
    if (error == NEAP_OK && fchmod(file->descriptor, mode_of(file->path)) != 0)
        error = neap__os_file_error();
    if (error == NEAP_OK && (fault_now() || fsync(file->descriptor) != 0))
        error = neap__os_file_error();
    if (error == NEAP_OK && (fault_now() || rename(file->temporary, file->path) != 0))
        error = neap__os_file_error();
    if (error != NEAP_OK) {
        neap_os_atomic_file_discard(file);
        return error;
    }
    close(file->descriptor);
    sync_folder_of(file->path);
    return NEAP_OK;
}

void neap_os_atomic_file_discard(struct neap_os_atomic_file *file) {
    int kept = errno; /* of the failure that led here */
    close(file->descriptor);
    unlink(file->temporary);
    errno = kept;
}
