/* os/file_mapping.c */
#define _FILE_OFFSET_BITS 64 /* also where a long has 32 bits */

#include "os/file_mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

/* Whether so many can be mapped here. */
static bool fits(uint64_t bytes) {
    if (bytes <= PTRDIFF_MAX)
        return true;
    errno = EFBIG;
    return false;
}

static int descriptor_open(const char *path, enum neap_os_file_mapping_mode mode) {
    static const int flags[] = {
        [NEAP_OS_FILE_MAPPING_READ] = O_RDONLY,
        [NEAP_OS_FILE_MAPPING_WRITE] = O_RDWR,
        [NEAP_OS_FILE_MAPPING_MAKE] = O_RDWR | O_CREAT | O_TRUNC,
    };
    /* Without waiting for the other end, should it be a pipe. */
    return open(path, flags[mode] | O_CLOEXEC | O_NONBLOCK, 0666);
}

static int measure(struct neap_os_file_mapping *mapping) {
    struct stat status;
    if (fstat(mapping->descriptor, &status) != 0)
        return neap__os_file_error();
    mapping->device = S_ISBLK(status.st_mode);
    if (!mapping->device && !S_ISREG(status.st_mode)) {
        errno = ENODEV;
        return NEAP_ERROR_FORMAT;
    }
    off_t end = mapping->device ? lseek(mapping->descriptor, 0, SEEK_END) : status.st_size;
    if (end < 0)
        return neap__os_file_error();
    mapping->bytes = (uint64_t)end;
    return fits(mapping->bytes) ? NEAP_OK : NEAP_ERROR_MEMORY;
}

static int map(struct neap_os_file_mapping *mapping) {
    if (mapping->bytes == 0)
        return NEAP_OK;
    int access = mapping->writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void *data = mmap(NULL, (size_t)mapping->bytes, access, MAP_SHARED, mapping->descriptor, 0);
    if (data == MAP_FAILED)
        return neap__os_file_error();
    mapping->data = data;
    return NEAP_OK;
}

int neap_os_file_mapping_open(const char *path, enum neap_os_file_mapping_mode mode,
                              struct neap_os_file_mapping *mapping) {
    struct neap_os_file_mapping opened = {.descriptor = descriptor_open(path, mode),
                                          .writable = mode != NEAP_OS_FILE_MAPPING_READ};
    if (opened.descriptor < 0)
        return neap__os_file_error();
    int error = measure(&opened);
    if (error == NEAP_OK)
        error = map(&opened);
    if (error != NEAP_OK) {
        int number = errno;
        close(opened.descriptor);
        errno = number;
        return error;
    }
    *mapping = opened;
    return NEAP_OK;
}

/* The file's length; place for it on the disk where the file system can promise that. */
static int set_length(const struct neap_os_file_mapping *mapping, uint64_t bytes) {
    if (bytes > mapping->bytes &&
        fallocate(mapping->descriptor, 0, (off_t)mapping->bytes, (off_t)(bytes - mapping->bytes)) != 0 &&
        errno != EOPNOTSUPP && errno != ENOSYS) {
        int number = errno; /* what it took before it failed goes back */
        if (ftruncate(mapping->descriptor, (off_t)mapping->bytes) != 0)
            number = errno;
        errno = number;
        return neap__os_file_error();
    }
    return ftruncate(mapping->descriptor, (off_t)bytes) == 0 ? NEAP_OK : neap__os_file_error();
}

static int remap(struct neap_os_file_mapping *mapping, uint64_t bytes) {
    void *data = NULL;
    if (!mapping->data || bytes == 0) {
        struct neap_os_file_mapping fresh = *mapping;
        fresh.bytes = bytes;
        fresh.data = NULL;
        int error = map(&fresh);
        if (error != NEAP_OK)
            return error;
        if (mapping->data)
            munmap(mapping->data, (size_t)mapping->bytes);
        data = fresh.data;
    } else {
        data = mremap(mapping->data, (size_t)mapping->bytes, (size_t)bytes, MREMAP_MAYMOVE);
        if (data == MAP_FAILED)
            return neap__os_file_error();
    }
    mapping->data = data;
    mapping->bytes = bytes;
    return NEAP_OK;
}

int neap_os_file_mapping_resize(struct neap_os_file_mapping *mapping, uint64_t bytes) {
    if (!mapping->writable || mapping->device) {
        errno = mapping->device ? EINVAL : EBADF;
        return NEAP_ERROR_PERMISSION;
    }
    if (!fits(bytes))
        return NEAP_ERROR_MEMORY;
    int error = set_length(mapping, bytes);
    if (error != NEAP_OK)
        return error;
    error = remap(mapping, bytes);
    if (error != NEAP_OK) {
        int number = errno;
        if (ftruncate(mapping->descriptor, (off_t)mapping->bytes) != 0)
            number = errno;
        errno = number;
    }
    return error;
}

int neap_os_file_mapping_sync(const struct neap_os_file_mapping *mapping) {
    if (!mapping->writable || !mapping->data)
        return NEAP_OK;
    if (msync(mapping->data, (size_t)mapping->bytes, MS_SYNC) != 0 || fsync(mapping->descriptor) != 0)
        return neap__os_file_error();
    return NEAP_OK;
}

void neap_os_file_mapping_close(struct neap_os_file_mapping *mapping) {
    if (mapping->data)
        munmap(mapping->data, (size_t)mapping->bytes);
    if (mapping->descriptor >= 0)
        close(mapping->descriptor);
    *mapping = (struct neap_os_file_mapping){.descriptor = -1};
}
