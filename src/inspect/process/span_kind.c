/* inspect/process/span_kind.c: by access and path, as proc(5) describes them. */
#include "inspect/process/span_kind.h"

#include <stdlib.h>
#include <string.h>

static bool starts_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

static bool may_write(const struct neap_image_mapping *mapping) {
    return mapping->access[1] == 'w';
}

/* Whether memory has a file name only because it is shared. */
static bool is_shared_memory(const char *path) {
    static const char *const starts[] = {"/dev/zero", "/memfd:", "/SYSV", "/dev/shm/", "[anon_shmem:"};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (starts_with(path, starts[i]))
            return true;
    return false;
}

static enum neap_span_kind kind_of_file(const struct neap_image_mapping *mapping) {
    if (mapping->access[3] == 's' && may_write(mapping))
        return NEAP_SPAN_SHARED;
    if (mapping->access[2] == 'x')
        return NEAP_SPAN_CODE;
    return may_write(mapping) ? NEAP_SPAN_DATA : NEAP_SPAN_FILE;
}

enum neap_span_kind neap__span_kind_of(const struct neap_image_mapping *mapping,
                                       const struct neap_image_mapping *before) {
    const char *path = mapping->path;
    if (starts_with(mapping->access, "---"))
        return NEAP_SPAN_RESERVED;
    if (is_shared_memory(path))
        return NEAP_SPAN_SHARED;
    if (path[0] == '/')
        return kind_of_file(mapping);
    if (starts_with(path, "[stack"))
        return NEAP_SPAN_STACK;
    if (strcmp(path, "[heap]") == 0 || starts_with(path, "[anon:"))
        return NEAP_SPAN_NAMED;
    if (path[0] != '\0')
        return NEAP_SPAN_KERNEL;
    if (mapping->access[3] == 's')
        return NEAP_SPAN_SHARED;
    bool is_bss = before && before->end == mapping->start && before->path[0] == '/' && may_write(before) &&
                  before->access[3] == 'p' && may_write(mapping);
    return is_bss ? NEAP_SPAN_DATA : NEAP_SPAN_ANONYMOUS;
}

int neap__process_image_spans(struct neap_process_image *image) {
    size_t count = image->mapping_count;
    struct neap_image_span *spans = calloc(count ? count : 1, sizeof(*spans));
    if (!spans)
        return NEAP_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const struct neap_image_mapping *mapping = &image->mappings[i];
        enum neap_span_kind kind = neap__span_kind_of(mapping, i > 0 ? mapping - 1 : NULL);
        spans[i] = (struct neap_image_span){
            .start = mapping->start,
            .end = mapping->end,
            .kind = kind,
            .tid = kind == NEAP_SPAN_STACK ? image->pid : 0,
            .mapping = i,
        };
    }
    free(image->spans);
    image->spans = spans;
    image->span_count = image->span_room = count;
    return NEAP_OK;
}
