/* os/file_mapping.c */
#define _FILE_OFFSET_BITS 64 /* also where a long has 32 bits */

#include "os/file_mapping.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "os/file.h"
#include "os/path.h"

/* Whether so many can be mapped here. */
static bool fits(uint64_t bytes) {
    if (bytes <= PTRDIFF_MAX)
        return true;
    errno = EFBIG;
    return false;
}

/* Ends what failed with `error`, without touching errno. */
static int close_with(int descriptor, int error) {
    int reason = errno;
    close(descriptor);
    errno = reason;
    return error;
}

/* --- opening ---------------------------------------------------------------- */

/* Whether a mapping can be made of it; errno says why not. */
static int kind_check(const struct stat *status) {
    if (S_ISREG(status->st_mode) || S_ISBLK(status->st_mode))
        return NEAP_OK;
    errno = S_ISDIR(status->st_mode) ? EISDIR : ENODEV;
    return NEAP_ERROR_FORMAT;
}

/* Opens what `found` (of O_PATH) is, and nothing that took its name since. */
static int reopen(int found, int flags, int *descriptor) {
    struct stat status;
    char again[32];
    int error = fstat(found, &status) != 0 ? neap__os_file_error() : kind_check(&status);
    if (error != NEAP_OK)
        return error;
    snprintf(again, sizeof(again), "/proc/self/fd/%d", found);
    *descriptor = open(again, flags | O_CLOEXEC);
    return *descriptor < 0 ? neap__os_file_error() : NEAP_OK;
}

static int found_open(int found, int flags, int *descriptor) {
    return found < 0 ? neap__os_file_error() : close_with(found, reopen(found, flags, descriptor));
}

/* Without following a link: of those at the end of the path, only the kernel's own are left. */
static int existing_open(const char *path, int flags, int *descriptor) {
    int no_links = neap__os_path_is_kernel_link(path) ? 0 : O_NOFOLLOW;
    return found_open(open(path, O_PATH | O_CLOEXEC | no_links), flags, descriptor);
}

/* Makes the file, or opens the one that is there: each fails where another process was faster. */
static int making_open(const char *path, int *descriptor) {
    int error = NEAP_ERROR_SYSTEM;
    for (int tries = 0; tries < 3; tries++) {
        *descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*descriptor >= 0)
            return NEAP_OK;
        if (errno != EEXIST)
            return neap__os_file_error();
        error = existing_open(path, O_RDWR | O_TRUNC, descriptor);
        if (error != NEAP_ERROR_ABSENT)
            return error;
    }
    return error;
}

static int descriptor_open(const char *path, enum neap_os_file_mapping_mode mode, int *descriptor) {
    char end[PATH_MAX];
    if (mode == NEAP_OS_FILE_MAPPING_READ)
        return found_open(open(path, O_PATH | O_CLOEXEC), O_RDONLY, descriptor);
    if (strlen(path) >= sizeof(end)) {
        errno = ENAMETOOLONG;
        return NEAP_ERROR_SYSTEM;
    }
    strcpy(end, path);
    int error = neap__os_path_follow(end);
    if (error != NEAP_OK)
        return error;
    return mode == NEAP_OS_FILE_MAPPING_MAKE ? making_open(end, descriptor)
                                             : existing_open(end, O_RDWR, descriptor);
}

/* --- lengths ------------------------------------------------------------------ */

static int length_of(const struct neap_os_file_mapping *mapping, uint64_t *bytes) {
    struct stat status;
    off_t end = -1;
    if (mapping->device)
        end = lseek(mapping->descriptor, 0, SEEK_END);
    else if (fstat(mapping->descriptor, &status) == 0)
        end = status.st_size;
    if (end < 0) {
        int error = neap__os_file_error();
        assert(error != NEAP_OK);
        return error;
    }
    *bytes = (uint64_t)end;
    return fits(*bytes) ? NEAP_OK : NEAP_ERROR_MEMORY;
}

/* Maps the file anew with a length, and lets the old mapping go. */
static int map_again(struct neap_os_file_mapping *mapping, uint64_t bytes) {
    void *data = NULL;
    if (bytes != 0) {
        int access = mapping->writable ? PROT_READ | PROT_WRITE : PROT_READ;
        data = mmap(NULL, (size_t)bytes, access, MAP_SHARED, mapping->descriptor, 0);
        if (data == MAP_FAILED)
            return neap__os_file_error();
        int error = NEAP_OK;
        if (mapping->guard)
            neap_os_file_guard_move(mapping->guard, data, (size_t)bytes);
        else
            error = neap_os_file_guard_add(data, (size_t)bytes, mapping->writable, &mapping->guard);
        if (error != NEAP_OK) {
            munmap(data, (size_t)bytes);
            return error;
        }
    } else {
        neap_os_file_guard_remove(mapping->guard);
        mapping->guard = NULL;
    }
    if (mapping->data)
        munmap(mapping->data, (size_t)mapping->bytes);
    mapping->data = data;
    mapping->bytes = bytes;
    return NEAP_OK;
}

/* The same for a mapping that is whole, whose pages need not be found again. */
static int remap(struct neap_os_file_mapping *mapping, uint64_t bytes) {
    if (!mapping->data || bytes == 0 || neap_os_file_mapping_is_cut(mapping))
        return map_again(mapping, bytes);
    neap_os_file_guard_move(mapping->guard, NULL, 0);
    void *data = mremap(mapping->data, (size_t)mapping->bytes, (size_t)bytes, MREMAP_MAYMOVE);
    if (data == MAP_FAILED) { /* a handler may just have patched it */
        neap_os_file_guard_move(mapping->guard, mapping->data, (size_t)mapping->bytes);
        return map_again(mapping, bytes);
    }
    neap_os_file_guard_move(mapping->guard, data, (size_t)bytes);
    mapping->data = data;
    mapping->bytes = bytes;
    return NEAP_OK;
}

