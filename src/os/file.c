/* os/file.c */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int neap__os_file_error(void) {
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        return NEAP_ERROR_ABSENT;
    case EACCES:
    case EPERM:
    case EROFS:
        return NEAP_ERROR_PERMISSION;
    case ENOMEM:
        return NEAP_ERROR_MEMORY;
    case EISDIR:
        return NEAP_ERROR_FORMAT;
    default:
        return NEAP_ERROR_SYSTEM;
    }
}

int neap__os_regular_open(const char *path, int *file, struct stat *status) {
    char again[32];
    int found = open(path, O_PATH | O_CLOEXEC), opened = -1;
    if (found < 0)
        return neap__os_file_error();
    int error = fstat(found, status) != 0  ? neap__os_file_error()
                : S_ISREG(status->st_mode) ? NEAP_OK
                                           : NEAP_ERROR_FORMAT;
    if (error == NEAP_OK) {
        snprintf(again, sizeof(again), "/proc/self/fd/%d", found);
        opened = open(again, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        error = opened < 0 ? neap__os_file_error() : NEAP_OK;
    }
    int reason = errno;
    close(found);
    errno = reason;
    if (error == NEAP_OK)
        *file = opened;
    return error;
}

/* Opens a regular file; the caller closes *file. */
static int regular_open(const char *path, int *file, uint64_t *bytes) {
    struct stat status;
    int error = neap__os_regular_open(path, file, &status);
    if (error == NEAP_OK)
        *bytes = (uint64_t)status.st_size;
    return error;
}

/* --- mapping --- */

static int descriptor_map(int file, uint64_t bytes, const void **data) {
    if (bytes == 0)
        return NEAP_ERROR_FORMAT;
    if (bytes > SIZE_MAX / 2)
        return NEAP_ERROR_MEMORY;
    void *start = mmap(NULL, (size_t)bytes, PROT_READ, MAP_SHARED, file, 0);
    if (start == MAP_FAILED)
        return neap__os_file_error();
    *data = start;
    return NEAP_OK;
}

int neap_os_file_map(const char *path, const void **data, size_t *bytes) {
    int file;
    uint64_t length;
    int error = regular_open(path, &file, &length);
    if (error != NEAP_OK)
        return error;
    error = descriptor_map(file, length, data);
    if (error == NEAP_OK)
        *bytes = (size_t)length;
    close(file);
    return error;
}

void neap_os_file_unmap(const void *data, size_t bytes) {
    munmap((void *)(uintptr_t)data, bytes);
}

void neap_os_file_map_scattered(const void *data, size_t bytes) {
    madvise((void *)(uintptr_t)data, bytes, MADV_RANDOM);
}

void neap_os_file_forget(const char *path, size_t kept_bytes) {
    char start[4096];
    struct stat status;
    int descriptor;
    if (neap__os_regular_open(path, &descriptor, &status) != NEAP_OK)
        return;
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM);
    for (size_t at = 0; at < kept_bytes; at += sizeof(start))
        if (pread(descriptor, start, sizeof(start), (off_t)at) <= 0)
            break;
    close(descriptor);
}

/* --- copies --- */

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
