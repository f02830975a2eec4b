/* containers/common/container_file.c */
#include "containers/common/container_file.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/word.h"
#include "os/atomic_file.h"
#include "os/file.h"

static const char magic[8] = {'n', 'e', 'a', 'p', 'f', 'i', 'l', 'e'};

enum { BYTE_ORDER_MARK = 0x01020304 };

/* The first bytes of a file. */
struct preamble {
    char magic[sizeof(magic)];
    uint32_t byte_order;
    uint32_t container; /* enum neap_container */
    uint32_t version;   /* format of the head and body of that container */
    uint32_t head_bytes;
    uint64_t body_bytes;
    uint64_t body_checksum;
    uint64_t reserved[2];
    uint64_t checksum; /* of all members before, and of the head */
};

_Static_assert(sizeof(struct preamble) == NEAP_CONTAINER_FILE_ALIGN, "it is part of the format");

struct neap__container_writer {
    struct neap_os_atomic_file file;
    XXH3_state_t checksum; /* of the body so far */
    uint64_t body_bytes;
};

static uint64_t body_offset(size_t head_bytes) {
    return neap_word_round_up(sizeof(struct preamble) + head_bytes, NEAP_CONTAINER_FILE_ALIGN);
}

static uint64_t checksum_of(const struct preamble *preamble, const void *head) {
    uint64_t first = XXH3_64bits(preamble, offsetof(struct preamble, checksum));
    return XXH3_64bits_withSeed(head, preamble->head_bytes, first);
}

/* --- reading --- */

int neap__container_file_view(const void *data, size_t bytes, enum neap_container container, uint32_t version,
                              size_t head_bytes, struct neap__container_file *file) {
    struct preamble preamble;
    uint64_t offset = body_offset(head_bytes);
    if (bytes < offset)
        return NEAP_ERROR_FORMAT;
    memcpy(&preamble, data, sizeof(preamble));
    const unsigned char *start = data, *head = start + sizeof(preamble);
    if (memcmp(preamble.magic, magic, sizeof(magic)) != 0 || preamble.byte_order != BYTE_ORDER_MARK ||
        preamble.container != container || preamble.version != version || preamble.head_bytes != head_bytes ||
        preamble.body_bytes != bytes - offset || preamble.checksum != checksum_of(&preamble, head))
        return NEAP_ERROR_FORMAT;
    *file = (struct neap__container_file){
        .head = head,
        .body = start + offset,
        .body_bytes = preamble.body_bytes,
        .data = start,
        .bytes = bytes,
    };
    return NEAP_OK;
}

int neap__container_file_open(const char *path, enum neap_container container, uint32_t version,
                              size_t head_bytes, struct neap__container_file *file) {
    struct neap_os_file_guard *guard = NULL;
    const void *data;
    size_t bytes;
    int error = neap_os_file_map(path, &data, &bytes);
    if (error != NEAP_OK)
        return error;
    error = neap_os_file_guard_add(data, bytes, false, &guard);
    if (error == NEAP_OK)
        error = neap__container_file_view(data, bytes, container, version, head_bytes, file);
    if (error == NEAP_OK && neap_os_file_guard_is_cut(guard))
        error = NEAP_ERROR_FORMAT;
    if (error != NEAP_OK) {
        neap_os_file_guard_remove(guard);
        neap_os_file_unmap(data, bytes);
        return error;
    }
    file->guard = guard;
    return NEAP_OK;
}

void neap__container_file_close(struct neap__container_file *file) {
    neap_os_file_guard_remove(file->guard);
    neap_os_file_unmap(file->data, file->bytes);
    *file = (struct neap__container_file){0};
}

int neap__container_file_verify(const struct neap__container_file *file) {
    struct preamble preamble;
    memcpy(&preamble, file->data, sizeof(preamble));
    return XXH3_64bits(file->body, (size_t)file->body_bytes) == preamble.body_checksum ? NEAP_OK
                                                                                       : NEAP_ERROR_FORMAT;
}

/* --- writing --- */

int neap__container_writer_write(struct neap__container_writer *writer, const void *data, size_t bytes) {
    XXH3_64bits_update(&writer->checksum, data, bytes);
    writer->body_bytes += bytes;
    return neap_os_atomic_file_write(&writer->file, data, bytes);
}

uint64_t neap__container_writer_offset(const struct neap__container_writer *writer) {
    return writer->body_bytes;
}

int neap__container_file_save(const char *path, enum neap_container container, uint32_t version, void *head,
                              size_t head_bytes,
                              int (*write_body)(struct neap__container_writer *writer, const void *context,
                                                void *head),
                              const void *context) {
    struct neap__container_writer writer = {.body_bytes = 0};
    /* What precedes the body, all zero until it is known. */
    unsigned char start[sizeof(struct preamble) + NEAP_CONTAINER_HEAD_BYTES_MAX + NEAP_CONTAINER_FILE_ALIGN] =
        {0};
    assert(head_bytes <= NEAP_CONTAINER_HEAD_BYTES_MAX);
    int error = neap_os_atomic_file_open(&writer.file, path);
    if (error != NEAP_OK)
        return error;
    XXH3_64bits_reset(&writer.checksum);
    error = neap_os_atomic_file_write(&writer.file, start, (size_t)body_offset(head_bytes));
    if (error == NEAP_OK)
        error = write_body(&writer, context, head);
    if (error == NEAP_ERROR_FORMAT)
        errno = EIO;
    if (error == NEAP_OK) {
        struct preamble preamble = {
            .byte_order = BYTE_ORDER_MARK,
            .container = container,
            .version = version,
            .head_bytes = (uint32_t)head_bytes,
            .body_bytes = writer.body_bytes,
            .body_checksum = XXH3_64bits_digest(&writer.checksum),
        };
        memcpy(preamble.magic, magic, sizeof(magic));
        preamble.checksum = checksum_of(&preamble, head);
        memcpy(start, &preamble, sizeof(preamble));
        memcpy(start + sizeof(preamble), head, head_bytes);
        error = neap_os_atomic_file_write_start(&writer.file, start, sizeof(preamble) + head_bytes);
    }
    if (error == NEAP_OK)
        return neap_os_atomic_file_commit(&writer.file);
    neap_os_atomic_file_discard(&writer.file);
    return error;
}
