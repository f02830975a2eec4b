/* os/file_access.c: open and pread. */
#include "os/file_access.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int error_of_open(void) {
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        return NEAP_ERROR_ABSENT;
    case EACCES:
    case EPERM:
        return NEAP_ERROR_PERMISSION;
    default:
        return NEAP_ERROR_SYSTEM;
    }
}

/* A pipe in the place of the file must not make us wait. */
static int regular_open(const char *path, int *file, uint64_t *length) {
    struct stat status;
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (opened < 0)
        return error_of_open();
    if (fstat(opened, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(opened);
        return NEAP_ERROR_FORMAT;
    }
    *file = opened;
    *length = (uint64_t)status.st_size;
    return NEAP_OK;
}

int neap_os_file_read(const char *path, uint64_t offset, void *out, size_t bytes) {
    int file;
    uint64_t size;
    int error = regular_open(path, &file, &size);
    if (error != NEAP_OK)
        return error;
    char *at = out;
    if (offset > size || bytes > size - offset)
        error = NEAP_ERROR_FORMAT;
    while (error == NEAP_OK && bytes > 0) {
        ssize_t done = pread(file, at, bytes, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            error = done < 0 ? NEAP_ERROR_SYSTEM : NEAP_ERROR_FORMAT;
            break;
        }
        at += done;
        offset += (uint64_t)done;
        bytes -= (size_t)done;
    }
    close(file);
    return error;
}
