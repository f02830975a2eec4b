/* inspect/python/python_view.c: from a snapshot to a version, a block source, types, a runtime. */
#include "inspect/python/python_view.h"

#include <stdlib.h>
#include <string.h>

#include "inspect/python/python_version.h"

static int absent(struct neap_python_view *view, const char *why) {
    view->fault = (struct neap_fault){view->interpreter.runtime.address, why};
    return NEAP_ERROR_ABSENT;
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* --- version --------------------------------------------------------------- */

static int version_find(struct neap_python_view *view) {
    struct neap_python_version version;
    const char *why;
    int error = neap_python_version_find(&view->memory, view->image, &view->interpreter, &version, &why);
    if (error != NEAP_OK)
        return absent(view, why);
    view->version = version.layout;
    view->version_hex = version.hex;
    return NEAP_OK;
}

/* --- Neap's heap ------------------------------------------------------------- */

static bool may_hold_anchor(const struct neap_process_image *image, size_t number) {
    const struct neap_image_mapping *mapping = &image->mappings[number];
    const char *path = mapping->path;
    if (path[0] == '\0' && number > 0 && mapping->start == image->mappings[number - 1].end)
        path = image->mappings[number - 1].path; /* its .bss */
    const char *name = last_part(path);
    return strncmp(mapping->access, "rw", 2) == 0 &&
           (strncmp(name, "libneap-preload.so", 18) == 0 || strncmp(name, "libneap.so", 10) == 0);
}

static bool anchor_find(struct neap_python_view *view) {
    for (size_t i = 0; i < view->image->mapping_count; i++) {
        const struct neap_image_mapping *mapping = &view->image->mappings[i];
        struct neap_fault fault;
        uint64_t address;
        if (may_hold_anchor(view->image, i) &&
            neap_heap_anchor_find(&view->memory, mapping->start, mapping->end, &view->anchor, &address,
                                  &fault) == NEAP_OK &&
            view->anchor.state == NEAP_STATE_SERVING)
            return true;
    }
    return false;
}

/* Finds out whether Neap's heap serves this Python and can be read; NEAP_ERROR_MEMORY or NEAP_OK. */
static int slabs_open(struct neap_python_view *view) {
    if (!anchor_find(view))
        return NEAP_OK;
    int error = neap_heap_read(&view->memory, &view->anchor, &view->heap, &view->fault);
    if (error == NEAP_OK)
        error = neap_slab_source_open(&view->memory, &view->heap, &view->slabs);
    if (error == NEAP_ERROR_MEMORY)
        return error;
    view->neap = error == NEAP_OK;
    if (error != NEAP_OK)
        view->limits |= NEAP_PYTHON_NEAP_UNREAD;
    return NEAP_OK;
}

/* --- pymalloc ---------------------------------------------------------------- */

static int pymalloc_open(struct neap_python_view *view) {
    struct neap_py_range *ranges = calloc(view->image->mapping_count + 1, sizeof(*ranges));
    size_t count = 0;
    if (!ranges)
        return NEAP_ERROR_MEMORY;
    for (size_t i = 0; i < view->image->mapping_count; i++) {
        const struct neap_image_mapping *mapping = &view->image->mappings[i];
        if (!neap_python_version_range(mapping->access, mapping->path, mapping->start, mapping->end,
                                       &ranges[count]))
            continue;
        ranges[count++].empty = mapping->rss_bytes == 0 && mapping->swap_bytes == 0;
    }
    int error = neap_pymalloc_find(&view->memory, view->version, ranges, count, &view->pymalloc);
    free(ranges);
    return error == NEAP_ERROR_MEMORY ? error : NEAP_OK;
}

static int blocks_open(struct neap_python_view *view) {
    int error = slabs_open(view);
    if (error == NEAP_OK)
        error = pymalloc_open(view);
    if (error != NEAP_OK)
        return error;
    view->blocks = view->neap ? neap_slab_source_blocks(view->slabs) : neap_pymalloc_source(&view->pymalloc);
    if (view->blocks.holders == 0)
        view->limits |= NEAP_PYTHON_NO_BLOCKS;
    if (view->pymalloc.allocator == NEAP_PY_ALLOCATOR_PYMALLOC_DEBUG)
        view->limits |= NEAP_PYTHON_COLLARS;
    return NEAP_OK;
}

/* --- types, interpreters ------------------------------------------------------ */

static int types_open(struct neap_python_view *view) {
    static const char *const names[] = {"PyType_Type"};
    struct neap_symbol_range range = {0, 0};
    view->types = neap_py_types_new(&view->memory, view->version);
    if (!view->types)
        return NEAP_ERROR_MEMORY;
    if (neap_symbols_find(view->image, &view->interpreter, names, 1, &range) != NEAP_OK)
        range.address = 0;
    int error = neap_py_types_root(view->types, range.address, &view->blocks);
    return error == NEAP_OK || error == NEAP_ERROR_MEMORY
               ? error
               : absent(view, "no object in it proves to be of a type");
}

static int runtime_open(struct neap_python_view *view) {
    struct neap_py_lens *lens = malloc(sizeof(*lens));
    if (!lens)
        return NEAP_ERROR_MEMORY;
    neap_py_lens_init(lens, view->types);
    struct neap_fault fault;
    if (neap_py_runtime_read(lens, view->interpreter.runtime.address, &view->runtime, &fault) != NEAP_OK)
        view->limits |= NEAP_PYTHON_NO_RUNTIME;
    else if (view->runtime.doubts)
        view->limits |= NEAP_PYTHON_DOUBTS;
    free(lens);
    return NEAP_OK;
}

int neap_python_view_blocks(neap_snapshot_t *snapshot, struct neap_python_view *view) {
    memset(view, 0, sizeof(*view));
    view->snapshot = snapshot;
    view->memory = neap_snapshot_memory(snapshot);
    view->image = neap_snapshot_image(snapshot);
    if (view->image->pointer_bytes != 8)
        return absent(view, "a 32-bit process");
    if (neap_symbols_interpreter(view->image, &view->interpreter) != NEAP_OK)
        return absent(view, "no CPython in it");
    int error = version_find(view);
    if (error == NEAP_OK)
        error = blocks_open(view);
    if (error != NEAP_OK)
        neap_python_view_close(view);
    return error;
}

int neap_python_view_open(neap_snapshot_t *snapshot, struct neap_python_view *view) {
    int error = neap_python_view_blocks(snapshot, view);
    if (error != NEAP_OK)
        return error;
    error = types_open(view);
    if (error == NEAP_OK)
        error = runtime_open(view);
    if (error != NEAP_OK)
        neap_python_view_close(view);
    return error;
}

void neap_python_view_close(struct neap_python_view *view) {
    neap_py_types_delete(view->types);
    neap_pymalloc_close(&view->pymalloc);
    neap_slab_source_close(view->slabs);
    view->types = NULL;
    view->slabs = NULL;
}
