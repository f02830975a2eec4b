/* inspect/process/snapshot.c: takes a snapshot and reads from it. */
#include "inspect/process/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/word.h"
#include "inspect/process/core_file.h"
#include "inspect/process/image_file.h"
#include "inspect/process/paused_memory.h"
#include "inspect/process/memory_copy.h"
#include "inspect/process/range_index.h"
#include "os/limits.h"
#include "os/pause.h"
#include "os/process_memory.h"

enum {
    PAUSE_TIMEOUT_MS = 3000,
    ANALYSIS_SHARE = 16,       /* the analysis takes at most this share of the memory examined, */
    ANALYSIS_BYTES = 16 << 20, /* and at least this; both are more than measured */
    GROWTH_BYTES = 16 << 20,   /* between preparing and pausing, for which nobody is asked */
};

struct neap_snapshot {
    neap_os_process_t *process; /* NULL: a core file */
    struct neap_snapshot_facts facts;
    struct neap_process_image image;
    struct neap__range_index ranges;
    struct neap_snapshot_stretch *stretches;
    size_t stretch_count;
    struct neap__memory_copy copy;   /* PAUSE, RUNNING */
    neap_os_pause_t *pause;          /* HOLD, until released */
    struct neap__paused_memory held; /* HOLD */
    struct neap__core_file core;     /* CORE */
};

/* --- reading ----------------------------------------------------------------- */

/* Reads from a file as it is mapped: up to the end of its last page there are zeros. */
static int page_read(const struct neap_os_held_file *file, uint64_t page, uint64_t offset, void *out,
                     size_t bytes) {
    uint64_t end = neap_word_round_up(file->bytes, page);
    size_t held = offset >= file->bytes          ? 0
                  : bytes < file->bytes - offset ? bytes
                                                 : (size_t)(file->bytes - offset);
    if (offset > end || bytes > end - offset)
        return NEAP_ERROR_FORMAT;
    memset((char *)out + held, 0, bytes - held);
    return held ? neap_os_held_file_read(file, offset, out, held) : NEAP_OK;
}

/* Reads what has not been written to from the file that is mapped there. Where that could not be opened, it
 * is the same in the process as long as that lives. */
static int file_read(const neap_snapshot_t *snapshot, const struct neap__range *range, uint64_t address,
                     void *out, size_t bytes) {
    const struct neap_os_held_file *file = neap_image_file(&snapshot->image, range->file);
    uint64_t offset = range->offset + (address - range->start);
    int error = file ? page_read(file, snapshot->image.page_bytes, offset, out, bytes) : NEAP_ERROR_ABSENT;
    if (error == NEAP_OK || snapshot->facts.way == NEAP_SNAPSHOT_CORE)
        return error;
    return neap_os_process_read(snapshot->process, address, out, bytes);
}

static int range_read(neap_snapshot_t *snapshot, const struct neap__range *range, uint64_t address, void *out,
                      size_t bytes) {
    if (range->bytes) {
        memcpy(out, range->bytes + (address - range->start), bytes);
        return NEAP_OK;
    }
    if (range->file)
        return file_read(snapshot, range, address, out, bytes);
    if (!snapshot->pause)
        return NEAP_ERROR_PROCESS; /* released */
    return neap__paused_memory_read(&snapshot->held, address, out, bytes);
}

/* Notes whether a process that is held has ended. Its readers take a read that fails for a structure that is
 * not in order, and go on: they need not wait for the kernel's answer each time. */
static int ended_note(neap_snapshot_t *snapshot, int error) {
    snapshot->facts.ended |= error == NEAP_ERROR_PROCESS && snapshot->pause;
    return error;
}

static int snapshot_read(void *context, uint64_t address, void *out, size_t bytes) {
    neap_snapshot_t *snapshot = context;
    char *to = out;
    if (snapshot->facts.ended)
        return NEAP_ERROR_PROCESS;
    while (bytes > 0) {
        const struct neap__range *range = neap__range_index_find(&snapshot->ranges, address);
        if (!range)
            return NEAP_ERROR_FORMAT;
        uint64_t left = range->end - address;
        size_t part = left < bytes ? (size_t)left : bytes;
        int error = range_read(snapshot, range, address, to, part);
        if (error != NEAP_OK)
            return ended_note(snapshot, error);
        to += part;
        address += part;
        bytes -= part;
    }
    return NEAP_OK;
}

static const void *snapshot_view(void *context, uint64_t address, size_t bytes) {
    const neap_snapshot_t *snapshot = context;
    const struct neap__range *range = neap__range_index_find(&snapshot->ranges, address);
    if (!range || !range->bytes || bytes > range->end - address)
        return NULL;
    return range->bytes + (address - range->start);
}

/* --- ranges ------------------------------------------------------------------ */

