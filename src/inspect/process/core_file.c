/* inspect/process/core_file.c: segments and notes of an ELF core, all bounds checked. */
#include "inspect/process/core_file.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/word.h"
#include "elf/elf_file.h"
#include "inspect/process/core_note.h"
#include "inspect/process/span_kind.h"
#include "os/file.h"

enum { SEGMENTS_MOST = 1 << 20, PAGE_BYTES = 4096 };
#define ADDRESS_MOST (UINT64_C(1) << 56) /* user space ends below it on every machine */

static int bytes_read(void *context, uint64_t offset, void *out, size_t bytes) {
    const struct neap__core_file *core = context;
    memcpy(out, core->bytes + offset, bytes); /* neap_elf_open was given the length */
    return NEAP_OK;
}

/* Opens the file's own headers. NULL, or why they cannot be read. */
static const char *headers_open(struct neap__core_file *core, struct neap_elf_file *elf) {
    const struct neap_memory source = {.read = bytes_read, .context = core};
    const char *why;
    if (neap_elf_open(&source, core->length, UINT64_MAX, elf, &why) != NEAP_OK)
        return why;
    if (elf->type != ET_CORE)
        return "it is an ELF file, but no core file";
    if (elf->segments.count > SEGMENTS_MOST)
        return "its list of segments is incomplete";
    core->wide = elf->wide;
    core->machine = elf->machine;
    return NULL;
}

/* --- segments ---------------------------------------------------------------- */

static int segment_compare(const void *a, const void *b) {
    const struct neap__core_segment *left = a, *right = b;
    return (left->start > right->start) - (left->start < right->start);
}

static void segment_add(struct neap__core_file *core, const struct neap_elf_segment *header) {
    if (header->memory_bytes == 0 || header->memory_bytes > ADDRESS_MOST ||
        header->address > ADDRESS_MOST - header->memory_bytes)
        return; /* [vsyscall], which belongs to the kernel, or an invalid address */
    uint64_t wanted = header->file_bytes < header->memory_bytes ? header->file_bytes : header->memory_bytes;
    uint64_t left = header->offset < core->length ? core->length - header->offset : 0;
    uint64_t held = wanted < left ? wanted : left, end = header->address + header->memory_bytes;
    uint64_t middle = header->address + neap_word_round_up(held, PAGE_BYTES);
    if (middle > end)
        middle = end;
    core->missing_bytes += wanted - held;
    if (held > 0)
        core->segments[core->segment_count++] =
            (struct neap__core_segment){header->address, middle, header->offset, held, header->flags};
    if (middle < end) /* a separate mapping, so that each is present as a whole or not at all */
        core->segments[core->segment_count++] = (struct neap__core_segment){middle, end, 0, 0, header->flags};
}

/* Sorts the segments by address and removes overlaps. */
static void segments_order(struct neap__core_file *core) {
    size_t kept = 0;
    uint64_t end = 0;
    core->held_bytes = 0;
    if (core->segment_count > 0)
        qsort(core->segments, core->segment_count, sizeof(*core->segments), segment_compare);
    for (size_t i = 0; i < core->segment_count; i++) {
        if (core->segments[i].start < end)
            continue;
        end = core->segments[i].end;
        core->held_bytes += core->segments[i].held_bytes;
        core->segments[kept++] = core->segments[i];
    }
    core->segment_count = kept;
}

/* --- the image --------------------------------------------------------------- */

static int files_room(struct neap__core_file *core, size_t files) {
    struct neap__core_segment *grown =
        realloc(core->segments, (core->segment_count + files + 1) * sizeof(*grown));
    if (!grown)
        return NEAP_ERROR_MEMORY;
    core->segments = grown;
    return NEAP_OK;
}

/* Adds the mapped files without any segment in the core; gcore leaves out what it need not write. */
static void files_add(struct neap__core_file *core, const struct neap__core_notes *notes) {
    size_t loads = core->segment_count;
    for (size_t i = 0; i < notes->file_count; i++) {
        const struct neap__core_mapped *file = &notes->files[i];
        if (file->end > ADDRESS_MOST || file->end <= file->start)
            continue;
        size_t low = 0, high = loads; /* the first segment that ends after its start */
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (core->segments[middle].end <= file->start)
                low = middle + 1;
            else
                high = middle;
        }
        if (low == loads || core->segments[low].start >= file->end)
            core->segments[core->segment_count++] =
                (struct neap__core_segment){file->start, file->end, 0, 0, PF_R};
    }
}

static int mappings_make(const struct neap__core_file *core, const struct neap__core_notes *notes,
                         struct neap_process_image *image) {
    image->mappings = calloc(core->segment_count + 1, sizeof(*image->mappings));
    if (!image->mappings)
        return NEAP_ERROR_MEMORY;
    for (size_t i = 0; i < core->segment_count; i++) {
        const struct neap__core_segment *segment = &core->segments[i];
        const struct neap__core_mapped *file = neap__core_notes_file(notes, segment->start);
        struct neap_image_mapping *mapping = &image->mappings[image->mapping_count++];
        *mapping = (struct neap_image_mapping){
            .start = segment->start,
            .end = segment->end,
            .offset = file ? file->offset + (segment->start - file->start) : 0,
            .path = file ? file->path : "",
        };
        snprintf(mapping->access, sizeof(mapping->access), "%c%c%cp", segment->flags & PF_R ? 'r' : '-',
                 segment->flags & PF_W ? 'w' : '-', segment->flags & PF_X ? 'x' : '-');
        mapping->rss_bytes = segment->held_bytes > 0 ? segment->end - segment->start : 0;
        mapping->anonymous_bytes = mapping->private_dirty_bytes = mapping->pss_bytes = mapping->rss_bytes;
    }
    return NEAP_OK;
}

