/* inspect/process/image_file.c: sorts the mappings by path, so that equal ones are neighbours. */
#include "inspect/process/image_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "os/process_memory.h"

enum {
    FILES_MOST = 512,  /* a process may have 1024 open, unless it asks for more */
    TRIED_MOST = 4096, /* a core file can name a million that are not there */
};

/* Copies the path by which this process can open the file of a mapping of the target. */
static int path_from_here(const struct neap_process_image *image, const struct neap_image_mapping *mapping,
                          char *path, size_t bytes) {
    struct neap_os_mapping place = {.start = mapping->start, .end = mapping->end};
    if (strlen(mapping->path) >= sizeof(place.path) || strlen(mapping->path) >= bytes)
        return NEAP_ERROR_ABSENT;
    strcpy(place.path, mapping->path);
    if (!image->process) {
        strcpy(path, mapping->path);
        return NEAP_OK;
    }
    return neap_os_mapped_file(image->process, &place, path, bytes);
}

int neap_image_file_open(const struct neap_process_image *image, const struct neap_image_mapping *mapping,
                         struct neap_os_held_file *file) {
    char path[1024];
    int error = path_from_here(image, mapping, path, sizeof(path));
    return error == NEAP_OK ? neap_os_held_file_open(path, file) : error;
}

const struct neap_os_held_file *neap_image_file(const struct neap_process_image *image,
                                                const struct neap_image_mapping *mapping) {
    return mapping->file > 0 ? &image->files[mapping->file - 1] : NULL;
}

static int path_compare(const void *a, const void *b) {
    const struct neap_image_mapping *const *left = a, *const *right = b;
    int order = strcmp((*left)->path, (*right)->path);
    return order ? order : ((*left)->start > (*right)->start) - ((*left)->start < (*right)->start);
}

/* Opens the file of `count` mappings of one path. False if no memory is left. */
static bool group_open(struct neap_process_image *image, struct neap_image_mapping **group, size_t count,
                       size_t *tried) {
    struct neap_os_held_file file;
    if (image->file_count == FILES_MOST || *tried == TRIED_MOST)
        return true;
    ++*tried;
    if (neap_image_file_open(image, group[0], &file) != NEAP_OK)
        return true;
    if (!NEAP_ARRAY_RESERVE(image->files, image->file_room, image->file_count + 1)) {
        neap_os_held_file_close(&file);
        return false;
    }
    image->files[image->file_count++] = file;
    for (size_t i = 0; i < count; i++)
        group[i]->file = image->file_count;
    return true;
}

/* Opens the files of all groups that have code, or of all that have none. */
static bool groups_open(struct neap_process_image *image, struct neap_image_mapping **mappings, size_t count,
                        bool code, size_t *tried) {
    for (size_t first = 0, end; first < count; first = end) {
        bool has_code = false;
        for (end = first; end < count && strcmp(mappings[end]->path, mappings[first]->path) == 0; end++)
            has_code |= mappings[end]->access[2] == 'x';
        if (has_code == code && !group_open(image, mappings + first, end - first, tried))
            return false;
    }
    return true;
}

int neap_image_files_open(struct neap_process_image *image) {
    struct neap_image_mapping **mappings = calloc(image->mapping_count + 1, sizeof(*mappings));
    size_t count = 0, tried = 0;
    if (!mappings)
        return NEAP_ERROR_MEMORY;
    for (size_t i = 0; i < image->mapping_count; i++)
        if (image->mappings[i].path[0] == '/' && image->mappings[i].access[0] == 'r')
            mappings[count++] = &image->mappings[i];
    qsort(mappings, count, sizeof(struct neap_image_mapping *), path_compare);
    bool done = groups_open(image, mappings, count, true, &tried) &&
                groups_open(image, mappings, count, false, &tried);
    free(mappings);
    return done ? NEAP_OK : NEAP_ERROR_MEMORY;
}
