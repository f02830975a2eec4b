/* os/residence.c: reads /proc/PID/smaps and pagemap. */
#include "os/residence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "os/memory.h"
#include "os/proc.h"

/* --- smaps --------------------------------------------------------------- */

/* Stores the figure of a line like "Rss:                 136 kB". Ignores lines of other figures. */
static void figure_add(const char *line, struct neap_os_mapping_figures *figures) {
    static const struct {
        const char *key;
        size_t place;
    } keys[] = {
        {"Rss:", offsetof(struct neap_os_mapping_figures, rss_bytes)},
        {"Pss:", offsetof(struct neap_os_mapping_figures, pss_bytes)},
        {"Private_Dirty:", offsetof(struct neap_os_mapping_figures, private_dirty_bytes)},
        {"Shared_Clean:", offsetof(struct neap_os_mapping_figures, shared_bytes)},
        {"Shared_Dirty:", offsetof(struct neap_os_mapping_figures, shared_bytes)},
        {"Anonymous:", offsetof(struct neap_os_mapping_figures, anonymous_bytes)},
        {"Swap:", offsetof(struct neap_os_mapping_figures, swap_bytes)},
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        size_t length = strlen(keys[i].key);
        if (strncmp(line, keys[i].key, length) == 0)
            *(uint64_t *)((char *)figures + keys[i].place) += strtoull(line + length, NULL, 10) * 1024;
    }
}

int neap__os_smaps_read(FILE *file,
                        bool (*visit)(void *context, const struct neap_os_mapping *mapping,
                                      const struct neap_os_mapping_figures *figures),
                        void *context) {
    struct neap_os_mapping mapping = {0}, next;
    struct neap_os_mapping_figures figures = {0};
    char *line = NULL;
    size_t room = 0;
    bool any = false, more = true;
    while (more && getline(&line, &room, file) >= 0) {
        if (!neap__os_mapping_parse(line, &next)) { /* a line like "Rss: ..." */
            figure_add(line, &figures);
            continue;
        }
        more = !any || visit(context, &mapping, &figures);
        any = true;
        mapping = next;
        figures = (struct neap_os_mapping_figures){0};
    }
    free(line);
    if (ferror(file))
        return neap__os_proc_error();
    if (more && any)
        visit(context, &mapping, &figures);
    return any ? NEAP_OK : NEAP_ERROR_PROCESS;
}

int neap_os_mapping_figures(pid_t pid,
                            bool (*visit)(void *context, const struct neap_os_mapping *mapping,
                                          const struct neap_os_mapping_figures *figures),
                            void *context) {
    FILE *file;
    int error = neap__os_proc_open(pid, "smaps", &file);
    if (error != NEAP_OK)
        return error;
    error = neap__os_smaps_read(file, visit, context);
    fclose(file);
    return error;
}

/* --- pagemap --------------------------------------------------------------- */

struct neap_os_residence {
    int file;
    uint64_t page_bytes;
};

static int residence_open(int folder, const char *path, neap_os_residence_t **residence) {
    int file = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT && access("/proc/self/pagemap", F_OK) != 0 ? NEAP_ERROR_ABSENT
                                                                          : neap__os_proc_error();
    struct neap_os_residence *made = malloc(sizeof(*made));
    if (!made) {
        close(file);
        return NEAP_ERROR_MEMORY;
    }
    *made = (struct neap_os_residence){file, neap_os_page_bytes()};
    *residence = made;
    return NEAP_OK;
}

int neap_os_residence_open(pid_t pid, neap_os_residence_t **residence) {
    char path[32];
    return residence_open(AT_FDCWD, neap__os_proc_path(path, sizeof(path), pid, "pagemap"), residence);
}

int neap__os_residence_open_in(int folder, neap_os_residence_t **residence) {
    return residence_open(folder, "pagemap", residence);
}

void neap_os_residence_close(neap_os_residence_t *residence) {
    if (!residence)
        return;
    close(residence->file);
    free(residence);
}

int neap_os_residence_read(neap_os_residence_t *residence, uint64_t address, uint64_t *entries,
                           size_t pages) {
    char *out = (char *)entries;
    size_t bytes = pages * sizeof(*entries);
    uint64_t at = address / residence->page_bytes * sizeof(*entries);
    while (bytes > 0) {
        ssize_t done = pread(residence->file, out, bytes, (off_t)at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return neap__os_proc_error();
        if (done == 0) /* the process has ended, or the address is beyond its address space */
            return NEAP_ERROR_PROCESS;
        out += done;
        at += (uint64_t)done;
        bytes -= (size_t)done;
    }
    return NEAP_OK;
}

/* --- scan --------------------------------------------------------------- */

enum {
    CATEGORY_PRESENT = 1 << 3,
    CATEGORY_SWAPPED = 1 << 4,
    CATEGORY_ZERO = 1 << 5,
    STRETCHES_A_SCAN = 256,
};

struct stretch { /* struct page_region of linux/fs.h, which older headers lack */
    uint64_t start, end, categories;
};

struct scan { /* struct pm_scan_arg */
    uint64_t size, flags, start, end, walk_end, stretches, stretch_room, pages_most;
    uint64_t inverted, all_of, any_of, told;
};

#define SCAN_REQUEST _IOWR('f', 16, struct scan) /* PAGEMAP_SCAN */

int neap_os_residence_scan(neap_os_residence_t *residence, uint64_t start, uint64_t end,
                           void (*visit)(void *context, uint64_t start, uint64_t end), void *context) {
    struct stretch stretches[STRETCHES_A_SCAN];
    while (start < end) {
        struct scan scan = {
            .size = sizeof(scan),
            .start = start,
            .end = end,
            .stretches = (uintptr_t)stretches,
            .stretch_room = STRETCHES_A_SCAN,
            .inverted = CATEGORY_ZERO,
            .all_of = CATEGORY_ZERO, /* inverted: none that is a page of zeros */
            .any_of = CATEGORY_PRESENT | CATEGORY_SWAPPED,
            .told = CATEGORY_PRESENT,
        };
        int count = ioctl(residence->file, SCAN_REQUEST, &scan);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return errno == ENOTTY || errno == EINVAL ? NEAP_ERROR_ABSENT : neap__os_proc_error();
        for (int i = 0; i < count; i++)
            visit(context, stretches[i].start, stretches[i].end);
        if (scan.walk_end <= start) /* it did not move: it has ended */
            return NEAP_ERROR_PROCESS;
        start = scan.walk_end;
    }
    return NEAP_OK;
}
