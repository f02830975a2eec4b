/* base/memory_source.h: memory that is read, wherever it lies.
 *
 * One decoder serves another process, a copy of one, a core file, our own memory
 * and a fuzzer's bytes, because it sees all of them through this. Addresses are
 * those of the process that is looked at. Nothing read through it is to be
 * believed before it was checked. Threads: those of the source behind it.
 */
#ifndef NEAP_BASE_MEMORY_SOURCE_H
#define NEAP_BASE_MEMORY_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

struct neap_memory {
    /* Copies all of [address, address + bytes) into `out` and returns 0, or
     * returns a negative enum neap_error and leaves `out` undefined. */
    int (*read)(void *context, uint64_t address, void *out, size_t bytes);
    /* The same range in place: a pointer good for as long as the source, or NULL
     * where it cannot be had so (then read). The member itself may be NULL. */
    const void *(*view)(void *context, uint64_t address, size_t bytes);
    void *context;
};

/* What was wrong with what was read, and where. */
struct neap_fault {
    uint64_t address;
    const char *why; /* static */
};

/* The range in place where that can be, else copied into `scratch` (of at least
 * `bytes`); NULL if it cannot be read. */
static inline const void *neap_memory_at(const struct neap_memory *memory, uint64_t address, void *scratch,
                                         size_t bytes) {
    const void *place = memory->view ? memory->view(memory->context, address, bytes) : NULL;
    if (place)
        return place;
    return memory->read(memory->context, address, scratch, bytes) == NEAP_OK ? scratch : NULL;
}

#endif