int neap_os_file_mapping_open(const char *path, enum neap_os_file_mapping_mode mode,
                              struct neap_os_file_mapping *mapping) {
    struct neap_os_file_mapping opened = {.writable = mode != NEAP_OS_FILE_MAPPING_READ};
    struct stat status;
    uint64_t bytes;
    int error = descriptor_open(path, mode, &opened.descriptor);
    if (error != NEAP_OK)
        return error;
    if (fstat(opened.descriptor, &status) != 0)
        return close_with(opened.descriptor, neap__os_file_error());
    opened.device = S_ISBLK(status.st_mode);
    error = length_of(&opened, &bytes);
    if (error == NEAP_OK)
        error = map_again(&opened, bytes);
    if (error != NEAP_OK)
        return close_with(opened.descriptor, error);
    *mapping = opened;
    return NEAP_OK;
}

uint64_t neap_os_file_mapping_length(const struct neap_os_file_mapping *mapping) {
    uint64_t bytes;
    return mapping->device || length_of(mapping, &bytes) != NEAP_OK ? mapping->bytes : bytes;
}

int neap_os_file_mapping_follow(struct neap_os_file_mapping *mapping) {
    uint64_t bytes;
    bool cut = neap_os_file_mapping_is_cut(mapping);
    if (mapping->device && !cut)
        return NEAP_OK;
    int error = length_of(mapping, &bytes);
    if (error != NEAP_OK || (!cut && bytes == mapping->bytes))
        return error;
    cut = cut || bytes < mapping->bytes;
    error = cut ? map_again(mapping, bytes) : remap(mapping, bytes);
    if (error == NEAP_OK && cut) {
        errno = EIO;
        error = NEAP_ERROR_FORMAT;
    }
    return error;
}

/* --- the lock --------------------------------------------------------------------- */

/* A byte that no file has, so that the lock is not one on contents. It belongs to the open file and not to
 * the process, so that two handles of one process exclude each other too. */
static const struct flock lock_place = {.l_whence = SEEK_SET, .l_start = INT64_MAX - 1, .l_len = 1};

static bool lock_as(const struct neap_os_file_mapping *mapping, short kind) {
    struct flock lock = lock_place;
    lock.l_type = kind;
    return fcntl(mapping->descriptor, F_OFD_SETLK, &lock) == 0;
}

/* Whether it is taken as it is taken here, and not by somebody who locks the file as a whole. */
static bool is_taken_by_our_kind(const struct neap_os_file_mapping *mapping) {
    struct flock lock = lock_place;
    lock.l_type = F_WRLCK;
    return fcntl(mapping->descriptor, F_OFD_GETLK, &lock) == 0 &&
           (lock.l_type == F_UNLCK || (lock.l_start == lock_place.l_start && lock.l_len == lock_place.l_len));
}

void neap_os_file_mapping_lock(const struct neap_os_file_mapping *mapping) {
    enum { TRIES = 10000, PAUSE_NS = 100000 };
    if (mapping->device || !mapping->writable)
        return;
    for (int i = 0; i < TRIES && !lock_as(mapping, F_WRLCK) && is_taken_by_our_kind(mapping); i++)
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

void neap_os_file_mapping_unlock(const struct neap_os_file_mapping *mapping) {
    int reason = errno;
    if (!mapping->device && mapping->writable)
        lock_as(mapping, F_UNLCK);
    errno = reason;
}

/* --- resizing ------------------------------------------------------------------------ */

/* Gives the file a longer end, with place for it on the disk where the file system can promise that. Both
 * ways leave a file that is longer already as it is. */
static int grow(const struct neap_os_file_mapping *mapping, uint64_t bytes) {
    uint64_t now;
    if (fallocate(mapping->descriptor, 0, (off_t)mapping->bytes, (off_t)(bytes - mapping->bytes)) == 0)
        return NEAP_OK;
    int error = neap__os_file_error(), number = errno;
    if (length_of(mapping, &now) != NEAP_OK)
        return neap__os_file_error();
    if (number == EOPNOTSUPP || number == ENOSYS)
        return now >= bytes || ftruncate(mapping->descriptor, (off_t)bytes) == 0 ? NEAP_OK
                                                                                 : neap__os_file_error();
    /* What it took before it failed goes back. */
    if (now <= bytes && ftruncate(mapping->descriptor, (off_t)mapping->bytes) != 0)
        number = errno;
    errno = number;
    return error;
}

int neap_os_file_mapping_resize(struct neap_os_file_mapping *mapping, uint64_t bytes) {
    uint64_t old = mapping->bytes;
    if (!mapping->writable || mapping->device) {
        errno = mapping->device ? EINVAL : EBADF;
        return NEAP_ERROR_PERMISSION;
    }
    if (!fits(bytes))
        return NEAP_ERROR_MEMORY;
    int error = bytes > old                                         ? grow(mapping, bytes)
                : ftruncate(mapping->descriptor, (off_t)bytes) == 0 ? NEAP_OK
                                                                    : neap__os_file_error();
    if (error != NEAP_OK)
        return error;
    error = remap(mapping, bytes);
    if (error != NEAP_OK) {
        int number = errno;
        if (ftruncate(mapping->descriptor, (off_t)old) != 0)
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
    neap_os_file_guard_remove(mapping->guard);
    if (mapping->data)
        munmap(mapping->data, (size_t)mapping->bytes);
    if (mapping->descriptor >= 0)
        close(mapping->descriptor);
    *mapping = (struct neap_os_file_mapping){.descriptor = -1};
}
