/* inspect/process/process_image_live.c: reads the image of a running process from /proc. */
#include "inspect/process/process_image.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/outside_text.h"
#include "base/array.h"
#include "inspect/process/resident_pages.h"
#include "inspect/process/span_kind.h"
#include "os/file.h"
#include "os/limits.h"
#include "os/memory.h"
#include "os/process_memory.h"
#include "os/residence.h"
#include "os/process_threads.h"

/* An image that is being read; its paths are offsets until `texts` no longer moves. */
struct builder {
    struct neap_process_image image;
    size_t mapping_room, path_room, thread_room, text_bytes, text_room;
    size_t *paths;
    int error;
};

/* Offset of a copy of `text`. Neighbouring mappings often have the same text, which is kept once. */
static bool text_keep(struct builder *builder, const char *text, size_t *offset) {
    size_t length = strlen(text) + 1, count = builder->image.mapping_count;
    if (count > 0 && strcmp(builder->image.texts + builder->paths[count - 1], text) == 0) {
        *offset = builder->paths[count - 1];
        return true;
    }
    if (!NEAP_ARRAY_RESERVE(builder->image.texts, builder->text_room, builder->text_bytes + length))
        return false;
    *offset = builder->text_bytes;
    memcpy(builder->image.texts + builder->text_bytes, text, length);
    builder->text_bytes += length;
    return true;
}

static bool mapping_add(void *context, const struct neap_os_mapping *mapping,
                        const struct neap_os_mapping_figures *figures) {
    struct builder *builder = context;
    struct neap_process_image *image = &builder->image;
    size_t path;
    builder->error = NEAP_ERROR_MEMORY;
    if (!NEAP_ARRAY_RESERVE(image->mappings, builder->mapping_room, image->mapping_count + 1) ||
        !NEAP_ARRAY_RESERVE(builder->paths, builder->path_room, image->mapping_count + 1) ||
        !text_keep(builder, mapping->path, &path))
        return false;
    builder->error = NEAP_OK;
    if (mapping->end <= mapping->start ||
        mapping->start > INT64_MAX) /* [vsyscall] is not memory of the process */
        return true;
    builder->paths[image->mapping_count] = path;
    struct neap_image_mapping *added = &image->mappings[image->mapping_count++];
    *added = (struct neap_image_mapping){
        .start = mapping->start,
        .end = mapping->end,
        .offset = mapping->offset,
        .rss_bytes = figures->rss_bytes,
        .pss_bytes = figures->pss_bytes,
        .private_dirty_bytes = figures->private_dirty_bytes,
        .shared_bytes = figures->shared_bytes,
        .anonymous_bytes = figures->anonymous_bytes,
        .swap_bytes = figures->swap_bytes,
    };
    memcpy(added->access, mapping->access, sizeof(added->access));
    return true;
}

static bool thread_add(void *context, const struct neap_os_process_thread *thread) {
    struct builder *builder = context;
    struct neap_process_image *image = &builder->image;
    if (!NEAP_ARRAY_RESERVE(image->threads, builder->thread_room, image->thread_count + 1)) {
        builder->error = NEAP_ERROR_MEMORY;
        return false;
    }
    struct neap_image_thread *threads = image->threads;
    struct neap_image_thread *added = &threads[image->thread_count++];
    *added = (struct neap_image_thread){.tid = thread->tid, .stack_pointer = thread->stack_pointer};
    memcpy(added->name, thread->name, sizeof(added->name));
    neap_outside_text_clean(added->name);
    if (thread->tid == image->pid) { /* the main one first */
        struct neap_image_thread first = threads[0];
        threads[0] = *added;
        *added = first;
    }
    return true;
}

/* --- the whole --------------------------------------------------------------- */

/* Reads the word size from the first bytes of the program's file. */
static unsigned pointer_bytes_of(const struct neap_process_image *image) {
    char path[32];
    unsigned char head[EI_NIDENT];
    snprintf(path, sizeof(path), "/proc/%d/exe", (int)image->pid);
    if (neap_os_file_read(path, 0, head, sizeof(head)) == NEAP_OK && memcmp(head, ELFMAG, SELFMAG) == 0)
        return head[EI_CLASS] == ELFCLASS32 ? 4 : 8;
    const struct neap_image_mapping *last =
        image->mapping_count ? &image->mappings[image->mapping_count - 1] : NULL;
    return last && last->end > UINT32_MAX ? 8 : sizeof(void *);
}

static void program_name(struct neap_process_image *image) {
    char path[4096] = "";
    if (neap_os_program(image->pid, path, sizeof(path)) != NEAP_OK)
        return;
    const char *slash = strrchr(path, '/');
    snprintf(image->program, sizeof(image->program), "%.255s", slash ? slash + 1 : path);
    neap_outside_text_clean(image->program);
}

int neap_process_image_read(const neap_os_process_t *process, struct neap_process_image *image) {
    const pid_t pid = neap_os_process_pid(process);
    struct builder builder = {.image = {.process = process, .pid = pid, .page_bytes = neap_os_page_bytes()}};
    struct neap_process_image *made = &builder.image;
    int error = neap_os_mapping_figures(pid, mapping_add, &builder);
    for (size_t i = 0; i < made->mapping_count; i++)
        made->mappings[i].path = made->texts + builder.paths[i];
    free(builder.paths);
    if (error == NEAP_OK)
        error = builder.error;
    if (error == NEAP_OK)
        error = neap__resident_pages_note(made);
    if (error == NEAP_OK)
        error = neap_os_process_threads_visit(pid, thread_add, &builder);
    if (error == NEAP_OK)
        error = builder.error;
    if (error == NEAP_OK)
        error = neap__process_image_spans(made);
    if (error != NEAP_OK) {
        neap_process_image_clear(made);
        return error;
    }
    program_name(made);
    made->pointer_bytes = pointer_bytes_of(made);
    made->mapping_limit = neap_os_mapping_limit();
    *image = *made;
    return NEAP_OK;
}
