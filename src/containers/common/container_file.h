/* containers/common/container_file.h: the file in which a container is saved.
 *
 *     [ preamble 64 B | head of the container     | body ............... ]
 *       magic, byte order,  sizes, seeds, offsets   at a multiple of 64;
 *       container, version, (at most 4 KiB)         read in place
 *       sizes, checksums
 *
 * Opening maps the file and takes constant time. It verifies a checksum of preamble
 * and head, and that the file has exactly the length they state. The checksum of the
 * body covers the whole file, so neap__container_file_verify checks it on request
 * only. A container that reads an unverified body checks every offset, length and
 * count in it with neap__container_file_bytes. So a hostile file may give wrong
 * answers, but never an access outside of its mapping. A file that another process cuts
 * short reads as zeros from there on (os/file_guard.h): a container asks
 * neap__container_file_is_cut after it has read, and before it believes what it read.
 *
 * Checksums are XXH3 of 64 bits; they find damage, not forgery. A file of another
 * byte order is refused. Threads: any may read an open file; one may write.
 */
#ifndef NEAP_CONTAINERS_COMMON_CONTAINER_FILE_H
#define NEAP_CONTAINERS_COMMON_CONTAINER_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

#include "os/file_guard.h"

enum { NEAP_CONTAINER_HEAD_BYTES_MAX = 4096, NEAP_CONTAINER_FILE_ALIGN = 64 };

/* The kind of container; part of the format. */
enum neap_container {
    NEAP_CONTAINER_MAP = 1,
    NEAP_CONTAINER_TRIE = 2,
    NEAP_CONTAINER_BITS = 3,
};

/* --- reading --- */

struct neap__container_file {
    const unsigned char *head; /* of the length that was asked for */
    const unsigned char *body; /* aligned to NEAP_CONTAINER_FILE_ALIGN */
    uint64_t body_bytes;
    const unsigned char *data; /* the whole file */
    size_t bytes;
    struct neap_os_file_guard *guard; /* NULL if it is not mapped here */
};

/* Maps the file at `path`, which must hold such a container with a head of
 * `head_bytes`. Returns the errors of neap_os_file_map, or NEAP_ERROR_FORMAT if it
 * is not such a file or is cut short. */
int neap__container_file_open(const char *path, enum neap_container container, uint32_t version,
                              size_t head_bytes, struct neap__container_file *file);

/* The same for bytes in memory, which must outlive `file`; `data` is aligned to 64.
 * It need not be closed. */
int neap__container_file_view(const void *data, size_t bytes, enum neap_container container, uint32_t version,
                              size_t head_bytes, struct neap__container_file *file);

void neap__container_file_close(struct neap__container_file *file);

/* Whether something that was read of it before this call was cut off the file. It stays so. */
static inline bool neap__container_file_is_cut(const struct neap__container_file *file) {
    return neap_os_file_guard_is_cut(file->guard);
}

/* Reads the whole body. NEAP_ERROR_FORMAT if its checksum differs from that in the preamble. */
int neap__container_file_verify(const struct neap__container_file *file);

/* Address of `bytes` of the body from `offset` on; NULL if they do not all lie in it. */
static inline const unsigned char *neap__container_file_bytes(const struct neap__container_file *file,
                                                              uint64_t offset, uint64_t bytes) {
    if (offset > file->body_bytes || bytes > file->body_bytes - offset)
        return NULL;
    return file->body + offset;
}

/* --- writing --- */

/* One that is being written: some 25 KB, for the stack; a file appears only with _commit. */
struct neap__container_writer;

/* Calls write_body(writer, context, head), which appends the body by
 * neap__container_writer_write and fills the `head_bytes` of head; then puts the
 * file at `path` in one step. Errors as those of os/file.h, or what write_body
 * returned; the file is then as before. NEAP_ERROR_FORMAT has errno EISDIR or ENODEV if a
 * folder or another thing that is no regular file lies at `path`, and EIO if write_body
 * returned it. */
int neap__container_file_save(const char *path, enum neap_container container, uint32_t version, void *head,
                              size_t head_bytes,
                              int (*write_body)(struct neap__container_writer *writer, const void *context,
                                                void *head),
                              const void *context);

int neap__container_writer_write(struct neap__container_writer *writer, const void *data, size_t bytes);

/* Bytes of body written so far: the offset of what is written next. */
uint64_t neap__container_writer_offset(const struct neap__container_writer *writer);

#endif