/* Names the main stack: it is the mapping that contains the stack pointer of the main thread. */
static void stack_name(struct neap_process_image *image) {
    if (image->thread_count == 0)
        return;
    for (size_t i = 0; i < image->mapping_count; i++) {
        struct neap_image_mapping *mapping = &image->mappings[i];
        uint64_t place = image->threads[0].stack_pointer;
        if (mapping->path[0] == '\0' && mapping->start <= place && place < mapping->end &&
            i + 4 >
                image->mapping_count) /* it is one of the last mappings: only those of the kernel follow */
            mapping->path = "[stack]";
    }
}

/* --- the whole ----------------------------------------------------------------- */

static int notes_collect(struct neap__core_file *core, struct neap_elf_file *elf,
                         struct neap__core_notes *notes) {
    int error = NEAP_OK;
    for (uint64_t i = 0; i < elf->segments.count && error == NEAP_OK; i++) {
        struct neap_elf_segment header;
        error = neap_elf_segment(elf, i, &header);
        if (error != NEAP_OK)
            break;
        if (header.type == PT_LOAD)
            segment_add(core, &header);
        uint64_t left = header.offset < core->length ? core->length - header.offset : 0;
        if (header.type == PT_NOTE)
            error = neap__core_notes_add(notes, core->bytes + (left ? header.offset : 0),
                                         header.file_bytes < left ? header.file_bytes : left);
    }
    return error;
}

int neap__core_file_read(const void *bytes, size_t length, struct neap__core_file *core,
                         struct neap_process_image *image, struct neap_fault *fault) {
    struct neap_elf_file elf;
    struct neap__core_file made = {.bytes = bytes, .length = length};
    struct neap_process_image picture = {.core = true, .page_bytes = PAGE_BYTES};
    const char *why = headers_open(&made, &elf);
    if (why) {
        *fault = (struct neap_fault){0, why};
        return NEAP_ERROR_FORMAT;
    }
    struct neap__core_notes notes = {.wide = made.wide, .machine = made.machine};
    picture.pointer_bytes = made.wide ? 8 : 4;
    made.segments = calloc(2 * (size_t)elf.segments.count + 1, sizeof(*made.segments));
    int error = made.segments ? notes_collect(&made, &elf, &notes) : NEAP_ERROR_MEMORY;
    if (error == NEAP_OK) {
        segments_order(&made);
        neap__core_notes_order(&notes);
        error = files_room(&made, notes.file_count);
    }
    if (error == NEAP_OK) {
        files_add(&made, &notes);
        segments_order(&made);
        if (notes.page_bytes)
            picture.page_bytes = notes.page_bytes;
        error = mappings_make(&made, &notes, &picture);
    }
    if (error == NEAP_OK) {
        neap__core_notes_give(&notes, &picture);
        stack_name(&picture);
        error = neap__process_image_spans(&picture);
    }
    neap__core_notes_clear(&notes);
    if (error != NEAP_OK) {
        neap_process_image_clear(&picture);
        neap__core_file_close(&made);
        return error;
    }
    *core = made;
    *image = picture;
    return NEAP_OK;
}

int neap__core_file_open(const char *path, struct neap__core_file *core, struct neap_process_image *image,
                         struct neap_fault *fault) {
    const void *bytes;
    size_t length;
    *fault = (struct neap_fault){0, "it is empty, or no file"};
    int error = neap_os_file_map(path, &bytes, &length);
    if (error != NEAP_OK)
        return error;
    error = neap__core_file_read(bytes, length, core, image, fault);
    if (error != NEAP_OK)
        neap_os_file_unmap(bytes, length);
    else
        core->mapped = true;
    return error;
}

void neap__core_file_close(struct neap__core_file *core) {
    if (core->mapped)
        neap_os_file_unmap(core->bytes, core->length);
    free(core->segments);
    *core = (struct neap__core_file){0};
}

int neap__core_file_ranges(const struct neap__core_file *core, const struct neap_process_image *image,
                           struct neap__range **ranges, size_t *count) {
    struct neap__range *made = calloc(2 * core->segment_count + 1, sizeof(*made));
    size_t done = 0;
    if (!made)
        return NEAP_ERROR_MEMORY;
    for (size_t i = 0; i < core->segment_count; i++) {
        const struct neap__core_segment *segment = &core->segments[i];
        const struct neap_image_mapping *mapping = &image->mappings[i];
        uint64_t middle = segment->start + segment->held_bytes;
        if (segment->held_bytes > 0)
            made[done++] = (struct neap__range){
                .start = segment->start, .end = middle, .bytes = core->bytes + segment->file_offset};
        if (middle < segment->end && mapping->path[0] == '/')
            made[done++] = (struct neap__range){.start = middle,
                                                .end = segment->end,
                                                .file = mapping,
                                                .offset = mapping->offset + segment->held_bytes};
    }
    *ranges = made;
    *count = done;
    return NEAP_OK;
}

int neap__core_file_stretches(const struct neap__core_file *core, const struct neap_process_image *image,
                              struct neap_snapshot_stretch **stretches, size_t *count) {
    struct neap_snapshot_stretch *made = calloc(core->segment_count + 1, sizeof(*made));
    size_t done = 0;
    if (!made)
        return NEAP_ERROR_MEMORY;
    for (size_t i = 0; i < core->segment_count; i++) {
        const struct neap__core_segment *segment = &core->segments[i];
        if (segment->held_bytes > 0 && (image->mappings[i].path[0] != '/' || segment->flags & PF_W))
            made[done++] = (struct neap_snapshot_stretch){
                segment->start, segment->start + segment->held_bytes, core->bytes + segment->file_offset};
    }
    *stretches = made;
    *count = done;
    return NEAP_OK;
}