/* The ranges of an image: copied stretches, and unchanged parts of files. */
static int ranges_build(neap_snapshot_t *snapshot) {
    const struct neap_process_image *image = &snapshot->image;
    struct neap__range *ranges = calloc(snapshot->stretch_count + image->mapping_count + 1, sizeof(*ranges));
    size_t count = 0;
    if (!ranges)
        return NEAP_ERROR_MEMORY;
    for (size_t i = 0; i < snapshot->stretch_count; i++)
        ranges[count++] = (struct neap__range){.start = snapshot->stretches[i].start,
                                               .end = snapshot->stretches[i].end,
                                               .bytes = snapshot->stretches[i].bytes};
    for (size_t i = 0; i < image->mapping_count; i++) {
        const struct neap_image_mapping *mapping = &image->mappings[i];
        if (mapping->path[0] != '/' || mapping->access[0] != 'r' || neap__copy_wanted(mapping))
            continue;
        ranges[count++] = (struct neap__range){
            .start = mapping->start, .end = mapping->end, .file = mapping, .offset = mapping->offset};
    }
    return neap__range_index_build(&snapshot->ranges, ranges, count);
}

/* --- taking ------------------------------------------------------------------ */

/* Copies stack and thread pointers from the registers of the threads into the image. */
static void threads_note(neap_snapshot_t *snapshot, const neap_os_pause_t *pause) {
    size_t count;
    const struct neap_os_pause_thread *held = neap_os_pause_threads(pause, &count);
    for (size_t i = 0; i < snapshot->image.thread_count; i++) {
        struct neap_image_thread *thread = &snapshot->image.threads[i];
        for (size_t k = 0; k < count; k++)
            if (held[k].tid == thread->tid) {
                thread->stack_pointer = held[k].stack_pointer;
                thread->thread_pointer = held[k].thread_pointer;
            }
    }
}

/* Whether there is memory for a copy of `copy_bytes` of what `image` shows, and for its analysis. */
static bool has_room(const struct neap_process_image *image, uint64_t copy_bytes) {
    return neap_os_headroom_bytes() >= copy_bytes + neap__copy_bytes(image) / ANALYSIS_SHARE + ANALYSIS_BYTES;
}

/* Where there is room, a copy can lack address space: it takes as much as the process has mapped. To hold the
 * process takes none. */
static int copy_result(int error) {
    return error == NEAP_ERROR_MEMORY ? NEAP_ERROR_BUSY : error;
}

/* Everything that happens while the process is paused. `prepared_bytes` is what the copy has memory for.
 * NEAP_ERROR_BUSY: the process has grown by more than there is memory for. */
static int copy_still(neap_snapshot_t *snapshot, uint64_t prepared_bytes) {
    neap_os_pause_t *pause = NULL;
    int error = NEAP_OK;
    if (snapshot->facts.way == NEAP_SNAPSHOT_PAUSE)
        error = neap_os_pause_begin(neap_os_process_pid(snapshot->process), PAUSE_TIMEOUT_MS, &pause);
    if (error == NEAP_OK)
        error = neap_process_image_read(snapshot->process, &snapshot->image);
    uint64_t bytes = error == NEAP_OK ? neap__copy_bytes(&snapshot->image) : 0;
    if (bytes > prepared_bytes + GROWTH_BYTES && !has_room(&snapshot->image, bytes - prepared_bytes))
        error = NEAP_ERROR_BUSY;
    if (error == NEAP_OK)
        error = copy_result(neap__copy_take(&snapshot->copy, snapshot->process, &snapshot->image));
    if (error == NEAP_OK)
        error = neap_os_process_same(snapshot->process);
    if (error == NEAP_OK && pause)
        threads_note(snapshot, pause);
    snapshot->facts.pause_ns = neap_os_pause_end(pause);
    return error;
}

/* NEAP_ERROR_BUSY: there is too little memory for a copy, and enough for an analysis. */
static int take_copy(neap_snapshot_t *snapshot) {
    struct neap_process_image before = {0};
    int error = neap_process_image_read(snapshot->process, &before);
    uint64_t bytes = error == NEAP_OK ? neap__copy_bytes(&before) : 0;
    if (error == NEAP_OK && !has_room(&before, bytes))
        error = has_room(&before, 0) ? NEAP_ERROR_BUSY : NEAP_ERROR_MEMORY;
    if (error == NEAP_OK)
        error = copy_result(neap__copy_prepare(&snapshot->copy, &before));
    neap_process_image_clear(&before);
    if (error == NEAP_OK)
        error = copy_still(snapshot, bytes);
    if (error != NEAP_OK)
        return error;
    neap__copy_fill(&snapshot->copy, &snapshot->image);
    snapshot->facts.copied_bytes = snapshot->copy.copied_bytes;
    snapshot->facts.missing_bytes = snapshot->copy.missing_bytes;
    snapshot->stretches = snapshot->copy.stretches;
    snapshot->stretch_count = snapshot->copy.stretch_count;
    snapshot->copy.stretches = NULL;
    return NEAP_OK;
}

