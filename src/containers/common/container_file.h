/* containers/common/container_file.h: the file that a container is saved in.
 *
 *     [ preamble 64 B | head: the container's own | body ............... ]
 *       magic, byte order,  sizes, seeds, offsets   from a multiple of 64;
 *       container, version, (at most 4 KiB)         read where it lies
 *       sizes, checksums
 *
 * Opening maps the file and is done in constant time: it verifies the preamble and
 * the head by their own checksum, and that the file is exactly as long as they say.
 * The body has a checksum too, which takes a walk over all of it and is therefore
 * verified when asked for (neap__container_file_verify). A container that reads an
 * unverified body holds every offset, length and count that it takes from it
 * against neap__container_file_bytes: a hostile file may give wrong answers, never
 * an access outside of its mapping.
 *
 * Checksums are XXH3, 64 bits; they find damage, not forgery. Numbers are in the
 * machine's order: a file of the other order is refused. Threads: any may read an
 * open file; a writer is one thread's.
 */
#ifndef NEAP_CONTAINERS_COMMON_CONTAINER_FILE_H
#define NEAP_CONTAINERS_COMMON_CONTAINER_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

enum { NEAP_CONTAINER_HEAD_BYTES_MAX = 4096, NEAP_CONTAINER_FILE_ALIGN = 64 };

/* What the file is of; part of the format. */
enum neap_container {
    NEAP_CONTAINER_MAP = 1,
    NEAP_CONTAINER_TRIE = 2,
    NEAP_CONTAINER_BITS = 3,
};

/* --- reading --- */

struct neap__container_file {
    const unsigned char *head; /* of the length that the opener wants */
    const unsigned char *body; /* aligned to NEAP_CONTAINER_FILE_ALIGN */
    uint64_t body_bytes;
    const unsigned char *data; /* the whole file */
    size_t bytes;
};

/* Maps the file at `path`, which is to hold such a container with a head of
 * `head_bytes`. Errors as those of neap_os_file_map, and NEAP_ERROR_FORMAT for
 * anything that is not such a file, whole. */
int neap__container_file_open(const char *path, enum neap_container container, uint32_t version,
                              size_t head_bytes, struct neap__container_file *file);

/* The same for bytes in memory that outlive the file; `data` is aligned to 64.
 * Nothing is to be closed. */
int neap__container_file_view(const void *data, size_t bytes, enum neap_container container, uint32_t version,
                              size_t head_bytes, struct neap__container_file *file);

void neap__container_file_close(struct neap__container_file *file);

/* Reads the whole body: NEAP_ERROR_FORMAT if its checksum is not that of the preamble. */
int neap__container_file_verify(const struct neap__container_file *file);

/* `bytes` of the body from `offset`; NULL if they do not all lie in it. */
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
 * returned; the file is then as before. */
int neap__container_file_save(const char *path, enum neap_container container, uint32_t version, void *head,
                              size_t head_bytes,
                              int (*write_body)(struct neap__container_writer *writer, const void *context,
                                                void *head),
                              const void *context);

int neap__container_writer_write(struct neap__container_writer *writer, const void *data, size_t bytes);

/* Bytes of body written so far: the offset of what is written next. */
uint64_t neap__container_writer_offset(const struct neap__container_writer *writer);

#endif
