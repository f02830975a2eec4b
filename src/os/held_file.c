/* os/held_file.c */
#include "os/held_file.h"

#include <sys/stat.h>

#include "os/descriptor.h"
#include "os/file.h"

int neap_os_held_file_open(const char *path, struct neap_os_held_file *file) {
    struct stat status;
    int descriptor, error = neap__os_regular_open(path, &descriptor, &status);
    if (error == NEAP_OK)
        *file = (struct neap_os_held_file){descriptor, (uint64_t)status.st_size};
    return error;
}

void neap_os_held_file_close(struct neap_os_held_file *file) {
    neap_os_descriptor_close(file->descriptor);
    *file = (struct neap_os_held_file){.descriptor = -1};
}

int neap_os_held_file_read(const struct neap_os_held_file *file, uint64_t offset, void *out, size_t bytes) {
    if (offset > PTRDIFF_MAX || bytes > PTRDIFF_MAX - offset) /* what pread can name */
        return NEAP_ERROR_FORMAT;
    return neap_os_descriptor_read(file->descriptor, offset, out, bytes) ? NEAP_OK : NEAP_ERROR_FORMAT;
}