static int take_hold(neap_snapshot_t *snapshot) {
    int error =
        neap_os_pause_begin(neap_os_process_pid(snapshot->process), PAUSE_TIMEOUT_MS, &snapshot->pause);
    if (error == NEAP_OK)
        error = neap_process_image_read(snapshot->process, &snapshot->image);
    if (error == NEAP_OK)
        error = neap_os_process_same(snapshot->process);
    if (error == NEAP_OK)
        error = neap__copy_stretches(&snapshot->image, &snapshot->stretches, &snapshot->stretch_count);
    if (error == NEAP_OK)
        error = neap__paused_memory_open(&snapshot->held, snapshot->process, &snapshot->image);
    if (error == NEAP_OK)
        threads_note(snapshot, snapshot->pause);
    return error;
}

/* A copy. Where there is too little memory for one, the process is read while it is stopped, if it may be. */
static int take_copy_or_hold(neap_snapshot_t *snapshot) {
    int error = take_copy(snapshot);
    if (error != NEAP_ERROR_BUSY)
        return error;
    if (snapshot->facts.way != NEAP_SNAPSHOT_PAUSE)
        return NEAP_ERROR_MEMORY;
    neap__copy_clear(&snapshot->copy);
    neap_process_image_clear(&snapshot->image);
    snapshot->facts.way = NEAP_SNAPSHOT_HOLD;
    snapshot->facts.too_little_memory = true;
    return take_hold(snapshot);
}

int neap_snapshot_take(neap_os_process_t *process, enum neap_snapshot_way way, neap_snapshot_t **snapshot) {
    if (way == NEAP_SNAPSHOT_CORE)
        return NEAP_ERROR_ARGUMENT;
    neap_snapshot_t *made = calloc(1, sizeof(*made));
    if (!made)
        return NEAP_ERROR_MEMORY;
    made->process = process;
    made->facts.way = way;
    int error = way == NEAP_SNAPSHOT_HOLD ? take_hold(made) : take_copy_or_hold(made);
    if (error == NEAP_OK)
        error = neap_image_files_open(&made->image);
    if (error == NEAP_OK)
        error = ranges_build(made);
    if (error != NEAP_OK) {
        neap_snapshot_destroy(made);
        return error;
    }
    made->facts.swapped_bytes = neap__copy_swapped_bytes(&made->image);
    *snapshot = made;
    return NEAP_OK;
}

/* Completes a snapshot after its core was read, or failed to be; `made` is NULL if there is no memory. */
static int core_finish(neap_snapshot_t *made, int error, neap_snapshot_t **snapshot) {
    struct neap__range *ranges = NULL;
    size_t count = 0;
    if (error == NEAP_OK)
        error = neap_image_files_open(&made->image);
    if (error == NEAP_OK)
        error = neap__core_file_ranges(&made->core, &made->image, &ranges, &count);
    if (error == NEAP_OK)
        error = neap__range_index_build(&made->ranges, ranges, count);
    if (error == NEAP_OK)
        error = neap__core_file_stretches(&made->core, &made->image, &made->stretches, &made->stretch_count);
    if (error != NEAP_OK) {
        neap_snapshot_destroy(made);
        return error;
    }
    made->facts = (struct neap_snapshot_facts){.way = NEAP_SNAPSHOT_CORE,
                                               .copied_bytes = made->core.held_bytes,
                                               .missing_bytes = made->core.missing_bytes};
    *snapshot = made;
    return NEAP_OK;
}

int neap_snapshot_open(const char *path, neap_snapshot_t **snapshot, struct neap_fault *fault) {
    neap_snapshot_t *made = calloc(1, sizeof(*made));
    int error = made ? neap__core_file_open(path, &made->core, &made->image, fault) : NEAP_ERROR_MEMORY;
    return core_finish(made, error, snapshot);
}

int neap_snapshot_read(const void *bytes, size_t length, neap_snapshot_t **snapshot,
                       struct neap_fault *fault) {
    neap_snapshot_t *made = calloc(1, sizeof(*made));
    int error =
        made ? neap__core_file_read(bytes, length, &made->core, &made->image, fault) : NEAP_ERROR_MEMORY;
    return core_finish(made, error, snapshot);
}

uint64_t neap_snapshot_release(neap_snapshot_t *snapshot) {
    if (snapshot->pause) {
        snapshot->facts.pause_ns = neap_os_pause_end(snapshot->pause);
        snapshot->facts.copied_bytes = snapshot->held.read_bytes;
        snapshot->pause = NULL;
    }
    return snapshot->facts.pause_ns;
}

void neap_snapshot_destroy(neap_snapshot_t *snapshot) {
    if (!snapshot)
        return;
    neap_snapshot_release(snapshot);
    neap__paused_memory_close(&snapshot->held);
    neap__range_index_clear(&snapshot->ranges);
    neap__copy_clear(&snapshot->copy);
    neap__core_file_close(&snapshot->core);
    free(snapshot->stretches);
    neap_process_image_clear(&snapshot->image);
    free(snapshot);
}

struct neap_memory neap_snapshot_memory(neap_snapshot_t *snapshot) {
    return (struct neap_memory){snapshot_read, snapshot_view, snapshot};
}

struct neap_process_image *neap_snapshot_image(neap_snapshot_t *snapshot) {
    return &snapshot->image;
}

const struct neap_snapshot_facts *neap_snapshot_facts(const neap_snapshot_t *snapshot) {
    return &snapshot->facts;
}
