/* inspect/process/core_note.c: notes as linux/elfcore.h and fs/binfmt_elf.c lay them out. */
#include "inspect/process/core_note.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/outside_text.h"
#include "base/array.h"
#include "elf/elf_file.h"
#include "os/thread_registers.h"

/* Offsets in the structs of both widths. */
struct places {
    size_t word;
    size_t status_pid, status_registers;
    size_t info_pid, info_name;
};
static const struct places wide_places = {8, 32, 112, 24, 40};
static const struct places narrow_places = {4, 24, 72, 12, 28};

enum { NAME_BYTES = 16, FILES_MOST = 1 << 20, THREADS_MOST = 1 << 20 };

/* The contents of a note. */
struct content {
    const unsigned char *bytes;
    size_t length;
};

static const struct places *places_of(const struct neap__core_notes *notes) {
    return notes->wide ? &wide_places : &narrow_places;
}

static uint64_t word_at(const struct content *content, size_t offset, size_t width) {
    uint64_t wide = 0;
    uint32_t narrow = 0;
    if (width == 8) {
        memcpy(&wide, content->bytes + offset, 8);
        return wide;
    }
    memcpy(&narrow, content->bytes + offset, 4);
    return narrow;
}

/* --- one note ---------------------------------------------------------------- */

static int status_add(struct neap__core_notes *notes, const struct content *content) {
    const struct places *places = places_of(notes);
    if (content->length < places->status_registers || notes->thread_count == THREADS_MOST)
        return NEAP_OK;
    if (!NEAP_ARRAY_RESERVE(notes->threads, notes->thread_room, notes->thread_count + 1))
        return NEAP_ERROR_MEMORY;
    struct neap_image_thread *thread = &notes->threads[notes->thread_count++];
    *thread = (struct neap_image_thread){.tid = (pid_t)word_at(content, places->status_pid, 4)};
    neap_os_thread_registers_decode(notes->machine, content->bytes + places->status_registers,
                                    content->length - places->status_registers, &thread->stack_pointer,
                                    &thread->thread_pointer);
    return NEAP_OK;
}

static void info_take(struct neap__core_notes *notes, const struct content *content) {
    const struct places *places = places_of(notes);
    if (content->length < places->info_name + NAME_BYTES)
        return;
    notes->pid = (pid_t)word_at(content, places->info_pid, 4);
    memcpy(notes->program, content->bytes + places->info_name, NAME_BYTES);
}

/* The names follow the ranges, one after the other. They are copied because the core may be unmapped. */
static int files_take(struct neap__core_notes *notes, const struct content *content) {
    size_t width = places_of(notes)->word, at = 2 * width;
    if (content->length < at || notes->texts)
        return NEAP_OK;
    uint64_t count = word_at(content, 0, width), page = word_at(content, width, width);
    if (count > FILES_MOST || count * 3 * width > content->length - at)
        return NEAP_OK;
    size_t names = at + (size_t)count * 3 * width, names_bytes = content->length - names;
    notes->page_bytes = page >= 4096 && page <= 1 << 20 && (page & (page - 1)) == 0 ? page : 0;
    notes->texts = malloc(names_bytes + 1);
    notes->files = calloc((size_t)count + 1, sizeof(*notes->files));
    if (!notes->texts || !notes->files)
        return NEAP_ERROR_MEMORY;
    memcpy(notes->texts, content->bytes + names, names_bytes);
    notes->texts[names_bytes] = '\0';
    size_t name = 0;
    for (uint64_t i = 0; i < count && name < names_bytes; i++, at += 3 * width) {
        struct neap__core_mapped *file = &notes->files[notes->file_count++];
        *file = (struct neap__core_mapped){
            .start = word_at(content, at, width),
            .end = word_at(content, at + width, width),
            .offset = word_at(content, at + 2 * width, width) * (page ? page : 1),
            .path = notes->texts + name,
        };
        name += strlen(notes->texts + name) + 1;
        if (file->end <= file->start)
            notes->file_count--;
    }
    return NEAP_OK;
}

static int note_add(struct neap__core_notes *notes, uint32_t type, const struct content *content) {
    switch (type) {
    case NT_PRSTATUS:
        return status_add(notes, content);
    case NT_PRPSINFO:
        info_take(notes, content);
        return NEAP_OK;
    case NT_FILE:
        return files_take(notes, content);
    default:
        return NEAP_OK;
    }
}

int neap__core_notes_add(struct neap__core_notes *notes, const unsigned char *bytes, uint64_t length) {
    struct neap_elf_note note;
    uint64_t at = 0;
    int error = NEAP_OK;
    while (error == NEAP_OK && neap_elf_note_next(bytes, length, &at, &note)) {
        const struct content content = {note.content, note.content_bytes};
        if (note.owner_bytes == sizeof("CORE") && memcmp(note.owner, "CORE", sizeof("CORE")) == 0)
            error = note_add(notes, note.type, &content);
    }
    return error;
}

/* --- all of them ------------------------------------------------------------- */

static int file_compare(const void *a, const void *b) {
    const struct neap__core_mapped *left = a, *right = b;
    return (left->start > right->start) - (left->start < right->start);
}

void neap__core_notes_order(struct neap__core_notes *notes) {
    if (notes->file_count > 0)
        qsort(notes->files, notes->file_count, sizeof(*notes->files), file_compare);
}

const struct neap__core_mapped *neap__core_notes_file(const struct neap__core_notes *notes,
                                                      uint64_t address) {
    size_t low = 0, high = notes->file_count;
    while (low < high) { /* finds the first file that begins after the address */
        size_t middle = low + (high - low) / 2;
        if (notes->files[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && address < notes->files[low - 1].end ? &notes->files[low - 1] : NULL;
}

void neap__core_notes_give(struct neap__core_notes *notes, struct neap_process_image *image) {
    image->threads = notes->threads;
    image->thread_count = notes->thread_count;
    image->texts = notes->texts;
    image->pid = notes->pid;
    memcpy(image->program, notes->program, sizeof(notes->program));
    neap_outside_text_clean(image->program);
    for (size_t i = 1; i < image->thread_count; i++) /* the main one first */
        if (image->threads[i].tid == image->pid) {
            struct neap_image_thread first = image->threads[0];
            image->threads[0] = image->threads[i];
            image->threads[i] = first;
        }
    notes->threads = NULL;
    notes->texts = NULL;
    notes->thread_count = 0;
}

void neap__core_notes_clear(struct neap__core_notes *notes) {
    free(notes->files);
    free(notes->threads);
    free(notes->texts);
    *notes = (struct neap__core_notes){0};
}
