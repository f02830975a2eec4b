/* os/page_file.c */
#include "os/page_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/memory.h"
#include "os/proc.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u /* Linux 6.3; vm.memfd_noexec=2 refuses files without it */
#endif

enum {
    TRIES = 100,           /* to map a range that was lost again */
    CORE_PRIVATE_FILES = 4 /* of coredump_filter */
};

void neap_os_page_file_into_cores(void) {
    static const char path[] = "/proc/self/coredump_filter";
    char text[32];
    if (!neap__os_text_read(path, text, sizeof(text)))
        return;
    unsigned long filter = strtoul(text, NULL, 16);
    int file = filter & CORE_PRIVATE_FILES ? -1 : open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return;
    int length = snprintf(text, sizeof(text), "0x%lx", filter | CORE_PRIVATE_FILES);
    (void)!write(file, text, (size_t)length);
    close(file);
}

static int make(void) {
    int descriptor = memfd_create("neap-mesh", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    return descriptor >= 0 || errno != EINVAL ? descriptor : memfd_create("neap-mesh", MFD_CLOEXEC);
}

int neap_os_page_file_begin(size_t bytes, struct neap_os_page_file *file) {
    if (neap__os_fault_now())
        return NEAP_ERROR_MEMORY;
    int descriptor = make();
    if (descriptor < 0)
        return errno == ENOSYS || errno == EACCES ? NEAP_ERROR_SYSTEM : NEAP_ERROR_MEMORY;
    void *view = ftruncate(descriptor, (off_t)bytes) != 0
                     ? MAP_FAILED
                     : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (view == MAP_FAILED) {
        close(descriptor);
        return NEAP_ERROR_MEMORY;
    }
    madvise(view, bytes, MADV_NOHUGEPAGE); /* where shmem_enabled is "always", a page would take 2 MB */
    *file = (struct neap_os_page_file){view, bytes, descriptor};
    return NEAP_OK;
}

/* Maps private memory at `address` after a refusal left a hole there, or may have. */
static bool restore(void *address, size_t bytes) {
    for (int tries = 0; tries < TRIES; tries++) {
        void *same = mmap(address, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
        if (same == MAP_FAILED)
            continue;
        madvise(address, bytes, MADV_NOHUGEPAGE); /* as its neighbours, with which it merges */
        return true;
    }
    return false;
}

int neap_os_page_file_lay(const struct neap_os_page_file *file, size_t offset, size_t bytes, void *address,
                          bool *lost) {
    *lost = false;
    void *laid = neap__os_fault_now()
                     ? MAP_FAILED
                     : mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED,
                            file->descriptor, (off_t)offset);
    if (laid != MAP_FAILED) {
        madvise(address, bytes, MADV_NOHUGEPAGE);
        return NEAP_OK;
    }
    *lost = !restore(address, bytes);
    return NEAP_ERROR_MEMORY;
}

void neap_os_page_file_end(struct neap_os_page_file *file) {
    munmap(file->view, file->bytes);
    close(file->descriptor);
}

int neap_os_page_file_lift(void *address, size_t bytes, bool *lost) {
    *lost = false;
    if (neap__os_fault_now())
        return NEAP_ERROR_MEMORY;
    *lost = !restore(address, bytes);
    return *lost ? NEAP_ERROR_MEMORY : NEAP_OK;
}
