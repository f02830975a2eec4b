/* inspect/python/live_pymalloc.c: heads of pools, read straight from the process. */
#include "inspect/python/live_pymalloc.h"

#include <stdlib.h>

#include "base/array.h"
#include "os/process_memory.h"

static int process_read(void *context, uint64_t address, void *out, size_t bytes) {
    const struct neap_live_pymalloc *target = context;
    return neap_os_process_read(target->process, address, out, bytes);
}

static struct neap_memory memory_of(struct neap_live_pymalloc *target) {
    return (struct neap_memory){.read = process_read, .context = target};
}

int neap_live_pymalloc_find(neap_os_process_t *process, struct neap_live_pymalloc *target) {
    struct neap_process_image image;
    *target = (struct neap_live_pymalloc){.process = process};
    struct neap_memory memory = memory_of(target);
    int error = neap_process_image_read(process, &image);
    if (error != NEAP_OK)
        return error;
    if (image.pointer_bytes != 8) {
        target->why = "a 32-bit process";
        error = NEAP_ERROR_ABSENT;
    } else if (neap_symbols_interpreter(&image, &target->interpreter) != NEAP_OK) {
        target->why = "no CPython in it";
        error = NEAP_ERROR_ABSENT;
    } else {
        error =
            neap_python_version_find(&memory, &image, &target->interpreter, &target->version, &target->why);
    }
    neap_process_image_clear(&image);
    int same = neap_os_process_same(process);
    return same == NEAP_OK ? error : same;
}

struct ranges {
    struct neap_py_range *all;
    size_t count, room;
    bool failed;
};

static bool range_add(void *context, const struct neap_os_mapping *mapping) {
    struct ranges *ranges = context;
    ranges->failed = !NEAP_ARRAY_RESERVE(ranges->all, ranges->room, ranges->count + 1);
    if (ranges->failed)
        return false;
    ranges->count += neap_python_version_range(mapping->access, mapping->path, mapping->start, mapping->end,
                                               &ranges->all[ranges->count]);
    return true;
}

int neap_live_pymalloc_read(struct neap_live_pymalloc *target, struct neap_live_pymalloc_view *view) {
    struct neap_memory memory = memory_of(target);
    struct ranges ranges = {0};
    struct neap_pymalloc *found = malloc(sizeof(*found));
    int error = neap_os_mappings_visit(neap_os_process_pid(target->process), range_add, &ranges);
    if (error == NEAP_OK && (!found || ranges.failed))
        error = NEAP_ERROR_MEMORY;
    if (error == NEAP_OK) {
        error = neap_pymalloc_find(&memory, target->version.layout, ranges.all, ranges.count, found);
        if (error == NEAP_OK) {
            view->allocator = found->allocator;
            view->spaces = found->space_count;
            view->rejected_arenas = found->rejected_arenas;
            neap_pymalloc_sum(found, -1, &view->stats);
        } else if (error == NEAP_ERROR_ABSENT) {
            target->why = "its allocator was not found: it has another one, or is still starting";
        }
        neap_pymalloc_close(found);
    }
    free(ranges.all);
    free(found);
    int same = neap_os_process_same(target->process);
    return same == NEAP_OK ? error : same;
}
