/* containers/bits/bits_file.c */
#include "containers/bits/bits_file.h"

#include "containers/bits/bits_memory.h"
#include "containers/bits/bits_words.h"
#include "os/file_mapping.h"

struct neap__bits_file {
    struct neap_os_file_mapping mapping;
};

/* Pages are whole words, so that the last word can be read beyond the file's end. */
static void take_words(neap_bits_t *bits) {
    const struct neap_os_file_mapping *mapping = &bits->from.file->mapping;
    bits->room_words = (mapping->bytes + WORD_BYTES - 1) / WORD_BYTES;
    if (bits->room_words != 0)
        bits->in.words = mapping->data;
    else
        bits->in.word = 0;
}

int neap_bits_open(neap_bits_t *bits, const char *path, enum neap_bits_mode mode) {
    static const enum neap_os_file_mapping_mode modes[] = {
        [NEAP_BITS_READ] = NEAP_OS_FILE_MAPPING_READ,
        [NEAP_BITS_WRITE] = NEAP_OS_FILE_MAPPING_WRITE,
        [NEAP_BITS_MAKE] = NEAP_OS_FILE_MAPPING_MAKE,
    };
    if ((unsigned)mode > NEAP_BITS_MAKE)
        return NEAP_ERROR_ARGUMENT;
    const struct neap_allocator *allocator = neap__bits_memory();
    struct neap__bits_file *file = allocator->alloc(allocator->context, sizeof(*file));
    if (!file)
        return NEAP_ERROR_MEMORY;
    int error = neap_os_file_mapping_open(path, modes[mode], &file->mapping);
    if (error != NEAP_OK) {
        allocator->free(allocator->context, file, sizeof(*file));
        return error;
    }
    *bits = (neap_bits_t){
        .count = file->mapping.bytes * 8,
        .from.file = file,
        .state = mode == NEAP_BITS_READ ? NEAP_BITS_IN_FILE_TO_READ : NEAP_BITS_IN_FILE,
    };
    take_words(bits);
    return NEAP_OK;
}

/* The mapping has another length than before; what is left of the last byte is the array's. */
static void take_length(neap_bits_t *bits) {
    bits->count = bits->from.file->mapping.bytes * 8;
    take_words(bits);
}

int neap_bits_follow(neap_bits_t *bits) {
    if (bits->state == NEAP_BITS_IN_MEMORY)
        return NEAP_OK;
    struct neap_os_file_mapping *mapping = &bits->from.file->mapping;
    const uint64_t bytes = mapping->bytes;
    const int error = neap_os_file_mapping_follow(mapping);
    if (mapping->bytes != bytes)
        take_length(bits);
    else
        take_words(bits);
    return error;
}

uint64_t neap_bits_length(const neap_bits_t *bits) {
    if (bits->state == NEAP_BITS_IN_MEMORY)
        return bits->count;
    const struct neap_os_file_mapping *mapping = &bits->from.file->mapping;
    const uint64_t bytes = neap_os_file_mapping_length(mapping);
    return bytes == mapping->bytes ? bits->count : bytes * 8;
}

bool neap_bits_is_cut(const neap_bits_t *bits) {
    return bits->state != NEAP_BITS_IN_MEMORY && neap_os_file_mapping_is_cut(&bits->from.file->mapping);
}

int neap__bits_file_begin(neap_bits_t *bits) {
    neap_os_file_mapping_lock(&bits->from.file->mapping);
    const int error = neap_bits_follow(bits);
    return error == NEAP_OK ? NEAP_OK : neap__bits_file_end(bits, error);
}

int neap__bits_file_end(const neap_bits_t *bits, int error) {
    neap_os_file_mapping_unlock(&bits->from.file->mapping);
    return error;
}

int neap__bits_file_resize(neap_bits_t *bits, uint64_t count) {
    struct neap_os_file_mapping *mapping = &bits->from.file->mapping;
    uint64_t bytes = count / 8 + (count % 8 != 0);
    if (!neap_bits_resizes(bits) && (count != bits->count || !mapping->writable))
        return NEAP_ERROR_PERMISSION;
    if (bytes != mapping->bytes) {
        int error = neap_os_file_mapping_resize(mapping, bytes);
        if (error != NEAP_OK)
            return error;
        take_words(bits);
    }
    bits->count = count;
    clear_tail(bits);
    return NEAP_OK;
}

bool neap_bits_resizes(const neap_bits_t *bits) {
    return bits->state == NEAP_BITS_IN_MEMORY ||
           (bits->state == NEAP_BITS_IN_FILE && !bits->from.file->mapping.device);
}

void neap__bits_file_close(neap_bits_t *bits) {
    const struct neap_allocator *allocator = neap__bits_memory();
    neap_os_file_mapping_close(&bits->from.file->mapping);
    allocator->free(allocator->context, bits->from.file, sizeof(*bits->from.file));
}

int neap_bits_flush(neap_bits_t *bits) {
    if (bits->state != NEAP_BITS_IN_FILE)
        return NEAP_OK;
    const int error = neap_os_file_mapping_sync(&bits->from.file->mapping);
    return error == NEAP_OK && neap_bits_is_cut(bits) ? NEAP_ERROR_FORMAT : error;
}

bool neap__bits_file_check(const neap_bits_t *bits) {
    const struct neap_os_file_mapping *mapping = &bits->from.file->mapping;
    return mapping->bytes == bits->count / 8 + (bits->count % 8 != 0) &&
           bits->room_words == (mapping->bytes + WORD_BYTES - 1) / WORD_BYTES &&
           (bits->room_words == 0 || bits->in.words == mapping->data) &&
           mapping->writable == (bits->state == NEAP_BITS_IN_FILE);
}
